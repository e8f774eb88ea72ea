"""A topic → the passages that speak of it, ranked, and whether they answer it at all.

Searching ranks by all that a text says; here the best of those are ranked once more by how much of what was asked their
headings and their best line hold. Whether there is an answer is decided by the part of the question that is covered,
against what is missing: a word that no document knows, or one that decides (가격, 보증), weighs most. The weights were
fitted on manuals/fitting.jsonl and the odd questions of the golden set (docs/decisions/0022, 0024).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shotwise.knowledge.models import Hit, Query
from shotwise.knowledge.retrieval.bm25 import rarity
from shotwise.knowledge.retrieval.features import Coverage, Weights, coverages, likeness, terms_of, word_terms
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.retrieval.query_terms import Word, content_words, spoken_words
from shotwise.knowledge.text.question import language_of

CANDIDATES = 40
# What a word weighs: nouns by their rarity (idf, 0.7 to 6); a verb, a number or a single syllable little, because an
# answer may put it otherwise; one that only the thesaurus leads to the documents, one that nothing knows, one that
# decides.
WEAK, UNSEEN_WEAK, SYLLABLE, MEANING, UNKNOWN, FOREIGN, DECISIVE = 1.0, 0.25, 0.4, 4.0, 2.5, 1.0, 15.0
# The second ranking: e^(−place / PLACE), and of the words what the headings hold, what they hold with the questions
# that the whole section answers, and the squares of what the best line holds alone and with its questions.
PLACE, HEADINGS, HEADINGS_ASKED, LINE, LINE_ASKED = 6.0, 1.7, 0.75, 0.5, 0.45
# There is an answer where one of the first passages holds so much of the words that matter that it, less MISSING · the
# weight of what is missing, reaches the LEAST. Of a passage that came with questions it is that part times the likeness
# of the question to one of them.
LOOKED_AT = 5
MISSING, LEAST = 0.09, 0.343
MISSING_ASKED, MIN_ASKED = 0.026, 0.15
# A line's merit: the part that it holds + TOGETHER · the part that it and its headings hold + ALIKE · how far the
# question is liker one that the line answers than those of the whole section, and than LIKE.
TOGETHER, ALIKE, LIKE = 3.0, 2.0, 0.5


@dataclass(frozen=True)
class Found:
    """What was found for a topic. hits: best first; certainty: that they answer it, from 0 on they do."""

    hits: tuple[Hit, ...]
    certainty: float


def rank_passages(query: Query, search: HybridSearch, limit: int = CANDIDATES, *, action_only: bool = False) -> Found:
    """The passages for `query`, and whether they answer it. Hits have as their relevance the weighted part of the
    query's words that they hold, 0 to 1."""
    weights, spoken = word_weights(query.text, search), _spoken_weights(query.text, search)
    passages, standing = search.found(query, [*terms_of(weights), *terms_of(spoken)], max(limit, CANDIDATES),
                                     action_only=action_only)
    if not passages or not weights:
        return Found(tuple(Hit(passage, 0.0) for passage in passages[:limit]), -1.0)
    held = list(coverages(weights, standing))
    alike = likeness(spoken, standing)
    order = sorted(range(len(passages)), key=lambda place: -_score(place, held[place]))
    hits = tuple(Hit(passages[at], held[at].whole, _merits(held[at], alike[at])) for at in order[:limit])
    return Found(hits, _certainty([(held[at], alike[at]) for at in order], weights))


def _score(place: int, held: Coverage) -> float:
    return (math.exp(-place / PLACE) + HEADINGS * held.headings + HEADINGS_ASKED * held.headings_asked
            + LINE * held.line**2 + LINE_ASKED * held.line_asked**2)


def _certainty(ranked: Sequence[tuple[Coverage, Sequence[float]]], weights: Weights) -> float:
    """That there is an answer. ranked: of each passage its coverage and its `likeness`."""
    missing = sum(lacking for (word, weight), lacking in zip(weights, ranked[0][0].lacking, strict=True)
                  if word.decisive or weight == UNKNOWN)
    return max(held.whole * max(alike) - MISSING_ASKED * missing - MIN_ASKED if alike else
               held.whole - MISSING * missing - LEAST for held, alike in ranked[:LOOKED_AT])


def _merits(held: Coverage, alike: Sequence[float]) -> tuple[float, ...]:
    """How well each line answers."""
    whole, *lines = alike or [0.0] * (len(held.lines) + 1)
    return tuple(alone + TOGETHER * together + ALIKE * max(like - max(whole, LIKE), 0.0)
                 for (alone, together), like in zip(held.lines, lines, strict=True))


def word_weights(topic: str, search: HybridSearch) -> Weights:
    """The topic's words, each with its weight. Of a written word that was split and that nothing knows, one part
    counts."""
    words = content_words(topic, search.analyzer)
    frequencies = search.frequencies([term for word in words for term in word_terms(word)])
    size, nowhere = search.size(), UNKNOWN if language_of(topic) == "ko" else FOREIGN
    found, unknown = [], set()
    for word in words:
        weight = _weight(word, frequencies, size, nowhere)
        if weight == UNKNOWN and not word.decisive:
            if word.written in unknown:
                continue
            unknown.add(word.written)
        found.append((word, weight))
    return found


def _spoken_weights(topic: str, search: HybridSearch) -> Weights:
    """All words of a topic, each with its rarity in questions."""
    words = spoken_words(topic, search.analyzer)
    frequencies, size = search.frequencies([word.term for word in words], questions=True), search.questions()
    return [(word, float(rarity(frequencies.get(word.term, 0), size))) for word in words]


def _weight(word: Word, frequencies: Mapping[str, int], size: int, unknown: float) -> float:
    if word.decisive:
        return DECISIVE
    count = frequencies.get(word.term) or min((frequencies.get(pair, 0) for pair in word.pairs), default=0)
    meant = max((min(frequencies.get(term, 0) for term in meaning) for meaning in word.meanings), default=0)
    rare = float(rarity(count or meant, size))
    if word.weak:
        return min(rare, WEAK) if count or meant else UNSEEN_WEAK
    if len(word.term) == 1:
        return SYLLABLE * rare if count else UNSEEN_WEAK
    return rare if count else MEANING if meant else unknown
