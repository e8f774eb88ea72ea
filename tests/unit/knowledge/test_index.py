"""The read side: it follows its library, and fuses what is found by words and by meaning."""

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
from shotwise.knowledge.models import Passage, PassageId, Query
from shotwise.knowledge.retrieval.bm25 import TermMatrix
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch, reciprocal_rank_fusion
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX, Analyzer

KEYS = st.lists(st.integers(0, 9), unique=True).map(lambda numbers: [PassageId("a", "v", number) for number in numbers])


def texts(found: Sequence[Passage]) -> list[str]:
    """The first line of each passage."""
    return [each.lines[0].text for each in found]


@pytest.fixture
def memory() -> InMemoryDocumentStore:
    """An empty library in memory."""
    return InMemoryDocumentStore()


def test_it_follows_its_library(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """What was put in, replaced or removed counts from the next search on, in frequencies and size too."""
    index = HybridSearch(memory, analyzer)
    assert index.search(Query("기공"), 5) == [] and index.passage_count() == 0
    memory.put(indexed_document(analyzer, "기공이 생긴다", "온도"))
    assert texts(index.search(Query("기공"), 5)) == ["기공이 생긴다"] and index.passage_count() == 2
    memory.put(indexed_document(analyzer, "기공의 새 쪽", version="v2"))
    assert texts(index.search(Query("기공"), 5)) == ["기공의 새 쪽"]
    assert (index.passage_count(), index.document_frequencies(["기공", "온도"])) == (1, {"기공": 1})
    memory.remove("guide.pdf")
    assert index.search(Query("기공"), 5) == [] and index.passage_count() == 0 and index.document_frequencies(["기공"]) == {}


def test_only_changed_documents_are_read_anew(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Of many documents a change of one costs one reading, and no change none."""
    index = HybridSearch(memory, analyzer)
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        memory.put(indexed_document(analyzer, "기공", name=name))
    index.search(Query("기공"), 5)
    index.search(Query("기공"), 5)
    memory.put(indexed_document(analyzer, "기공", name="b.pdf", version="v2"))
    memory.remove("c.pdf")
    assert len(index.search(Query("기공"), 5)) == 2
    assert memory.read == {"a.pdf": 1, "b.pdf": 2, "c.pdf": 1}


def test_passages_come_back_as_they_went_in(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Several documents are one index, and limit and actions hold over all of them."""
    kept = [passage("기공을 줄인다", name=name, action=action)
            for name, action in (("a.pdf", False), ("b.pdf", True), ("c.pdf", True))]
    for each in kept:
        memory.put(indexed_document(analyzer, each, name=each.document))
    index = HybridSearch(memory, analyzer)
    assert index.search(Query("기공"), 5) == kept and index.search(Query("기공"), 2) == kept[:2]
    assert index.search(Query("기공"), 5, action_only=True) == kept[1:]
    assert [entry.name for entry in index.summaries()] == ["a.pdf", "b.pdf", "c.pdf"]
    assert index.page_text("a.pdf", 1) == "기공을 줄인다" and index.page_text("a.pdf", 2) == ""


def stands_rightly(found: tuple[list[Passage], TermMatrix], term: str) -> bool:
    """Whether a term stands in just those of the passages that were found with it whose lines say it."""
    passages, standing = found
    row = standing.present[standing.rows[term]]
    held = [bool(row[first:end].any()) for first, end in pairwise(standing.firsts)]
    return held == [any(term.lstrip(BIGRAM_PREFIX) in line.text for line in each.lines) for each in passages]


def test_what_is_found_is_told_with_where_words_stand(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Of each passage, in their order and over several documents, the places that hold each term, its questions among
    them; of a term that stands nowhere none."""
    for name in ("a.pdf", "b.pdf"):
        kept = [passage(*lines, name=name) for lines in (("기공", "온도"), ("균열",), ("온도 기공",))]
        memory.put(indexed_document(analyzer, *kept, name=name, questions={(2, 1): ("누구",)}))
    index = HybridSearch(memory, analyzer)
    for limit in (1, 3, 9):
        passages, standing = found = index.search_with_terms(Query("온도"), ["온도", "기공", "누구", "없는말", "온도"], limit)
        assert passages == index.search(Query("온도"), limit) and len(passages) == min(limit, 4)
        assert stands_rightly(found, "온도") and stands_rightly(found, "기공")
        asked = [bool(standing.is_question[first:end].any()) for first, end in pairwise(standing.firsts)]
        assert asked == [each.lines[0].text == "온도 기공" for each in passages]
        assert standing.present[2].tolist() == standing.is_question.tolist() and not standing.present[3].any()


def test_a_passage_is_found_by_its_questions(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Their words count in the search and among questions; the text that comes back is the passage's own."""
    memory.put(indexed_document(analyzer, "기공", "온도", questions={(1, 1): ("누가 피스톤을 닦나요?", "누구 피스톤")}))
    index = HybridSearch(memory, analyzer)
    assert texts(index.search(Query("피스톤"), 5)) == ["온도"] and index.question_count() == 2
    assert index.document_frequencies(["피스톤", "온도"]) == {"온도": 1}
    assert index.document_frequencies(["피스톤", "온도"], in_questions=True) == {"피스톤": 2}
    memory.remove("guide.pdf")
    assert index.question_count() == 0 and index.document_frequencies(["피스톤"], in_questions=True) == {}


def test_nothing_found_stands_nowhere(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """In an empty library, and where no passage holds a word of the query."""
    index = HybridSearch(memory, analyzer)
    for _ in range(2):
        passages, standing = index.search_with_terms(Query("기공"), ["기공"], 5)
        assert passages == [] and standing.present.shape == (1, 0) and standing.firsts.tolist() == [0]
        memory.put(indexed_document(analyzer, "온도"))


def test_the_headings_that_are_asked_for_lift(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Why is answered under 원인 and how under 대책: of equal passages the one that stands there comes first."""
    memory.put(indexed_document(analyzer, "기공 하나", passage("기공 둘", headings=("원인",)),
                      passage("기공 셋", headings=("대책",))))
    index = HybridSearch(memory, analyzer)
    assert texts(index.search(Query("기공은 왜 생기나요?"), 5))[0] == "기공 둘"
    assert texts(index.search(Query("기공 줄이는 방법"), 5))[0] == "기공 셋"


@given(st.lists(KEYS, min_size=2, max_size=4))
def test_rankings_are_fused_by_reciprocal_rank(rankings: list[list[PassageId]]) -> None:
    """The fused order is that of the sums of 1 / (60 + rank), each key once, equal ones as they came first."""
    found = reciprocal_rank_fusion(rankings)
    first = list(dict.fromkeys(key for ranking in rankings for key in ranking))
    sums = {key: sum(1 / (60 + ranking.index(key) + 1) for ranking in rankings if key in ranking) for key in first}
    assert found == sorted(first, key=lambda key: -sums[key])


def test_one_ranking_stays_as_it_is() -> None:
    """There is nothing to fuse in one, and nothing in none."""
    keys = [PassageId("a", "v", number) for number in (3, 1, 2)]
    assert reciprocal_rank_fusion([keys]) == keys and reciprocal_rank_fusion([]) == reciprocal_rank_fusion([[]]) == reciprocal_rank_fusion([[], []]) == []


def test_words_and_meaning_are_both_searched(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """What both find comes first; what only the meaning finds is found too."""
    embedder, searcher = FakeEmbedder(), FakePassageSearch()
    kept = indexed_document(analyzer, "thin biscuit", "비스킷 얇음 온도 높음 균열", "비스킷이 얇으면", "균열", "점심")
    memory.put(kept)
    searcher.put(kept, embedder.embed([each.text for each in kept.passages]))
    question = Query("비스킷이 얇다", embedder.embed(["비스킷이 얇다"])[0])
    found = texts(HybridSearch(memory, analyzer, searcher).search(question, 5))
    assert found[:2] == ["비스킷이 얇으면", "thin biscuit"] or found[0] == "비스킷이 얇으면" and "thin biscuit" in found
    assert "thin biscuit" in texts(HybridSearch(memory, analyzer, searcher).search(Query("얇다", question.vector), 3))


def test_a_query_without_a_vector_is_searched_by_words(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Where the embedder failed, the searcher gives no ranking and the words alone decide."""
    memory.put(indexed_document(analyzer, "기공", "온도"))
    index = HybridSearch(memory, analyzer, FakePassageSearch())
    assert texts(index.search(Query("기공"), 5)) == ["기공"]


def test_keys_that_the_library_does_not_hold_are_passed_over(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """A searcher may be ahead or behind: keys of another version, of no document and of no passage lead to nothing, and
    take no place of those that do."""
    memory.put(indexed_document(analyzer, "기공", "온도", version="v2"))
    strange = [PassageId("guide.pdf", "v1", 0), PassageId("guide.pdf", "v3", 0), PassageId("gone.pdf", "v2", 0)]
    searcher = FakePassageSearch(lexical=True, extra=[[*strange, PassageId("guide.pdf", "v2", 1), PassageId("guide.pdf", "v2", 9)]])
    assert texts(HybridSearch(memory, analyzer, searcher).search(Query("기공"), 1)) == ["온도"]
    assert texts(HybridSearch(memory, analyzer, searcher).search(Query("기공"), 5)) == ["온도"]


def test_a_searcher_by_words_takes_the_place_of_ours(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """Its ranking is not fused with a second one of the same kind; another searcher's is."""
    memory.put(indexed_document(analyzer, "기공", "온도"))
    ranking = [[PassageId("guide.pdf", "v1", 1)]]
    assert texts(HybridSearch(memory, analyzer, FakePassageSearch(lexical=True, extra=ranking)).search(Query("기공"), 5)) == ["온도"]
    both = texts(HybridSearch(memory, analyzer, FakePassageSearch(extra=ranking)).search(Query("기공"), 5))
    assert sorted(both) == ["기공", "온도"]


@pytest.mark.parametrize("call", ["versions", "postings", "passages"])
def test_a_library_that_fails_is_a_knowledge_error(memory: InMemoryDocumentStore, analyzer: Analyzer, call: str) -> None:
    """And the next search after it answers again is whole."""
    memory.put(indexed_document(analyzer, "기공"))
    index = HybridSearch(memory, analyzer)
    memory.failing = {call}
    with pytest.raises(KnowledgeError):
        index.search(Query("기공"), 5)
    memory.failing = set()
    assert texts(index.search(Query("기공"), 5)) == ["기공"]


def test_a_searcher_that_fails_is_a_knowledge_error(memory: InMemoryDocumentStore, analyzer: Analyzer) -> None:
    """It is not passed over in silence."""
    searcher = FakePassageSearch()
    searcher.failing = {"rankings"}
    with pytest.raises(KnowledgeError):
        HybridSearch(memory, analyzer, searcher).search(Query("기공", (1.0,)), 5)


@pytest.mark.parametrize("call", ["postings", "passages"])
@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_change_in_the_midst_of_a_search(memory: InMemoryDocumentStore, analyzer: Analyzer, call: str, change: str) -> None:
    """A document that is replaced or removed while a search runs is found whole, old or new, or as removed: the search
    neither fails nor finds nothing of a document that was there all the time, nor tells where words stand in another
    version."""
    memory.put(indexed_document(analyzer, "기공 옛 하나", "기공 옛 둘"))
    memory.put(indexed_document(analyzer, "기공 다른", name="other.pdf"))
    index = HybridSearch(memory, analyzer)

    def replace(called: str) -> None:
        if called == call:
            memory.before = lambda _: None
            memory.remove("guide.pdf")
            if change == "replaced":
                memory.put(indexed_document(analyzer, "기공 새 하나", "기공 새 둘", "기공 새 셋", version="v2"))

    memory.before = replace
    everything = index.search_with_terms(Query("기공"), ["#옛", "#새", "#다른"], 9)
    assert all(stands_rightly(everything, term) for term in ("#옛", "#새", "#다른"))
    found = [text for text in texts(everything[0]) if text != "기공 다른"]
    new = ["기공 새 하나", "기공 새 둘", "기공 새 셋"] if change == "replaced" else []
    assert sorted(found) in (sorted(["기공 옛 하나", "기공 옛 둘"]), sorted(new))
    assert sorted(texts(index.search(Query("기공"), 9))) == sorted(["기공 다른", *new])


def test_words_stand_where_they_stood_when_it_was_read(memory: InMemoryDocumentStore, analyzer: Analyzer,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is replaced once its passages are read is still told of as of the version that was read."""
    memory.put(indexed_document(analyzer, "온도", "기공 하나"))
    reading = memory.passages

    def read(keys: Sequence[PassageId]) -> list[Passage | None]:
        found = reading(keys)
        memory.put(indexed_document(analyzer, "기공", "온도", "기공 둘", version="v2"))
        return found

    monkeypatch.setattr(memory, "passages", read)
    found = HybridSearch(memory, analyzer).search_with_terms(Query("기공"), ["기공", "하나", "온도"], 9)
    assert texts(found[0]) == ["기공 하나"] and all(stands_rightly(found, term) for term in ("기공", "하나", "온도"))


def test_threads_see_whole_documents(tmp_path: Path, analyzer: Analyzer) -> None:
    """Threads that search while another connection replaces a document find the old version or the new one, whole."""
    versions = [indexed_document(analyzer, *(f"기공 {version} {number}" for number in range(count)), version=version)
                for version, count in (("v1", 12), ("v2", 5))]
    writing, reading = SqliteDocumentStore(tmp_path / "a.sqlite"), SqliteDocumentStore(tmp_path / "a.sqlite")
    writing.put(versions[0])
    index, done = HybridSearch(reading, analyzer), threading.Event()

    def search() -> Counter[frozenset[str]]:
        seen: Counter[frozenset[str]] = Counter()
        while not done.is_set():
            seen[frozenset(texts(index.search(Query("기공"), 20)))] += 1
        return seen

    with ThreadPoolExecutor(3) as threads:
        searching = [threads.submit(search) for _ in range(3)]
        try:
            for number in range(40):
                writing.put(versions[(number + 1) % 2])
        finally:
            done.set()
    writing.close()
    seen = sum((each.result() for each in searching), Counter())
    reading.close()
    whole = {frozenset(texts(each.passages)) for each in versions}
    assert set(seen) <= whole and seen
