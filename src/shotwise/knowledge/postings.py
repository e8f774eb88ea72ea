"""Passages → postings: which terms stand in which of them, and how often."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence

from shotwise.knowledge.lexicon import Lexicon
from shotwise.knowledge.passage import Passage, Postings

HEADING = 2  # times that a heading's words count
MOST = 255  # a count is one byte


def postings(passages: Sequence[Passage], lexicon: Lexicon) -> Postings:
    """The postings of a document's passages."""
    return packed((_counts(passage, lexicon) for passage in passages), passages)


def packed(counts: Iterable[Counter[str]], passages: Sequence[Passage]) -> Postings:
    """Postings from how often each term stands in each of the passages."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, counted in enumerate(counts):
        for term, count in counted.items():
            found.setdefault(term, []).append((number, min(count, MOST)))
    terms = sorted(found)
    flat = [pair for term in terms for pair in found[term]]
    starts = [0]
    for term in terms:
        starts.append(starts[-1] + len(found[term]))
    return Postings(tuple(terms), _uint32(starts), _uint32([number for number, _ in flat]),
                    bytes(count for _, count in flat), bytes(passage.action for passage in passages))


def _counts(passage: Passage, lexicon: Lexicon) -> Counter[str]:
    counts = Counter(lexicon.terms("\n".join(line.text for line in passage.lines)))
    for term in lexicon.terms(" ".join(passage.headings)):
        counts[term] += HEADING
    counts.update(lexicon.terms(passage.title))
    return counts


def _uint32(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)
