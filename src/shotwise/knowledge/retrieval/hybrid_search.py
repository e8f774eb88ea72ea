"""Search the stored documents by words and, if vectors are stored, by meaning.

References
----------
Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
(SIGIR 2009).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, Passage, PassageId, Postings, Query
from shotwise.knowledge.ports import DocumentStore, PassageSearch
from shotwise.knowledge.retrieval.bm25 import Bm25Index, TermMatrix
from shotwise.knowledge.retrieval.query_terms import search_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import Analyzer

MAX_ATTEMPTS = 5  # attempts to read while documents are being replaced


class HybridSearch:
    """Searches the documents of a store by words and by meaning. Instances are thread-safe.

    The postings are in memory. Before every search they are updated to the versions that the store reports.

    Parameters
    ----------
    document_store : DocumentStore
        The stored documents.
    analyzer : Analyzer
        Splits queries into terms; the documents must be indexed with the same dictionary.
    passage_search : PassageSearch, optional
        Ranks passages by meaning. Without it, passages are searched by words alone.
    """

    def __init__(self, document_store: DocumentStore, analyzer: Analyzer,
                 passage_search: PassageSearch | None = None) -> None:
        self.document_store = document_store
        self.analyzer = analyzer
        self._passage_search = passage_search
        self._refresh_lock = threading.Lock()
        self._postings: dict[str, tuple[str, Postings]] = {}
        self._snapshot: tuple[Mapping[str, str], Bm25Index] = ({}, Bm25Index({}))

    def search(self, query: Query, limit: int, *, action_only: bool = False) -> list[Passage]:
        """Return the passages for a query, best first.

        Several rankings, by words and by meaning, are fused by reciprocal rank.

        Parameters
        ----------
        query : Query
            The query. If it has no vector, rankings that need one are left out.
        limit : int
            Maximum number of passages.
        action_only : bool
            Whether only passages that announce countermeasures are searched.

        Raises
        ------
        KnowledgeError
            The document store or the passage search does not answer.
        """
        return self.search_with_terms(query, (), limit, action_only=action_only)[0]

    def search_with_terms(self, query: Query, terms: Sequence[str], limit: int, *,
                          action_only: bool = False) -> tuple[list[Passage], TermMatrix]:
        """Search as `search` does, and also return where `terms` occur in the passages."""
        weighted_terms = search_terms(query.text, self.analyzer)
        depth = WEIGHTS.fusion_depth
        rankings = self._passage_search.rankings(query, depth, action_only=action_only) if self._passage_search else []
        by_words = self._passage_search is None or not self._passage_search.lexical
        for _ in range(MAX_ATTEMPTS):  # a document may be replaced between ranking and reading
            versions, bm25 = self._current()
            ranked_by_words = [bm25.search(weighted_terms, depth, action_only=action_only)] if by_words else []
            passage_ids = [passage_id for passage_id in reciprocal_rank_fusion([*ranked_by_words, *rankings])
                           if versions.get(passage_id.document) == passage_id.version][:limit]
            passages = self.document_store.passages(passage_ids)
            if all(passages):
                break
        pairs = zip(passage_ids, passages, strict=True)
        existing = [(passage_id, passage) for passage_id, passage in pairs if passage is not None]
        matrix = bm25.term_matrix(terms, [passage_id for passage_id, _ in existing])
        return [passage for _, passage in existing], matrix

    def document_frequencies(self, terms: Sequence[str], *, in_questions: bool = False) -> Mapping[str, int]:
        """Count for each term the passages whose own text contains it, or the expected questions that contain it.

        Terms that occur nowhere are left out.
        """
        return self._current()[1].document_frequencies(terms, in_questions=in_questions)

    def passage_count(self) -> int:
        """Return the number of passages."""
        return self._current()[1].passage_count

    def question_count(self) -> int:
        """Return the number of expected questions."""
        return self._current()[1].question_count

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document, ordered by name."""
        return self.document_store.summaries()

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as extracted from the PDF; empty if there is no such page."""
        return self.document_store.page_text(document, page)

    def _current(self) -> tuple[Mapping[str, str], Bm25Index]:
        """Return the current versions of the store and their index; only changed documents are read again."""
        versions = self.document_store.versions()
        if versions == self._snapshot[0]:
            return self._snapshot
        with self._refresh_lock:
            for _ in range(MAX_ATTEMPTS):
                versions = dict(self.document_store.versions())
                if versions == self._snapshot[0]:
                    break
                postings = self._read_postings(versions)
                if postings is not None:
                    self._postings = postings
                    self._snapshot = versions, Bm25Index(postings)
                    break
            return self._snapshot

    def _read_postings(self, versions: Mapping[str, str]) -> dict[str, tuple[str, Postings]] | None:
        """Read the postings of these versions; return None if the store changed meanwhile."""
        unchanged = {name: entry for name, entry in self._postings.items() if versions.get(name) == entry[0]}
        try:
            postings = {name: unchanged.get(name) or (version, self.document_store.postings(name, version))
                        for name, version in versions.items()}
        except KnowledgeError:
            if self.document_store.versions() == versions:
                raise
            return None
        return postings if self.document_store.versions() == versions else None


def reciprocal_rank_fusion(rankings: Sequence[Sequence[PassageId]]) -> list[PassageId]:
    """Fuse several rankings into one.

    A passage scores 1 / (rrf_k + rank) in each ranking that contains it, with ranks from 1. Equal scores are in the
    order of the first ranking that contains them. A single ranking is returned unchanged.
    """
    if len(rankings) == 1:
        return list(rankings[0])
    scores: dict[PassageId, float] = {}
    for ranking in rankings:
        for rank, passage_id in enumerate(ranking, 1):
            scores[passage_id] = scores.get(passage_id, 0.0) + 1 / (WEIGHTS.rrf_k + rank)
    return sorted(scores, key=lambda passage_id: -scores[passage_id])
