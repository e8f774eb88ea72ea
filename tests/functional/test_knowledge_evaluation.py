"""The figures of `shotwise evaluate-knowledge`: what they count, and that a worse search has worse figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sets import CORPUS, QUERIES, lines, pdf

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.models import Answer, Hit, IndexedDocument, Line, Passage, PassageId, Query, Source
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.query_terms import search_terms
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.question import Question
from shotwise_cli.errors import FileError
from shotwise_cli.knowledge_commands import FLOORS, GOLDEN
from shotwise_cli.knowledge_evaluation import (
    GoldenQuestion,
    evaluate_golden,
    evaluate_ranking,
    read_floors,
    read_golden,
)
from shotwise_cli.pdf_pages import pdf_pages
from shotwise_local.home_setup import SHIPPED_INDEX

ROOT = Path(__file__).parents[2]


def no_progress(questions: Iterable[Any]) -> Iterable[Any]:
    """Show no progress bar."""
    return questions


def test_ranking_figures_match_figures_worked_out_by_hand(tmp_path: Path, analyzer: Analyzer) -> None:
    """Four queries: relevant passage second, first, one of two first, nowhere."""
    figures = evaluate_ranking(lines(tmp_path / "corpus.jsonl", CORPUS), lines(tmp_path / "queries.jsonl", QUERIES),
                             analyzer, no_progress)
    second = 1 / math.log2(3)
    assert figures["recall@5"] == pytest.approx((1 + 1 + 1 / 2 + 0) / 4)
    assert figures["mrr@10"] == pytest.approx((1 / 2 + 1 + 1 + 0) / 4)
    assert figures["ndcg@10"] == pytest.approx((second + 1 + 1 / (1 + second) + 0) / 4)
    assert (figures["queries"], figures["passages"]) == (4, 4) and 0 < figures["p50_ms"] <= figures["p95_ms"]


def test_figures_count_to_the_depth_in_their_names(tmp_path: Path, analyzer: Analyzer) -> None:
    """The sixth passage does not count for recall@5 but has a rank; the eleventh has none."""
    corpus = lines(tmp_path / "corpus.jsonl", [{"id": str(number), "text": f"porosity {'word ' * number}"}
                                               for number in range(1, 13)])
    for rank, recall, mrr in ((5, 1, 1 / 5), (6, 0, 1 / 6), (10, 0, 1 / 10), (11, 0, 0)):
        queries = lines(tmp_path / "queries.jsonl", [{"query": "porosity", "relevant": [str(rank)]}])
        figures = evaluate_ranking(corpus, queries, analyzer, no_progress)
        assert (figures["recall@5"], figures["mrr@10"]) == (recall, pytest.approx(mrr)), rank
        assert figures["ndcg@10"] == pytest.approx(1 / math.log2(rank + 1) if rank <= 10 else 0)


@dataclass(frozen=True)
class SevenPassages:
    """A search over seven passages."""

    def passage_count(self) -> int:
        """The number of passages."""
        return 7


@dataclass(frozen=True)
class ScriptedAnswerer:
    """Answers from a script: query → pages of the retrieved passages, and sources of the answer (None: refused)."""

    script: dict[str, tuple[Sequence[tuple[str, int]], Sequence[tuple[str, int, str]] | None]]
    hybrid_search: SevenPassages = field(default_factory=SevenPassages)

    def search(self, text: str, limit: int) -> list[Hit]:
        """The passages of the script."""
        return [Hit(Passage(name, name, page, (), (Line("x", "x"),), False), 1.0)
                for name, page in self.script[text][0]][:limit]

    def answer(self, question: Question) -> Answer:
        """The answer of the script."""
        cited = self.script[question.topics[0].text][1]
        sources = tuple(Source(name, name, page, 1.0, quote) for name, page, quote in cited or ())
        return Answer("…", sources, (), (), cited is not None, "extractive")


def test_golden_figures_match_figures_worked_out_by_hand() -> None:
    """Each figure counts what the docstring of `evaluate_golden` says.

    For ranks a page counts once, at its best passage; for recall@5 every passage counts.
    """
    other = [("x.pdf", number) for number in range(1, 9)]
    answerer: Any = ScriptedAnswerer({
        "first": ([("a.pdf", 1), *other], [("a.pdf", 1, "stands"), ("a.pdf", 9, "made up")]),
        "second": ([("x.pdf", 1)] * 5 + [("b.pdf", 2)], [("x.pdf", 1, "stands"), ("b.pdf", 2, "stands")]),
        "refused": (other, None), "lunch": (other, None), "weather": (other, [("x.pdf", 1, "stands")])})
    questions = [GoldenQuestion("1", "first", "cause", (("a.pdf", 1),)),
                 GoldenQuestion("2", "second", "cause", (("b.pdf", 2),)),
                 GoldenQuestion("3", "refused", "cause", (("c.pdf", 3),)),
                 GoldenQuestion("4", "lunch", "none", ()), GoldenQuestion("5", "weather", "none", ())]
    figures = evaluate_golden(questions, answerer, lambda name, page: "it stands here" if page < 9 else "", no_progress)
    assert figures.pop("p50_ms") >= 0
    assert figures == {
        "recall@5": pytest.approx(1 / 3), "mrr@10": pytest.approx((1 + 1 / 2 + 0) / 3),
        "ndcg@10": pytest.approx((1 + 1 / math.log2(3) + 0) / 3), "page_accuracy": 1 / 2,
        "quote_accuracy": pytest.approx(4 / 5), "refusal_precision": 1 / 2, "refusal_recall": 1 / 2,
        "queries": 5, "answerable": 3, "answered": 2, "quotes": 5, "passages": 7}


def test_the_two_halves_of_the_golden_set_are_disjoint_and_complete() -> None:
    """Together they have every id once; every labelled page exists; both have unanswerable questions."""
    fitting, figures = read_golden(GOLDEN, fitting=True), read_golden(GOLDEN, fitting=False)
    ids = [question.id for question in (*fitting, *figures)]
    assert len(set(ids)) == len(ids) == len(GOLDEN.read_text("utf-8").splitlines())
    assert not {question.query for question in fitting} & {question.query for question in figures}
    text = pdf_pages(ROOT / "manuals")
    for half in (fitting, figures):
        assert sum(not question.pages for question in half) >= 10
        assert not [page for question in half for page in question.pages if not text(*page).strip()]


def test_a_missing_page_has_no_text(tmp_path: Path) -> None:
    """Pages count from 1; page 0, which Python would read as the last one, has no text."""
    pdf(tmp_path / "a.pdf", "one", "two")
    text = pdf_pages(tmp_path)
    assert [text("a.pdf", page).strip() for page in (-1, 0, 1, 2, 3)] == ["", "", "one", "two", ""]


class BestLast:
    """A search that ranks passages by words, the best ones last."""

    name, needs_vectors, lexical = "best last", False, True

    def __init__(self, document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._index = Bm25Index({name: (version, document_store.postings(name, version))
                                 for name, version in document_store.versions().items()})

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Not called by a search."""
        raise NotImplementedError

    def keep_only(self, name: str, version: str | None) -> None:
        """Not called by a search."""
        raise NotImplementedError

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return what the search by words finds, in reverse."""
        weighted_terms = search_terms(query.text, self._analyzer)
        return [self._index.search(weighted_terms, limit, action_only=action_only)[::-1]]


def test_a_worse_ranking_falls_under_the_floors(analyzer: Analyzer) -> None:
    """With the best passages last, retrieval does not reach the floors that the shipped index reaches."""
    questions, floors = read_golden(GOLDEN, fitting=False), read_floors(FLOORS)
    document_store = SqliteDocumentStore(SHIPPED_INDEX, read_only=True)
    answerer = Answerer(HybridSearch(document_store, analyzer, BestLast(document_store, analyzer)))
    figures = evaluate_golden(questions, answerer, pdf_pages(ROOT / "manuals"), no_progress)
    document_store.close()
    assert set(floors) <= set(figures)
    assert {name for name, floor in floors.items() if figures[name] < floor} >= {"recall@5", "mrr@10", "ndcg@10"}


def test_a_bad_golden_line_is_named(tmp_path: Path) -> None:
    """The error names file, line and the missing field."""
    with pytest.raises(FileError, match=r"g\.jsonl:2: needs pages as a list"):
        read_golden(lines(tmp_path / "g.jsonl", [{"id": "1", "query": "x", "kind": "y", "pages": []}, {
            "id": "2", "query": "x", "kind": "y"}]), fitting=True)
