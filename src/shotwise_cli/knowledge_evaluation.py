"""`shotwise evaluate-knowledge`: how well the right page is found, quoted and, where there is none, refused.

Two questions, two sets. Our golden set asks whether engineers are answered from the shipped documents: retrieval, the
page of the first source, quotes held against the PDFs themselves, refusals. Its odd questions are for fitting
(the refusal's weights), its even ones for the figures. Any other set, `--corpus` and `--queries`, asks only
how well passages are ranked, so that systems can be compared.
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
from shotwise.errors import FieldError, InvalidInput
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Document, IndexedDocument, Line, Passage, Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.question import question_from_user
from shotwise.knowledge.verify import contains_quote

TOP, DEPTH = 5, 10
Place = tuple[str, int]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Golden:
    """A question and the pages that answer it; none where the documents do not."""

    id: str
    query: str
    kind: str
    pages: tuple[Place, ...]


def read_golden(path: Path, *, fitting: bool) -> list[Golden]:
    """The half of the set that is for fitting, or the one for figures."""
    found = [Golden(row["id"], row["query"], row["kind"], tuple((name, page) for name, page in row["pages"]))
             for _, row in _rows(path, {"id": str, "query": str, "kind": str, "pages": list})]
    return [question for number, question in enumerate(found) if (number % 2 == 0) == fitting]


def read_floors(path: Path) -> dict[str, float]:
    """Figure → the least that it may be."""
    floors: dict[str, float] = json.loads(path.read_text("utf-8"))
    return floors


def evaluate_golden(questions: Sequence[Golden], answerer: Answerer, page_text: Callable[[str, int], str],
                    progress: Progress) -> dict[str, Any]:
    """The figures of our own set.

    recall@5: the share of answerable questions that have a labelled page among their first five passages (its pages
    are alternatives). mrr@10 and ndcg@10: over pages, each at its best passage. page_accuracy: the share of answered
    answerable questions whose first source is a labelled page. quote_accuracy: of all quotes, those that stand in the
    text that the PDF itself has on that page. refusal_precision and refusal_recall: of "not in the documents".
    """
    ranks, first, quotes, refusals, times = [], [], [], [], []
    for question in progress(questions):
        started = time.perf_counter()
        hits = answerer.search(question.query, 4 * DEPTH)
        times.append(time.perf_counter() - started)
        answer = answerer.answer(question_from_user(question.query, None))
        quotes += [contains_quote(source.quote, page_text(source.document, source.page)) for source in answer.sources]
        refusals.append((not question.pages, not answer.grounded))
        if question.pages:
            places = [(hit.passage.document, hit.passage.page) for hit in hits]
            ranks.append((set(places[:TOP]), list(dict.fromkeys(places))[:DEPTH], set(question.pages)))
            if answer.grounded:
                first.append((answer.sources[0].document, answer.sources[0].page) in question.pages)
    refused = [rightly for rightly, was in refusals if was]
    return {"recall@5": mean(bool(top & wanted) for top, _, wanted in ranks),
            "mrr@10": mean(_reciprocal(places, wanted) for _, places, wanted in ranks),
            "ndcg@10": mean(_ndcg(places, wanted) for _, places, wanted in ranks),
            "page_accuracy": mean(first) if first else 0.0, "quote_accuracy": mean(quotes) if quotes else 1.0,
            "refusal_precision": mean(refused) if refused else 1.0,
            "refusal_recall": sum(refused) / max(sum(rightly for rightly, _ in refusals), 1),
            "queries": len(questions), "answerable": len(ranks), "answered": len(first), "quotes": len(quotes),
            "passages": answerer.hybrid_search.size(), "p50_ms": round(1000 * median(times), 3)}


def evaluate_ranking(corpus: Path, queries: Path, analyzer: Analyzer, progress: Progress) -> dict[str, Any]:
    """The figures of anyone's set, with the embedded store: recall@5, mrr@10 and ndcg@10 as usual, binary relevance."""
    ids, passages = read_corpus(corpus)
    asked_for = read_queries(queries, set(ids))
    with tempfile.TemporaryDirectory() as folder:
        library = SqliteDocumentStore(Path(folder) / "library.sqlite")
        library.put(IndexedDocument(Document(corpus.name, corpus.name, "", ()), "1", passages, build_postings(passages, analyzer)))
        index = HybridSearch(library, analyzer)
        index.search(Query("."), 1)  # reads the postings
        figures, times = [], []
        for text, relevant in progress(asked_for):
            started = time.perf_counter()
            found = index.search(Query(text), DEPTH)
            times.append(time.perf_counter() - started)
            ranked = [ids[passage.page] for passage in found]
            figures.append((len(set(ranked[:TOP]) & relevant) / len(relevant), _reciprocal(ranked, relevant),
                            _ndcg(ranked, relevant)))
        library.close()
    recall, mrr, ndcg = (mean(column) for column in zip(*figures, strict=True))
    times.sort()
    return {"recall@5": recall, "mrr@10": mrr, "ndcg@10": ndcg, "queries": len(asked_for), "passages": len(passages),
            "p50_ms": round(1000 * median(times), 3), "p95_ms": round(1000 * times[int(0.95 * len(times))], 3)}


def read_corpus(path: Path) -> tuple[list[str], tuple[Passage, ...]]:
    """`{id, text, document?, page?}` a line. The number of a passage stands in for its page, which ranking ignores."""
    ids: dict[str, None] = {}
    passages = []
    for number, (line, row) in enumerate(_rows(path, {"id": str, "text": str})):
        if row["id"] in ids:
            raise InvalidInput([FieldError(f"{path.name}:{line}", f"the id {row['id']!r} stands twice")])
        ids[row["id"]] = None
        passages.append(Passage(path.name, "", number, (), (Line(row["text"], row["text"]),), False))
    if not passages:
        raise InvalidInput([FieldError(path.name, "holds no passage")])
    return list(ids), tuple(passages)


def read_queries(path: Path, known: set[str]) -> list[tuple[str, set[str]]]:
    """`{query, relevant: [ids]}` a line."""
    found = []
    for line, row in _rows(path, {"query": str, "relevant": list}):
        unknown = [id_ for id_ in row["relevant"] if not isinstance(id_, str) or id_ not in known]
        if unknown or not row["relevant"]:
            reason = f"relevant names {unknown[0]!r}, which is no passage" if unknown else "relevant is empty"
            raise InvalidInput([FieldError(f"{path.name}:{line}", reason)])
        found.append((row["query"], set(row["relevant"])))
    if not found:
        raise InvalidInput([FieldError(path.name, "holds no query")])
    return found


def _rows(path: Path, shape: Mapping[str, type]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(path.read_bytes().split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError as error:  # no JSON, or not UTF-8
            raise InvalidInput([FieldError(f"{path.name}:{number}", f"is not JSON: {error}")]) from None
        lacking = [name for name, kind in shape.items()
                   if not isinstance(row, dict) or not isinstance(row.get(name), kind)]
        if lacking:
            reason = f"needs {lacking[0]} as a {shape[lacking[0]].__name__}"
            raise InvalidInput([FieldError(f"{path.name}:{number}", reason)])
        yield number, row


def _reciprocal(ranked: Sequence[Any], wanted: set[Any]) -> float:
    return next((1 / rank for rank, found in enumerate(ranked[:DEPTH], 1) if found in wanted), 0.0)


def mean_ndcg(rankings: Iterable[tuple[Sequence[Any], set[Any]]]) -> float:
    """The mean nDCG@10 of rankings, each with what was wanted."""
    return mean(_ndcg(ranked, wanted) for ranked, wanted in rankings)


def _ndcg(ranked: Sequence[Any], wanted: set[Any]) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, found in enumerate(ranked[:DEPTH], 1) if found in wanted)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(wanted), DEPTH) + 1))
