"""A topic → the passages that speak of it, with a measure of how much of the topic each one holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shotwise.knowledge.chunk import searchable
from shotwise.knowledge.passage import Hit, Index, Passage
from shotwise.knowledge.tokens import content_words, tokens

CANDIDATES = 12
MOST_TOKENS = 96  # of a topic; more would only slow the search down
GROUNDED = 0.55  # relevance from which a passage counts as answering; see docs/decisions


def retrieve(topic: str, index: Index, *, action_only: bool = False) -> list[Hit]:
    """The passages for `topic`, in the index's order, each with its relevance."""
    wanted = list(dict.fromkeys(tokens(topic)))[:MOST_TOKENS]
    if not wanted:
        return []
    weights = word_weights(topic, index)
    return [Hit(passage, relevance(passage, weights))
            for passage in index.search(wanted, CANDIDATES, action_only=action_only)]


def word_weights(topic: str, index: Index) -> list[tuple[list[str], float]]:
    """The topic's words as tokens, each with its weight: how rare it is among the passages (idf)."""
    words = content_words(topic)
    frequencies = index.frequencies(sorted({token for word in words for token in word}))
    return [(word, max(_rarity(token, frequencies, index.size()) for token in word)) for word in words]


def _rarity(token: str, frequencies: Mapping[str, int], size: int) -> float:
    return math.log(1 + (size + 1) / (frequencies.get(token, 0) + 0.5))


def relevance(passage: Passage, weights: Sequence[tuple[list[str], float]]) -> float:
    """The weighted part of the topic's words that the passage or its headings hold, 0 to 1."""
    held = set(tokens(" ".join(searchable(passage)) + " " + passage.title))
    return overlap(held, weights)


def overlap(held: set[str], weights: Sequence[tuple[list[str], float]]) -> float:
    """The weighted part of the words that a set of tokens holds; a word counts by the part of its tokens held."""
    total = sum(weight for _, weight in weights)
    if not total:
        return 0.0
    return sum(weight * sum(token in held for token in word) / len(word) for word, weight in weights) / total
