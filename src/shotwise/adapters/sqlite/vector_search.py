"""Search by meaning on one machine: vectors beside the documents, in the same SQLite file, compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore, translated
from shotwise.knowledge.models import IndexedDocument, PassageId, Query


class SqliteVectorSearch:
    """Implements `knowledge.ports.PassageSearch`. Vectors are kept as float16: the rounding moves a cosine by less than
    .001, and 100,000 passages of 1,024 dimensions take 200 MB."""

    name = "sqlite"
    needs_vectors = True
    lexical = False

    def __init__(self, library: SqliteDocumentStore) -> None:
        self._library = library
        self._held = _Held((), np.zeros(1, int), np.zeros((0, 0), np.float32), np.zeros(0, bool))

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the vectors of a version beside those of others."""
        packed = np.asarray(vectors, "<f2")
        _execute(self._library, "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                 (volume.document.name, volume.version, packed.shape[1] if packed.size else 0, packed.tobytes()))

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the vectors of every other version."""
        _execute(self._library, "DELETE FROM vectors WHERE document = ? AND version IS NOT ?", (name, version))

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """The passages nearest to the query by cosine."""
        if query.vector is None:
            return []
        held = self._current(len(query.vector))
        if not len(held.matrix):
            return [[]]
        near = held.matrix @ np.asarray(query.vector, np.float32)
        if action_only:
            near = np.where(held.actions, near, -np.inf)
        best = np.argsort(-near, kind="stable")[:limit]
        return [[held.key(int(at)) for at in best if np.isfinite(near[at])]]

    def _current(self, dimensions: int) -> _Held:
        """The vectors of the kept versions, read anew where documents changed; put in place as one, because several
        threads search."""
        held = self._held
        if held.state != (dimensions, *_fetch(self._library, CURRENT.format("v.document, v.version"), (dimensions,))):
            rows = _fetch(self._library, CURRENT.format("v.document, v.version, v.vectors, p.actions"), (dimensions,))
            parts = [np.frombuffer(vectors, "<f2").reshape(-1, dimensions) for _, _, vectors, _ in rows]
            self._held = held = _Held(
                (dimensions, *((name, version) for name, version, _, _ in rows)), np.cumsum([0, *map(len, parts)]),
                np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, dimensions), np.float32),
                np.frombuffer(b"".join(actions for *_, actions in rows), np.uint8).astype(bool))
        return held


@dataclass(frozen=True)
class _Held:
    """state: dimensions, then (name, version) of every document; firsts: the row at which each begins."""

    state: tuple[Any, ...]
    firsts: NDArray[Any]
    matrix: NDArray[np.float32]
    actions: NDArray[np.bool_]

    def key(self, number: int) -> PassageId:
        """The passage of a row."""
        at = int(np.searchsorted(self.firsts, number, "right")) - 1
        name, version = self.state[1 + at]
        return PassageId(name, version, number - int(self.firsts[at]))


CURRENT = ("SELECT {} FROM vectors v JOIN documents d ON d.name = v.document AND d.version = v.version"
           " JOIN postings p ON p.document = v.document WHERE v.dimensions = ? AND d.passages > 0 ORDER BY v.document")


@translated
def _execute(library: SqliteDocumentStore, statement: str, values: tuple[Any, ...]) -> None:
    with library.connection:
        library.connection.execute(statement, values)


@translated
def _fetch(library: SqliteDocumentStore, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return library.connection.execute(statement, values).fetchall()
