"""Passages → postings: which terms stand where in them, and how often."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain

from shotwise.knowledge.models import Passage, Postings, Questions
from shotwise.knowledge.text.analyzer import Analyzer

HEADING = 2  # times that a heading's words count
MOST = 255  # a count is one byte
Place = tuple[Mapping[str, int], bool]  # how often each term stands there; whether it is a question


def build_postings(passages: Sequence[Passage], analyzer: Analyzer, questions: Questions | None = None) -> Postings:
    """The postings of a document's passages, and of the questions that they answer."""
    known = questions or {}
    return pack_postings(([*_places(number, passage, analyzer, known)] for number, passage in enumerate(passages)),
                  [passage.action for passage in passages])


def pack_postings(passages: Iterable[Sequence[Place]], actions: Sequence[bool]) -> Postings:
    """Postings from the places of each passage."""
    found: dict[str, list[tuple[int, int]]] = {}
    sizes: list[int] = []
    asked: list[bool] = []
    for places in passages:
        sizes.append(len(places))
        for counted, is_question in places:
            for term, count in counted.items():
                found.setdefault(term, []).append((len(asked), min(count, MOST)))
            asked.append(is_question)
    terms = sorted(found)
    flat = [pair for term in terms for pair in found[term]]
    return Postings(tuple(terms), _uint32(accumulate((len(found[term]) for term in terms), initial=0)),
                    _uint32(place for place, _ in flat), bytes(count for _, count in flat),
                    _uint32(accumulate(sizes, initial=0)), bytes(asked), bytes(actions))


def _places(number: int, passage: Passage, analyzer: Analyzer, questions: Questions) -> Iterator[Place]:
    """The places of a passage, in their order."""
    headings = Counter({term: HEADING * count for term, count in Counter(
        analyzer.terms(" ".join(passage.headings))).items()})
    headings.update(analyzer.terms(passage.title))
    texts = (Counter(analyzer.terms(line.text)) for line in passage.lines)
    for line, counted in enumerate(chain([headings], texts)):
        yield counted, False
        for question in questions.get((number, line), ()):
            yield Counter(analyzer.question_terms(question)), True


def _uint32(values: Iterable[int]) -> bytes:
    found = list(values)
    return struct.pack(f"<{len(found)}I", *found)
