"""The read side: it follows its document store, and fuses the rankings by words and by meaning."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from fakes import FakeEmbedder, FakePassageSearch, InMemoryDocumentStore
from hypothesis import given
from hypothesis import strategies as st
from sample_documents import indexed_document, passage

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query
from shotwise.knowledge.retrieval.bm25 import TermMatrix
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch, reciprocal_rank_fusion
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX, Analyzer

RANKINGS = st.lists(st.integers(0, 9), unique=True).map(
    lambda numbers: [PassageId("a", "v", number) for number in numbers])


def first_lines(passages: Sequence[Passage]) -> list[str]:
    """The first line of each passage."""
    return [source.lines[0].text for source in passages]


@pytest.fixture
def store() -> InMemoryDocumentStore:
    """An empty document store in memory."""
    return InMemoryDocumentStore()


def test_it_follows_its_store(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """A document that was put, replaced or removed counts from the next search on, in frequencies and counts too."""
    search = HybridSearch(store, analyzer)
    assert search.search(Query("기공"), 5) == [] and search.passage_count() == 0
    store.put(indexed_document(analyzer, "기공이 생긴다", "온도"))
    assert first_lines(search.search(Query("기공"), 5)) == ["기공이 생긴다"] and search.passage_count() == 2
    store.put(indexed_document(analyzer, "기공의 새 쪽", version="v2"))
    assert first_lines(search.search(Query("기공"), 5)) == ["기공의 새 쪽"]
    assert (search.passage_count(), search.document_frequencies(["기공", "온도"])) == (1, {"기공": 1})
    store.remove("guide.pdf")
    assert search.search(Query("기공"), 5) == [] and search.passage_count() == 0
    assert search.document_frequencies(["기공"]) == {}


def test_only_changed_documents_are_read_again(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """A change of one document costs one read, and no change none."""
    search = HybridSearch(store, analyzer)
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        store.put(indexed_document(analyzer, "기공", name=name))
    search.search(Query("기공"), 5)
    search.search(Query("기공"), 5)
    store.put(indexed_document(analyzer, "기공", name="b.pdf", version="v2"))
    store.remove("c.pdf")
    assert len(search.search(Query("기공"), 5)) == 2
    assert store.posting_reads == {"a.pdf": 1, "b.pdf": 2, "c.pdf": 1}


def test_passages_come_back_as_they_went_in(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Several documents are one index; limit and the restriction to countermeasures apply to all of them."""
    passages = [passage("기공을 줄인다", name=name, action=action)
                for name, action in (("a.pdf", False), ("b.pdf", True), ("c.pdf", True))]
    for source in passages:
        store.put(indexed_document(analyzer, source, name=source.document))
    search = HybridSearch(store, analyzer)
    assert search.search(Query("기공"), 5) == passages and search.search(Query("기공"), 2) == passages[:2]
    assert search.search(Query("기공"), 5, action_only=True) == passages[1:]
    assert [summary.name for summary in search.summaries()] == ["a.pdf", "b.pdf", "c.pdf"]
    assert search.page_text("a.pdf", 1) == "기공을 줄인다" and search.page_text("a.pdf", 2) == ""


def matches_its_passages(result: tuple[list[Passage], TermMatrix], term: str) -> bool:
    """Whether the matrix has a term in exactly those of the passages whose lines contain it."""
    passages, matrix = result
    row = matrix.present[matrix.rows[term]]
    present = [bool(row[first:end].any()) for first, end in pairwise(matrix.firsts)]
    return present == [any(term.lstrip(BIGRAM_PREFIX) in line.text for line in source.lines) for source in passages]


def test_the_term_matrix_belongs_to_the_passages(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """It has the passages' order over several documents, their questions included; an unknown term occurs nowhere."""
    for name in ("a.pdf", "b.pdf"):
        passages = [passage(*lines, name=name) for lines in (("기공", "온도"), ("균열",), ("온도 기공",))]
        store.put(indexed_document(analyzer, *passages, name=name, questions={(2, 1): ("누구",)}))
    search = HybridSearch(store, analyzer)
    for limit in (1, 3, 9):
        passages, matrix = result = search.search_with_terms(
            Query("온도"), ["온도", "기공", "누구", "없는말", "온도"], limit)
        assert passages == search.search(Query("온도"), limit) and len(passages) == min(limit, 4)
        assert matches_its_passages(result, "온도") and matches_its_passages(result, "기공")
        has_question = [bool(matrix.is_question[first:end].any()) for first, end in pairwise(matrix.firsts)]
        assert has_question == [source.lines[0].text == "온도 기공" for source in passages]
        assert matrix.present[2].tolist() == matrix.is_question.tolist() and not matrix.present[3].any()


def test_a_passage_is_found_by_its_questions(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Their words count in the search and among questions; the text that comes back is the passage's own."""
    store.put(indexed_document(analyzer, "기공", "온도", questions={(1, 1): ("누가 피스톤을 닦나요?", "누구 피스톤")}))
    search = HybridSearch(store, analyzer)
    assert first_lines(search.search(Query("피스톤"), 5)) == ["온도"] and search.question_count() == 2
    assert search.document_frequencies(["피스톤", "온도"]) == {"온도": 1}
    assert search.document_frequencies(["피스톤", "온도"], in_questions=True) == {"피스톤": 2}
    store.remove("guide.pdf")
    assert search.question_count() == 0 and search.document_frequencies(["피스톤"], in_questions=True) == {}


def test_no_passages_have_an_empty_matrix(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """So it is in an empty store, and where no passage contains a word of the query."""
    search = HybridSearch(store, analyzer)
    for _ in range(2):
        passages, matrix = search.search_with_terms(Query("기공"), ["기공"], 5)
        assert passages == [] and matrix.present.shape == (1, 0) and matrix.firsts.tolist() == [0]
        store.put(indexed_document(analyzer, "온도"))


def test_the_kind_of_question_lifts_its_headings(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Why is answered under 원인 and how under 대책: of equal passages the one under that heading comes first."""
    store.put(indexed_document(analyzer, "기공 하나", passage("기공 둘", headings=("원인",)),
                               passage("기공 셋", headings=("대책",))))
    search = HybridSearch(store, analyzer)
    assert first_lines(search.search(Query("기공은 왜 생기나요?"), 5))[0] == "기공 둘"
    assert first_lines(search.search(Query("기공 줄이는 방법"), 5))[0] == "기공 셋"


@given(st.lists(RANKINGS, min_size=2, max_size=4))
def test_rankings_are_fused_by_reciprocal_rank(rankings: list[list[PassageId]]) -> None:
    """The fused order is that of the sums of 1 / (60 + rank), each passage once, equal ones as they came first."""
    in_order = list(dict.fromkeys(passage_id for ranking in rankings for passage_id in ranking))
    sums = {passage_id: sum(1 / (60 + ranking.index(passage_id) + 1) for ranking in rankings if passage_id in ranking)
            for passage_id in in_order}
    assert reciprocal_rank_fusion(rankings) == sorted(in_order, key=lambda passage_id: -sums[passage_id])


def test_a_single_ranking_is_not_changed_by_fusion() -> None:
    """One ranking stays as it is, and none or empty ones give an empty one."""
    ranking = [PassageId("a", "v", number) for number in (3, 1, 2)]
    assert reciprocal_rank_fusion([ranking]) == ranking
    assert reciprocal_rank_fusion([]) == reciprocal_rank_fusion([[]]) == reciprocal_rank_fusion([[], []]) == []


def test_words_and_meaning_are_both_searched(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """What both find comes first; what only the meaning finds is found too."""
    embedder, passage_search = FakeEmbedder(), FakePassageSearch()
    indexed = indexed_document(analyzer, "thin biscuit", "비스킷 얇음 온도 높음 균열", "비스킷이 얇으면", "균열",
                               "점심")
    store.put(indexed)
    passage_search.put(indexed, embedder.embed([source.text for source in indexed.passages]))
    query = Query("비스킷이 얇다", embedder.embed(["비스킷이 얇다"])[0])
    search = HybridSearch(store, analyzer, passage_search)
    lines = first_lines(search.search(query, 5))
    assert lines[:2] == ["비스킷이 얇으면", "thin biscuit"] or (
        lines[0] == "비스킷이 얇으면" and "thin biscuit" in lines)
    assert "thin biscuit" in first_lines(search.search(Query("얇다", query.vector), 3))


def test_a_query_without_a_vector_is_searched_by_words(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Where the embedder failed, the passage search gives no ranking and words alone decide."""
    store.put(indexed_document(analyzer, "기공", "온도"))
    search = HybridSearch(store, analyzer, FakePassageSearch())
    assert first_lines(search.search(Query("기공"), 5)) == ["기공"]


def test_passage_ids_that_the_store_does_not_have_are_skipped(store: InMemoryDocumentStore,
                                                              analyzer: Analyzer) -> None:
    """A passage search may be ahead or behind.

    Ids of another version, of no document or of no passage lead to nothing, and take no place from those that do.
    """
    store.put(indexed_document(analyzer, "기공", "온도", version="v2"))
    unknown = [PassageId("guide.pdf", "v1", 0), PassageId("guide.pdf", "v3", 0), PassageId("gone.pdf", "v2", 0)]
    passage_search = FakePassageSearch(lexical=True, extra_rankings=[
        [*unknown, PassageId("guide.pdf", "v2", 1), PassageId("guide.pdf", "v2", 9)]])
    search = HybridSearch(store, analyzer, passage_search)
    assert first_lines(search.search(Query("기공"), 1)) == ["온도"]
    assert first_lines(search.search(Query("기공"), 5)) == ["온도"]


def test_a_passage_search_by_words_replaces_ours(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Its ranking is not fused with a second one of the same kind; that of a search by meaning is."""
    store.put(indexed_document(analyzer, "기공", "온도"))
    rankings = [[PassageId("guide.pdf", "v1", 1)]]
    lexical = HybridSearch(store, analyzer, FakePassageSearch(lexical=True, extra_rankings=rankings))
    assert first_lines(lexical.search(Query("기공"), 5)) == ["온도"]
    by_meaning = HybridSearch(store, analyzer, FakePassageSearch(extra_rankings=rankings))
    assert sorted(first_lines(by_meaning.search(Query("기공"), 5))) == ["기공", "온도"]


@pytest.mark.parametrize("method", ["versions", "postings", "passages"])
def test_a_store_that_fails_is_a_knowledge_error(store: InMemoryDocumentStore, analyzer: Analyzer,
                                                 method: str) -> None:
    """Once it answers again the next search is complete."""
    store.put(indexed_document(analyzer, "기공"))
    search = HybridSearch(store, analyzer)
    store.failing = {method}
    with pytest.raises(KnowledgeError):
        search.search(Query("기공"), 5)
    store.failing = set()
    assert first_lines(search.search(Query("기공"), 5)) == ["기공"]


def test_a_passage_search_that_fails_is_a_knowledge_error(store: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """It is not left out silently."""
    passage_search = FakePassageSearch()
    passage_search.failing = {"rankings"}
    with pytest.raises(KnowledgeError):
        HybridSearch(store, analyzer, passage_search).search(Query("기공", (1.0,)), 5)


@pytest.mark.parametrize("method", ["postings", "passages"])
@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_document_may_change_during_a_search(store: InMemoryDocumentStore, analyzer: Analyzer, method: str,
                                               change: str) -> None:
    """A document that is replaced or removed meanwhile is found complete, old or new, or not at all.

    The search neither fails nor loses a document that was there all the time, nor does the matrix speak of another
    version.
    """
    store.put(indexed_document(analyzer, "기공 옛 하나", "기공 옛 둘"))
    store.put(indexed_document(analyzer, "기공 다른", name="other.pdf"))
    search = HybridSearch(store, analyzer)

    def change_once(called: str) -> None:
        if called == method:
            store.on_call = lambda _: None
            store.remove("guide.pdf")
            if change == "replaced":
                store.put(indexed_document(analyzer, "기공 새 하나", "기공 새 둘", "기공 새 셋", version="v2"))

    store.on_call = change_once
    result = search.search_with_terms(Query("기공"), ["#옛", "#새", "#다른"], 9)
    assert all(matches_its_passages(result, term) for term in ("#옛", "#새", "#다른"))
    changed_lines = [text for text in first_lines(result[0]) if text != "기공 다른"]
    new = ["기공 새 하나", "기공 새 둘", "기공 새 셋"] if change == "replaced" else []
    assert sorted(changed_lines) in (sorted(["기공 옛 하나", "기공 옛 둘"]), sorted(new))
    assert sorted(first_lines(search.search(Query("기공"), 9))) == sorted(["기공 다른", *new])


class ReplacedAfterReading(InMemoryDocumentStore):
    """A store whose document is replaced whenever its passages have been read."""

    def __init__(self, replacement: IndexedDocument) -> None:
        super().__init__()
        self._replacement = replacement

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passages, and replace the document."""
        passages = super().passages(passage_ids)
        self.put(self._replacement)
        return passages


def test_the_matrix_is_of_the_version_that_was_read(analyzer: Analyzer) -> None:
    """A document that is replaced after its passages were read changes nothing in the matrix."""
    store = ReplacedAfterReading(indexed_document(analyzer, "기공", "온도", "기공 둘", version="v2"))
    store.put(indexed_document(analyzer, "온도", "기공 하나"))
    result = HybridSearch(store, analyzer).search_with_terms(Query("기공"), ["기공", "하나", "온도"], 9)
    assert first_lines(result[0]) == ["기공 하나"]
    assert all(matches_its_passages(result, term) for term in ("기공", "하나", "온도"))


def test_threads_see_complete_documents(tmp_path: Path, analyzer: Analyzer) -> None:
    """Threads that search while another connection replaces a document find all of the old version or of the new."""
    versions = [indexed_document(analyzer, *(f"기공 {version} {number}" for number in range(count)), version=version)
                for version, count in (("v1", 12), ("v2", 5))]
    writing, reading = SqliteDocumentStore(tmp_path / "a.sqlite"), SqliteDocumentStore(tmp_path / "a.sqlite")
    writing.put(versions[0])
    search, done = HybridSearch(reading, analyzer), threading.Event()

    def search_until_done() -> Counter[frozenset[str]]:
        seen: Counter[frozenset[str]] = Counter()
        while not done.is_set():
            seen[frozenset(first_lines(search.search(Query("기공"), 20)))] += 1
        return seen

    with ThreadPoolExecutor(3) as threads:
        searches = [threads.submit(search_until_done) for _ in range(3)]
        try:
            for number in range(40):
                writing.put(versions[(number + 1) % 2])
        finally:
            done.set()
    writing.close()
    seen = sum((future.result() for future in searches), Counter())
    reading.close()
    complete = {frozenset(first_lines(indexed.passages)) for indexed in versions}
    assert set(seen) <= complete and seen
