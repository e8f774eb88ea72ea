"""A topic → the passages that speak of it, ranked, and whether they answer it at all.

Searching ranks by all that a text says; here the best of those are ranked once more by how much of what was asked their
headings and their best line hold. Whether there is an answer is decided by the part of the question that is covered,
against what is missing: a word that no document knows, or one that decides (가격, 보증), weighs most. The weights were
fitted on manuals/fitting.jsonl and the odd questions of the golden set (docs/decisions/0022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from shotwise.knowledge.asking import Word, content_words
from shotwise.knowledge.index import Index
from shotwise.knowledge.lexicon import Lexicon
from shotwise.knowledge.passage import Hit, Passage, Query
from shotwise.knowledge.question import language_of

CANDIDATES, LOOKED_AT = 40, 5
# What a word weighs: nouns by their rarity (idf, 0.7 to 6); a verb, a number or a single syllable little, because an
# answer may put it otherwise; one that only the thesaurus leads to the documents, one that nothing knows, one that
# decides.
WEAK, UNSEEN_WEAK, SYLLABLE, MEANING, UNKNOWN, FOREIGN, DECISIVE = 1.0, 0.25, 0.4, 4.0, 2.5, 1.0, 9.0
MEANT = 0.8  # what a word counts whose meaning a passage holds in other words
# The second ranking: e^(−place / PLACE) + HEADINGS · part that the headings hold + (part that the best line holds)²,
# and 1 where a line and its headings hold as good as all.
PLACE, HEADINGS, ALL = 6.0, 3.0, 0.9
COVERED, MISSING, LEAST = 3.5, 0.32, 1.2  # there is an answer: COVERED · covered − MISSING · missing ≥ LEAST
Weights = Sequence[tuple[Word, float]]


@dataclass(frozen=True)
class Found:
    """What was found for a topic. hits: best first; certainty: that they answer it, from 0 on they do."""

    hits: tuple[Hit, ...]
    certainty: float


def retrieve(query: Query, weights: Weights, index: Index, limit: int = CANDIDATES, *,
             action_only: bool = False) -> Found:
    """The passages for `query`, whose words weigh `weights`, and whether they answer it. Hits have as their relevance
    the weighted part of the words that they hold, 0 to 1."""
    found = index.search(query, max(limit, CANDIDATES), action_only=action_only)
    lexicon = index.lexicon
    scored = []
    for place, passage in enumerate(found):
        relevance, headings, line, whole = _covered(passage, weights, lexicon)
        scored.append((math.exp(-place / PLACE) + HEADINGS * headings + line**2 + (whole >= ALL),
                       Hit(passage, relevance)))
    hits = [hit for _, hit in sorted(scored, key=lambda pair: -pair[0])]
    return Found(tuple(hits[:limit]), _certainty(hits, weights, lexicon))


def _covered(passage: Passage, weights: Weights, lexicon: Lexicon) -> tuple[float, float, float, float]:
    """The weighted part of the words that is held by the passage, by its headings, by its best line alone, and by a
    line and its headings together."""
    total = sum(weight for _, weight in weights) or 1.0
    over = _parts(under(passage, lexicon), weights)
    lines = [_parts(lexicon.held(line.text), weights) for line in passage.lines]
    best = [max(parts) for parts in zip(over, *lines, strict=True)]
    return (sum(best) / total, sum(over) / total, max(map(sum, lines), default=0.0) / total,
            max((sum(map(max, over, line)) for line in lines), default=0.0) / total)


def _parts(found: Set[str], weights: Weights) -> list[float]:
    return [weight * _held(word, found) for word, weight in weights]


def _certainty(hits: Sequence[Hit], weights: Weights, lexicon: Lexicon) -> float:
    if not hits:
        return -LEAST
    covered = max(hit.relevance for hit in hits[:LOOKED_AT])
    return COVERED * covered - MISSING * missing(hits[0].passage, weights, lexicon) - LEAST


def missing(passage: Passage, weights: Weights, lexicon: Lexicon) -> float:
    """The weight of the decisive and the unknown words that the passage does not hold."""
    held = under(passage, lexicon).union(*(lexicon.held(line.text) for line in passage.lines))
    return sum(weight * (1 - _held(word, held)) for word, weight in weights
               if word.decisive or weight == UNKNOWN)


def word_weights(topic: str, index: Index) -> Weights:
    """The topic's words, each with its weight. Of a written word that was split and that nothing knows, one part
    counts."""
    words = content_words(topic, index.lexicon)
    frequencies = index.frequencies([term for word in words for term in _terms(word)])
    size, nowhere = index.size(), UNKNOWN if language_of(topic) == "ko" else FOREIGN
    found, unknown = [], set()
    for word in words:
        weight = _weight(word, frequencies, size, nowhere)
        if weight == UNKNOWN and not word.decisive:
            if word.written in unknown:
                continue
            unknown.add(word.written)
        found.append((word, weight))
    return found


def _terms(word: Word) -> list[str]:
    return [word.term, *word.pairs, *(term for meaning in word.meanings for term in meaning)]


def _weight(word: Word, frequencies: Mapping[str, int], size: int, unknown: float) -> float:
    if word.decisive:
        return DECISIVE
    count = frequencies.get(word.term) or min((frequencies.get(pair, 0) for pair in word.pairs), default=0)
    meant = max((min(frequencies.get(term, 0) for term in meaning) for meaning in word.meanings), default=0)
    rarity = math.log(1 + (size + 1) / ((count or meant) + 0.5))
    if word.weak:
        return min(rarity, WEAK) if count or meant else UNSEEN_WEAK
    if len(word.term) == 1:
        return SYLLABLE * rarity if count else UNSEEN_WEAK
    return rarity if count else MEANING if meant else unknown


def under(passage: Passage, lexicon: Lexicon) -> frozenset[str]:
    """The terms that a passage stands under: of its headings and its document's title."""
    return lexicon.held(" ".join([passage.title, *passage.headings]))


def overlap(found: Set[str], weights: Weights) -> float:
    """The weighted part of the words that a set of terms holds; a word that it lacks counts by what it may mean, or by
    the part of its pairs of syllables that are there."""
    total = sum(weight for _, weight in weights)
    return sum(_parts(found, weights)) / total if total else 0.0


def _held(word: Word, found: Set[str]) -> float:
    if word.term in found:
        return 1.0
    meant = MEANT * any(all(term in found for term in meaning) for meaning in word.meanings)
    return max(meant, sum(pair in found for pair in word.pairs) / len(word.pairs) if word.pairs else 0.0)
