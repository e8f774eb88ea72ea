"""Passages → postings: which terms stand where in them, and how often."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain

from shotwise.knowledge.lexicon import STEMS, Lexicon
from shotwise.knowledge.passage import Passage, Postings, Questions

HEADING = 2  # times that a heading's words count
MOST = 255  # a count is one byte
Counts = Mapping[str, int]


def postings(passages: Sequence[Passage], lexicon: Lexicon, questions: Questions | None = None) -> Postings:
    """The postings of a document's passages, and of the questions that they answer."""
    known = questions or {}
    return packed(([*_places(number, passage, lexicon, known)] for number, passage in enumerate(passages)),
                  [passage.action for passage in passages])


def packed(passages: Iterable[Sequence[Counts]], actions: Sequence[bool]) -> Postings:
    """Postings from how often each term stands in each place of each passage."""
    found: dict[str, list[tuple[int, int]]] = {}
    sizes = []
    place = 0
    for places in passages:
        sizes.append(len(places))
        for counted in places:
            for term, count in counted.items():
                found.setdefault(term, []).append((place, min(count, MOST)))
            place += 1
    terms = sorted(found)
    flat = [pair for term in terms for pair in found[term]]
    return Postings(tuple(terms), _uint32(accumulate((len(found[term]) for term in terms), initial=0)),
                    _uint32(place for place, _ in flat), bytes(count for _, count in flat),
                    _uint32(accumulate(sizes, initial=0)), bytes(actions))


def _places(number: int, passage: Passage, lexicon: Lexicon, questions: Questions) -> Iterator[Counts]:
    """The counts of a passage's places, in their order."""
    headings = Counter({term: HEADING * count for term, count in Counter(
        lexicon.terms(" ".join(passage.headings))).items()})
    headings.update(lexicon.terms(passage.title))
    texts = (Counter(lexicon.terms(line.text)) for line in passage.lines)
    for line, counted in enumerate(chain([headings], texts)):
        yield counted
        yield Counter(lexicon.terms("\n".join(questions.get((number, line), ())), STEMS))


def _uint32(values: Iterable[int]) -> bytes:
    found = list(values)
    return struct.pack(f"<{len(found)}I", *found)
