"""`shotwise evaluate-knowledge`: measure how well pages are found and quoted, and unanswerable questions refused.

There are two kinds of sets. Our golden set has questions of engineers about the shipped documents. It measures
retrieval, the page of the first source, refusals, and quotes, which are compared with the PDFs themselves. Its odd
questions are for fitting (the weights of refusal), its even ones for the figures. With any other set, given by
`--corpus` and `--queries`, only the ranking of passages is measured, to compare systems.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Document, IndexedDocument, Line, Passage, Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.question import question_from_user
from shotwise.knowledge.verify import contains_quote
from shotwise_cli.errors import FileError

RECALL_DEPTH, RANK_DEPTH = 5, 10  # of recall@5, and of mrr@10 and ndcg@10
PageRef = tuple[str, int]  # file name of a document, physical page from 1
Progress = Callable[[Iterable[Any]], Iterable[Any]]  # yields what it is given, and shows progress


@dataclass(frozen=True)
class GoldenQuestion:
    """A question of the golden set.

    Attributes
    ----------
    id : str
        Name in the set.
    query : str
        The question.
    kind : str
        What it asks for, such as "cause".
    pages : tuple of PageRef
        Pages that answer it, each on its own; empty if the documents do not answer it.
    """

    id: str
    query: str
    kind: str
    pages: tuple[PageRef, ...]


def read_golden(path: Path, *, fitting: bool) -> list[GoldenQuestion]:
    """Read one half of the golden set: the one for fitting, or the one for the figures.

    Raises FileError if a line is not JSON or lacks a key.
    """
    questions = [
        GoldenQuestion(row["id"], row["query"], row["kind"], tuple((name, page) for name, page in row["pages"]))
        for _, row in _read_jsonl(path, {"id": str, "query": str, "kind": str, "pages": list})]
    return [question for index, question in enumerate(questions) if (index % 2 == 0) == fitting]


def read_floors(path: Path) -> dict[str, float]:
    """Read the smallest permitted value of each figure."""
    floors: dict[str, float] = json.loads(path.read_text("utf-8"))
    return floors


def evaluate_golden(questions: Sequence[GoldenQuestion], answerer: Answerer, page_text: Callable[[str, int], str],
                    progress: Progress) -> dict[str, Any]:
    """Compute the figures of our own set.

    Parameters
    ----------
    questions : sequence of GoldenQuestion
        At least one of them answerable.
    answerer : Answerer
        What is evaluated.
    page_text : callable
        (file name, page) → the text of that page in the PDF itself.
    progress : callable
        Yields the questions, and shows progress.

    Returns
    -------
    dict
        recall@5: the share of answerable questions that have a labelled page among their first five passages.
        mrr@10 and ndcg@10: of pages, each ranked by its best passage.
        page_accuracy: the share of answered answerable questions whose first source is a labelled page.
        quote_accuracy: the share of quotes that are in the text of the page they cite.
        refusal_precision and refusal_recall: of the refusals, against the questions that no page answers.
        The rest are counts, and the median time of a search.
    """
    outcomes = [_ask(question, answerer, page_text) for question in progress(questions)]
    answerable = [outcome for outcome in outcomes if outcome.labelled]
    answered = [outcome for outcome in answerable if outcome.grounded]
    quotes = [is_on_page for outcome in outcomes for is_on_page in outcome.quotes_on_page]
    return {**_ranking_figures(answerable),
            "page_accuracy": mean(outcome.sources[0] in outcome.labelled for outcome in answered) if answered else 0.0,
            "quote_accuracy": mean(quotes) if quotes else 1.0, **_refusal_figures(outcomes),
            "queries": len(questions), "answerable": len(answerable), "answered": len(answered),
            "quotes": len(quotes), "passages": answerer.hybrid_search.passage_count(),
            "p50_ms": round(1000 * median(outcome.seconds for outcome in outcomes), 3)}


@dataclass(frozen=True)
class _Outcome:
    """The answer to a golden question.

    Attributes
    ----------
    labelled : set of PageRef
        Pages that answer the question.
    ranked : list of PageRef
        Page of each passage found, best first.
    grounded : bool
        Whether the question was answered, not refused.
    sources : list of PageRef
        Page of each source of the answer.
    quotes_on_page : list of bool
        Whether each quote is in the text of its page.
    seconds : float
        Duration of the search.
    """

    labelled: set[PageRef]
    ranked: list[PageRef]
    grounded: bool
    sources: list[PageRef]
    quotes_on_page: list[bool]
    seconds: float


def _ask(question: GoldenQuestion, answerer: Answerer, page_text: Callable[[str, int], str]) -> _Outcome:
    started = time.perf_counter()
    hits = answerer.search(question.query, 4 * RANK_DEPTH)
    seconds = time.perf_counter() - started
    answer = answerer.answer(question_from_user(question.query, None))
    quotes_on_page = [contains_quote(source.quote, page_text(source.document, source.page))
                      for source in answer.sources]
    return _Outcome(set(question.pages), [(hit.passage.document, hit.passage.page) for hit in hits],
                    answer.grounded, [(source.document, source.page) for source in answer.sources], quotes_on_page,
                    seconds)


def _ranking_figures(answerable: Sequence[_Outcome]) -> dict[str, float]:
    pages = [(list(dict.fromkeys(outcome.ranked))[:RANK_DEPTH], outcome.labelled) for outcome in answerable]
    return {"recall@5": mean(bool(set(outcome.ranked[:RECALL_DEPTH]) & outcome.labelled) for outcome in answerable),
            "mrr@10": mean(_reciprocal_rank(ranked, labelled) for ranked, labelled in pages),
            "ndcg@10": mean(_ndcg(ranked, labelled) for ranked, labelled in pages)}


def _refusal_figures(outcomes: Sequence[_Outcome]) -> dict[str, float]:
    refused_rightly = [not outcome.labelled for outcome in outcomes if not outcome.grounded]
    to_refuse = sum(not outcome.labelled for outcome in outcomes)
    return {"refusal_precision": mean(refused_rightly) if refused_rightly else 1.0,
            "refusal_recall": sum(refused_rightly) / max(to_refuse, 1)}


def evaluate_ranking(corpus: Path, queries: Path, analyzer: Analyzer, progress: Progress) -> dict[str, Any]:
    """Compute the figures of any set, in a new SQLite store: recall@5, mrr@10 and ndcg@10, with binary relevance.

    Raises FileError if a file cannot be used.
    """
    ids, passages = read_corpus(corpus)
    labelled_queries = read_queries(queries, set(ids))
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteDocumentStore(Path(folder) / "store.sqlite")
        store.put(IndexedDocument(Document(corpus.name, corpus.name, "", ()), "1", passages,
                                  build_postings(passages, analyzer)))
        search = HybridSearch(store, analyzer)
        search.search(Query("."), 1)  # loads the postings, which is not timed
        figures, times = [], []
        for text, relevant in progress(labelled_queries):
            started = time.perf_counter()
            hits = search.search(Query(text), RANK_DEPTH)
            times.append(time.perf_counter() - started)
            ranked = [ids[passage.page] for passage in hits]
            figures.append((len(set(ranked[:RECALL_DEPTH]) & relevant) / len(relevant),
                            _reciprocal_rank(ranked, relevant), _ndcg(ranked, relevant)))
        store.close()
    recall, mrr, ndcg = (mean(column) for column in zip(*figures, strict=True))
    times.sort()
    return {"recall@5": recall, "mrr@10": mrr, "ndcg@10": ndcg, "queries": len(labelled_queries),
            "passages": len(passages), "p50_ms": round(1000 * median(times), 3),
            "p95_ms": round(1000 * times[int(0.95 * len(times))], 3)}


def read_corpus(path: Path) -> tuple[list[str], tuple[Passage, ...]]:
    """Read the ids of passages and the passages, one JSON object `{id, text}` a line.

    The page of each passage is set to its index in the list of ids; ranking ignores pages. Raises FileError if the file
    cannot be used.
    """
    ids: dict[str, None] = {}
    passages = []
    for index, (line_number, row) in enumerate(_read_jsonl(path, {"id": str, "text": str})):
        if row["id"] in ids:
            raise FileError(f"{path.name}:{line_number}", f"another line has the same id, {row['id']!r}")
        ids[row["id"]] = None
        passages.append(Passage(path.name, "", index, (), (Line(row["text"], row["text"]),), False))
    if not passages:
        raise FileError(path.name, "contains no passage")
    return list(ids), tuple(passages)


def read_queries(path: Path, known_ids: set[str]) -> list[tuple[str, set[str]]]:
    """Read queries and the ids of the passages that answer them, one JSON object `{query, relevant: [ids]}` a line.

    Raises FileError if the file cannot be used, or names an id that no passage has.
    """
    labelled_queries = []
    for line_number, row in _read_jsonl(path, {"query": str, "relevant": list}):
        unknown = [id_ for id_ in row["relevant"] if not isinstance(id_, str) or id_ not in known_ids]
        if unknown or not row["relevant"]:
            fault = f"relevant names {unknown[0]!r}, but no passage has that id" if unknown else "relevant is empty"
            raise FileError(f"{path.name}:{line_number}", fault)
        labelled_queries.append((row["query"], set(row["relevant"])))
    if not labelled_queries:
        raise FileError(path.name, "contains no query")
    return labelled_queries


def _read_jsonl(path: Path, shape: Mapping[str, type]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The line numbers and objects of a JSONL file; `shape` maps the required keys to their types."""
    for line_number, text in enumerate(path.read_bytes().split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:  # not JSON, or not UTF-8
            raise FileError(f"{path.name}:{line_number}", f"is not JSON: {error}") from None
        missing = [name for name, kind in shape.items()
                   if not isinstance(row, dict) or not isinstance(row.get(name), kind)]
        if missing:
            raise FileError(f"{path.name}:{line_number}", f"needs {missing[0]} as a {shape[missing[0]].__name__}")
        yield line_number, row


def _reciprocal_rank(ranked: Sequence[Any], relevant: set[Any]) -> float:
    return next((1 / rank for rank, id_ in enumerate(ranked[:RANK_DEPTH], 1) if id_ in relevant), 0.0)


def mean_ndcg(rankings: Iterable[tuple[Sequence[Any], set[Any]]]) -> float:
    """Return the mean nDCG@10 of (ranking, set of what is relevant)."""
    return mean(_ndcg(ranked, relevant) for ranked, relevant in rankings)


def _ndcg(ranked: Sequence[Any], relevant: set[Any]) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, id_ in enumerate(ranked[:RANK_DEPTH], 1) if id_ in relevant)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(relevant), RANK_DEPTH) + 1))
