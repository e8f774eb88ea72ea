"""Search by meaning on one machine, by comparing the query with all vectors in the documents' SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.models import IndexedDocument, PassageId, Query

STORED_VECTORS = (
    "SELECT {} FROM vectors v JOIN documents d ON d.name = v.document AND d.version = v.version"
    " JOIN postings p ON p.document = v.document WHERE v.dimensions = ? AND d.passages > 0 ORDER BY v.document")


@dataclass(frozen=True)
class _VectorMatrix:
    """The vectors of all stored documents, one row per passage.

    Attributes
    ----------
    state : tuple
        The dimensions, then (name, version) of every document; a matrix with another state is outdated.
    firsts : ndarray of int, shape (n_documents + 1,)
        The first row of each document, then n_passages.
    vectors : ndarray of float32, shape (n_passages, dimensions)
        The vectors.
    actions : ndarray of bool, shape (n_passages,)
        Whether the passage is a countermeasure.
    """

    state: tuple[Any, ...]
    firsts: NDArray[Any]
    vectors: NDArray[np.float32]
    actions: NDArray[np.bool_]

    def passage_id(self, row: int) -> PassageId:
        """Return the passage of a row."""
        position = int(np.searchsorted(self.firsts, row, "right")) - 1
        name, version = self.state[1 + position]
        return PassageId(name, version, row - int(self.firsts[position]))


class SqliteVectorSearch:
    """Implements `knowledge.ports.PassageSearch`.

    Vectors are stored as float16: rounding changes a cosine by less than .001, and 100,000 vectors of 1,024 dimensions
    take 200 MB.
    """

    name = "sqlite"
    needs_vectors = True
    lexical = False

    def __init__(self, document_store: SqliteDocumentStore) -> None:
        self._document_store = document_store
        self._matrix = _VectorMatrix((), np.zeros(1, int), np.zeros((0, 0), np.float32), np.zeros(0, bool))

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the vectors of a version without removing other versions."""
        packed = np.asarray(vectors, "<f2")
        dimensions = packed.shape[1] if packed.size else 0
        self._write("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                    (indexed_document.document.name, indexed_document.version, dimensions, packed.tobytes()))

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the vectors of every other version."""
        self._write("DELETE FROM vectors WHERE document = ? AND version IS NOT ?", (name, version))

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return the passages nearest to the query by cosine."""
        if query.vector is None:
            return []
        matrix = self._current_matrix(len(query.vector))
        if not len(matrix.vectors):
            return [[]]
        cosines = matrix.vectors @ np.asarray(query.vector, np.float32)
        if action_only:
            cosines = np.where(matrix.actions, cosines, -np.inf)
        best_rows = np.argsort(-cosines, kind="stable")[:limit]
        return [[matrix.passage_id(int(row)) for row in best_rows if np.isfinite(cosines[row])]]

    def _current_matrix(self, dimensions: int) -> _VectorMatrix:
        """Return the vectors of the stored versions, read again if documents have changed.

        The attribute is replaced rather than changed, because several threads may search at the same time.
        """
        matrix = self._matrix
        if matrix.state != (dimensions, *self._read("v.document, v.version", dimensions)):
            rows = self._read("v.document, v.version, v.vectors, p.actions", dimensions)
            parts = [np.frombuffer(vectors, "<f2").reshape(-1, dimensions) for _, _, vectors, _ in rows]
            self._matrix = matrix = _VectorMatrix(
                (dimensions, *((name, version) for name, version, _, _ in rows)), np.cumsum([0, *map(len, parts)]),
                np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, dimensions), np.float32),
                np.frombuffer(b"".join(actions for *_, actions in rows), np.uint8).astype(bool))
        return matrix

    def _write(self, statement: str, parameters: tuple[Any, ...]) -> None:
        with self._document_store.use() as connection, connection:
            connection.execute(statement, parameters)

    def _read(self, columns: str, dimensions: int) -> list[tuple[Any, ...]]:
        with self._document_store.use() as connection:
            return connection.execute(STORED_VECTORS.format(columns), (dimensions,)).fetchall()
