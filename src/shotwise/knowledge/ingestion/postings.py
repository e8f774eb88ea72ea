"""Count the terms of passages: the postings that the search by words needs."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain

from shotwise.knowledge.models import Passage, Postings, Questions
from shotwise.knowledge.text.analyzer import Analyzer

HEADING_WEIGHT = 2  # a term of a heading counts this many times
MAX_COUNT = 255  # a count is stored in one byte
# A place as defined by `Postings`: how often each term occurs there, and whether it is a question.
Place = tuple[Mapping[str, int], bool]


def build_postings(passages: Sequence[Passage], analyzer: Analyzer, questions: Questions | None = None) -> Postings:
    """Count the terms of a document's passages and of the questions that they answer."""
    places = ([*_places(number, passage, analyzer, questions or {})] for number, passage in enumerate(passages))
    return pack_postings(places, [passage.action for passage in passages])


def pack_postings(passages: Iterable[Sequence[Place]], actions: Sequence[bool]) -> Postings:
    """Build postings from the places of each passage; `actions` says which passages are countermeasures."""
    by_term: dict[str, list[tuple[int, int]]] = {}  # the postings of a term, as (place, count)
    place_counts: list[int] = []  # per passage
    question_flags: list[bool] = []  # per place
    for places in passages:
        place_counts.append(len(places))
        for term_counts, is_question in places:
            for term, count in term_counts.items():
                by_term.setdefault(term, []).append((len(question_flags), min(count, MAX_COUNT)))
            question_flags.append(is_question)
    terms = sorted(by_term)
    postings = [posting for term in terms for posting in by_term[term]]
    return Postings(tuple(terms), _pack_uint32(accumulate((len(by_term[term]) for term in terms), initial=0)),
                    _pack_uint32(place for place, _ in postings), bytes(count for _, count in postings),
                    _pack_uint32(accumulate(place_counts, initial=0)), bytes(question_flags), bytes(actions))


def _places(number: int, passage: Passage, analyzer: Analyzer, questions: Questions) -> Iterator[Place]:
    """Yield the places of a passage, in the order that `Postings` defines."""
    heading_counts = Counter({term: HEADING_WEIGHT * count for term, count in Counter(
        analyzer.terms(" ".join(passage.headings))).items()})
    heading_counts.update(analyzer.terms(passage.title))
    line_counts = (Counter(analyzer.terms(line.text)) for line in passage.lines)
    for line, term_counts in enumerate(chain([heading_counts], line_counts)):
        yield term_counts, False
        for question in questions.get((number, line), ()):
            yield Counter(analyzer.question_terms(question)), True


def _pack_uint32(numbers: Iterable[int]) -> bytes:
    packed_numbers = list(numbers)
    return struct.pack(f"<{len(packed_numbers)}I", *packed_numbers)
