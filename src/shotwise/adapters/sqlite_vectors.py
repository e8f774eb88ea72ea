"""Search by meaning on one machine: vectors beside the documents, in the same SQLite file, compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.sqlite_library import SqliteLibrary, translated
from shotwise.knowledge.passage import Key, Query, Volume


class SqliteVectors:
    """Implements `knowledge.ports.Searcher`. Vectors are kept as float16: the rounding moves a cosine by less than
    .001, and 100,000 passages of 1,024 dimensions take 200 MB."""

    name = "sqlite"
    needs_vectors = True
    lexical = False

    def __init__(self, library: SqliteLibrary) -> None:
        self._library = library
        self._state: tuple[Any, ...] = ()
        self._firsts: NDArray[Any] = np.zeros(1, int)
        self._matrix: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._actions: NDArray[np.bool_] = np.zeros(0, bool)

    def put(self, volume: Volume, vectors: Sequence[Sequence[float]]) -> None:
        """Add the vectors of a version beside those of others."""
        packed = np.asarray(vectors, "<f2")
        _execute(self._library, "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                 (volume.document.name, volume.version, packed.shape[1] if packed.size else 0, packed.tobytes()))

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the vectors of every other version."""
        _execute(self._library, "DELETE FROM vectors WHERE document = ? AND version IS NOT ?", (name, version))

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[Key]]:
        """The passages nearest to the query by cosine."""
        if query.vector is None:
            return []
        self._refresh(len(query.vector))
        if not len(self._matrix):
            return [[]]
        near = self._matrix @ np.asarray(query.vector, np.float32)
        if action_only:
            near = np.where(self._actions, near, -np.inf)
        best = np.argsort(-near, kind="stable")[:limit]
        return [[self._key(int(at)) for at in best if np.isfinite(near[at])]]

    def _refresh(self, dimensions: int) -> None:
        """Hold the vectors of the kept versions in memory, anew where documents changed."""
        state = (dimensions, *_fetch(self._library, CURRENT.format("v.document, v.version"), (dimensions,)))
        if state == self._state:
            return
        rows = _fetch(self._library, CURRENT.format("v.vectors, p.actions"), (dimensions,))
        parts = [np.frombuffer(vectors, "<f2").reshape(-1, dimensions) for vectors, _ in rows]
        self._firsts = np.cumsum([0, *map(len, parts)])
        self._matrix = np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, dimensions), np.float32)
        self._actions = np.frombuffer(b"".join(actions for _, actions in rows), np.uint8).astype(bool)
        self._state = state

    def _key(self, number: int) -> Key:
        at = int(np.searchsorted(self._firsts, number, "right")) - 1
        name, version = self._state[1 + at]
        return Key(name, version, number - int(self._firsts[at]))


CURRENT = ("SELECT {} FROM vectors v JOIN documents d ON d.name = v.document AND d.version = v.version"
           " JOIN postings p ON p.document = v.document WHERE v.dimensions = ? AND d.passages > 0 ORDER BY v.document")


@translated
def _execute(library: SqliteLibrary, statement: str, values: tuple[Any, ...]) -> None:
    with library.connection:
        library.connection.execute(statement, values)


@translated
def _fetch(library: SqliteLibrary, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return library.connection.execute(statement, values).fetchall()
