"""The read side of the library: one search over words and meaning."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, Passage, PassageId, Postings, Query
from shotwise.knowledge.ports import DocumentStore, PassageSearch
from shotwise.knowledge.retrieval.bm25 import Bm25Index, TermMatrix
from shotwise.knowledge.retrieval.query_terms import search_terms
from shotwise.knowledge.text.analyzer import Analyzer

DEPTH = 60  # passages of each ranking that are fused
TRIES = 5  # of reading while documents are being replaced
RANK = 60  # of reciprocal-rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009


class HybridSearch:
    """Searches the documents of a library. Its postings are held in memory and follow the library: what was put in or
    removed counts from the next search on. Usable from several threads."""

    def __init__(self, document_store: DocumentStore, analyzer: Analyzer, passage_search: PassageSearch | None = None) -> None:
        self.document_store = document_store
        self.analyzer = analyzer
        self._passage_search = passage_search
        self._refreshing = threading.Lock()
        self._postings: dict[str, tuple[str, Postings]] = {}
        self._held: tuple[Mapping[str, str], Bm25Index] = ({}, Bm25Index({}))

    def search(self, query: Query, limit: int, *, action_only: bool = False) -> list[Passage]:
        """The passages for a query, best first: rankings by words and by meaning, fused by reciprocal rank where
        there are several.

        Raises KnowledgeError where library or searcher do not answer.
        """
        return self.found(query, (), limit, action_only=action_only)[0]

    def found(self, query: Query, terms: Sequence[str], limit: int, *,
              action_only: bool = False) -> tuple[list[Passage], TermMatrix]:
        """The passages for a query, and where `terms` stand in them."""
        wanted = search_terms(query.text, self.analyzer)
        rankings = self._passage_search.rankings(query, DEPTH, action_only=action_only) if self._passage_search else []
        for _ in range(TRIES):  # a document may be replaced between looking and reading
            versions, lexical = self._current()
            fusing = rankings
            if self._passage_search is None or not self._passage_search.lexical:
                fusing = [lexical.search(wanted, DEPTH, action_only=action_only), *rankings]
            keys = [key for key in fused(fusing) if versions.get(key.document) == key.version][:limit]
            kept = list(zip(keys, self.document_store.passages(keys), strict=True))
            if all(passage for _, passage in kept):
                break
        there = [(key, passage) for key, passage in kept if passage is not None]
        return [passage for _, passage in there], lexical.standing(terms, [key for key, _ in there])

    def frequencies(self, terms: Sequence[str], *, questions: bool = False) -> Mapping[str, int]:
        """In the text of how many passages each term stands, or in how many questions that they answer; terms that
        stand in none are absent."""
        return self._current()[1].frequencies(terms, questions=questions)

    def size(self) -> int:
        """The number of passages."""
        return self._current()[1].size

    def questions(self) -> int:
        """The number of questions that they answer."""
        return self._current()[1].questions

    def summaries(self) -> list[DocumentSummary]:
        """Every document, by name."""
        return self.document_store.summaries()

    def page_text(self, document: str, page: int) -> str:
        """The text of a page as the PDF holds it; empty where there is no such page."""
        return self.document_store.page_text(document, page)

    def _current(self) -> tuple[Mapping[str, str], Bm25Index]:
        """The versions that the library holds now and their postings; only those of changed documents are read anew."""
        versions = self.document_store.versions()
        if versions == self._held[0]:
            return self._held
        with self._refreshing:
            for _ in range(TRIES):
                versions = dict(self.document_store.versions())
                if versions == self._held[0]:
                    break
                postings = self._read(versions)
                if postings is not None:
                    self._postings = postings
                    self._held = versions, Bm25Index(postings)
                    break
            return self._held

    def _read(self, versions: Mapping[str, str]) -> dict[str, tuple[str, Postings]] | None:
        """The postings of these versions; None where the library changed meanwhile."""
        found = {name: kept for name, kept in self._postings.items() if versions.get(name) == kept[0]}
        try:
            found = {name: found.get(name) or (version, self.document_store.postings(name, version))
                     for name, version in versions.items()}
        except KnowledgeError:
            if self.document_store.versions() == versions:
                raise
            return None
        return found if self.document_store.versions() == versions else None


def fused(rankings: Sequence[Sequence[PassageId]]) -> list[PassageId]:
    """One ranking of several, by reciprocal rank; equal ones in the order of the first ranking that has them."""
    if len(rankings) == 1:
        return list(rankings[0])
    scores: dict[PassageId, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + 1 / (RANK + rank)
    return sorted(scores, key=lambda key: -scores[key])
