"""How much of what was asked a passage holds: as a whole, in its headings, in each of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.asking import Word
from shotwise.knowledge.lexical import Standing

MEANT = 0.8  # what a word counts whose meaning is held in other words
ELSEWHERE = 0.6  # what a word counts that the line lacks and its passage holds
Weights = Sequence[tuple[Word, float]]


@dataclass(frozen=True)
class Coverage:
    """The weighted part of the words, 0 to 1, that is held: by a whole passage with the questions that it answers; by
    its headings, and by those with the questions that the whole answers; by the text of its best line, and by a line
    with the questions that it answers. lines: of each line with its questions, alone and together with the headings.
    lacking: the weight of each word times the part of it that the whole passage does not hold."""

    whole: float
    headings: float
    headings_asked: float
    line: float
    line_asked: float
    lines: tuple[tuple[float, float], ...]
    lacking: tuple[float, ...]


def terms_of(weights: Weights) -> list[str]:
    """All terms that tell whether a text holds the words."""
    return [term for word, _ in weights for term in word_terms(word)]


def word_terms(word: Word) -> list[str]:
    """The terms of a word: itself, its pairs of syllables, what it may mean."""
    return [word.term, *word.pairs, *(term for meaning in word.meanings for term in meaning)]


def coverages(weights: Weights, standing: Standing) -> Iterator[Coverage]:
    """The coverage of each passage of `standing`, which knows where `terms_of(weights)` stand in them."""
    text, asked, firsts = _slots(standing)
    whole = _parts(weights, standing, np.logical_or.reduceat(asked, firsts[:-1], axis=1))
    over = np.repeat(text[:, firsts[:-1]], np.diff(firsts), axis=1)
    amounts = np.array([weight for _, weight in weights])
    total = amounts.sum() or 1.0
    by_text, by_asked, together = (_parts(weights, standing, found).sum(axis=0) / total
                                   for found in (text, asked, asked | over))
    for number, (first, end) in enumerate(zip(firsts, firsts[1:], strict=False)):
        lines = slice(first + 1, end)
        yield Coverage(
            float(whole[:, number].sum() / total), float(by_text[first]), float(by_asked[first]),
            float(by_text[lines].max(initial=0.0)), float(by_asked[lines].max(initial=0.0)),
            tuple(zip(by_asked[lines].tolist(), together[lines].tolist(), strict=True)),
            tuple((amounts - whole[:, number]).tolist()))


def best_together(weights: Weights, standing: Standing) -> list[float]:
    """Of each passage, the most of the words that one of its lines, or its headings, hold with the questions answered
    there; what the rest of the passage holds counts less."""
    _, asked, firsts = _slots(standing)
    whole = _parts(weights, standing, np.logical_or.reduceat(asked, firsts[:-1], axis=1))
    held = np.maximum(_parts(weights, standing, asked), ELSEWHERE * np.repeat(whole, np.diff(firsts), axis=1))
    total = sum(weight for _, weight in weights) or 1.0
    found: list[float] = np.maximum.reduceat(held.sum(axis=0) / total, firsts[:-1]).tolist()
    return found


def _slots(standing: Standing) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Places come in pairs, a text and the questions that it answers: the texts, the texts with their questions, and
    the first pair of each passage."""
    text, questions = standing.found[:, 0::2], standing.found[:, 1::2]
    return text, text | questions, standing.firsts // 2


def _parts(weights: Weights, standing: Standing, found: NDArray[np.bool_]) -> NDArray[Any]:
    """Of each word, in each column of `found`: its weight times the part of it that is held there."""
    held = np.zeros((len(weights), found.shape[1]))
    for at, (word, weight) in enumerate(weights):
        if word.pairs:
            held[at] = np.mean([found[standing.rows[pair]] for pair in word.pairs], axis=0)
        for meaning in word.meanings:
            meant = np.logical_and.reduce([found[standing.rows[term]] for term in meaning])
            held[at] = np.maximum(held[at], MEANT * meant)
        held[at][found[standing.rows[word.term]]] = 1.0
        held[at] *= weight
    return held
