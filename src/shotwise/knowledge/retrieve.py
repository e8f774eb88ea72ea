"""A topic → the passages that speak of it, with a measure of how much of the topic each one holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache

from shotwise.knowledge.passage import Hit, Index, Passage
from shotwise.knowledge.tokens import Word, asked_for, content_words, tokens

CANDIDATES = 40
MOST_TOKENS = 96  # of a topic; more would only slow the search down
VERB, UNSEEN_VERB = 1.0, 0.25  # the most that a verb form weighs; nouns weigh 0.7 to 6 by their rarity
GROUNDED = 0.55  # relevance from which a passage counts as answering; see docs/decisions
Weights = Sequence[tuple[Word, float]]


def retrieve(topic: str, weights: Weights, index: Index, *, action_only: bool = False) -> list[Hit]:
    """The passages for `topic`, whose words weigh `weights`, in the index's order (BM25), each with its relevance."""
    wanted = list(dict.fromkeys([*asked_for(topic), *tokens(topic)]))[:MOST_TOKENS]
    if not wanted:
        return []
    return [Hit(passage, relevance(passage, weights))
            for passage in index.search(wanted, CANDIDATES, action_only=action_only)]


def word_weights(topic: str, index: Index) -> Weights:
    """The topic's words, each with its weight: how rare it is among the passages (idf). A verb form weighs little,
    and less where it stands nowhere, because the documents may put it otherwise."""
    words = content_words(topic)
    frequencies = index.frequencies(sorted({token for word in words for token in word.tokens}))
    size = index.size()
    return [(word, _weight(word, frequencies, size)) for word in words]


def _weight(word: Word, frequencies: Mapping[str, int], size: int) -> float:
    counts = [frequencies.get(token, 0) for token in word.tokens]
    rarity = max(math.log(1 + (size + 1) / (count + 0.5)) for count in counts)
    if not word.inflected:
        return rarity
    return min(rarity, VERB) if all(counts) else UNSEEN_VERB


def relevance(passage: Passage, weights: Weights) -> float:
    """The weighted part of the topic's words that the passage or its headings hold, 0 to 1."""
    return overlap(under(passage).union(*(held(line.text) for line in passage.lines)), weights)


def under(passage: Passage) -> frozenset[str]:
    """The tokens that a passage stands under: of its headings and its document's title."""
    return held(" ".join([passage.title, *passage.headings]))


@lru_cache(maxsize=8192)
def held(text: str) -> frozenset[str]:
    """The tokens of a text, kept: the same passages are weighed for topic after topic."""
    return frozenset(tokens(text))


def overlap(found: Set[str], weights: Weights) -> float:
    """The weighted part of the words that a set of tokens holds; a word counts by the part of its tokens held."""
    total = sum(weight for _, weight in weights)
    if not total:
        return 0.0
    return sum(weight * sum(token in found for token in word.tokens) / len(word.tokens)
               for word, weight in weights) / total
