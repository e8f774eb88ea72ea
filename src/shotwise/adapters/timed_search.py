"""A passage search with a time limit, for the services that are searched over a network."""

from __future__ import annotations

from collections.abc import Sequence

from shotwise.adapters.in_thread import call_in_thread
from shotwise.deadline import Deadline
from shotwise.knowledge.models import IndexedDocument, PassageId, Query
from shotwise.knowledge.ports import PassageSearch


class TimedSearch:
    """Implements `knowledge.ports.PassageSearch` by another one, whose own limits are for each try of a request.

    Parameters
    ----------
    passage_search : PassageSearch
        The search.
    seconds : float
        Time limit of a search, in all.
    """

    def __init__(self, passage_search: PassageSearch, seconds: float) -> None:
        self.name = passage_search.name
        self.needs_vectors = passage_search.needs_vectors
        self.lexical = passage_search.lexical
        self._passage_search = passage_search
        self._seconds = seconds

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the passages of a version, without a time limit."""
        self._passage_search.put(indexed_document, vectors)

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove other versions, without a time limit."""
        self._passage_search.keep_only(name, version)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return the rankings. Raises TimeLimitExceeded if they take too long."""
        return call_in_thread(lambda: self._passage_search.rankings(query, limit, action_only=action_only),
                              Deadline(self._seconds), self.name)
