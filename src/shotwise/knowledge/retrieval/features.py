"""How much of what was asked a passage holds: as a whole, in its headings, in each of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.retrieval.bm25 import TermMatrix
from shotwise.knowledge.retrieval.query_terms import Word

MEANT = 0.8  # what a word counts whose meaning is held in other words
STATED = 0.6  # what a word counts that a question lacks and the text of its passage holds
ENOUGH = 3  # questions of a passage that tell what it answers; one or two leave too much out
Weights = Sequence[tuple[Word, float]]


@dataclass(frozen=True)
class Coverage:
    """The weighted part of the words, 0 to 1, that is held: by a whole passage with the questions that it answers; by
    its headings, and by those with the questions that the whole answers; by the text of its best line, and by a line
    with the questions that it answers.

    lines: by the text of each line, alone and together with the headings. lacking: the weight of each word times the
    part of it that the whole passage does not hold; a decisive word has to stand in its text, since a question may name
    it in passing.
    """

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


def coverages(weights: Weights, standing: TermMatrix) -> Iterator[Coverage]:
    """The coverage of each passage of `standing`, which knows where `terms_of(weights)` stand in them."""
    text, asked, firsts = _slots(standing)
    whole, stated = (_parts(weights, standing, np.logical_or.reduceat(found, firsts[:-1], axis=1))
                     for found in (asked, text))
    held = np.where(np.array([word.decisive for word, _ in weights], bool)[:, None], stated, whole)
    over = np.repeat(text[:, firsts[:-1]], np.diff(firsts), axis=1)
    amounts = np.array([weight for _, weight in weights])
    total = amounts.sum() or 1.0
    by_text, by_asked, together = (_parts(weights, standing, found).sum(axis=0) / total
                                   for found in (text, asked, text | over))
    for number, (first, end) in enumerate(zip(firsts, firsts[1:], strict=False)):
        lines = slice(first + 1, end)
        yield Coverage(
            float(whole[:, number].sum() / total), float(by_text[first]), float(by_asked[first]),
            float(by_text[lines].max(initial=0.0)), float(by_asked[lines].max(initial=0.0)),
            tuple(zip(by_text[lines].tolist(), together[lines].tolist(), strict=True)),
            tuple((amounts - held[:, number]).tolist()))


def likeness(weights: Weights, standing: TermMatrix) -> list[tuple[float, ...]]:
    """Of each passage: how much like the question, 0 to 1, the likest of the questions is that it answers as a whole,
    and that each of its lines answers; nothing for a passage that came without ENOUGH questions.

    It is the harmonic mean of two parts: of the question's words, what the other one holds, where a word that the text
    of the passage holds instead counts less; of the other one's words, what the question holds.
    """
    asked, firsts = standing.questions, standing.firsts
    if not asked.any():
        return [()] * (len(firsts) - 1)
    passages = np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))
    stated = np.logical_or.reduceat(standing.found & ~asked, firsts[:-1], axis=1)[:, passages[asked]]
    held = np.maximum(_parts(weights, standing, standing.found[:, asked]), STATED * _parts(weights, standing, stated))
    ours = held.sum(axis=0) / (sum(weight for _, weight in weights) or 1.0)
    same = np.array([weight for _, weight in weights]) @ standing.found[
        [standing.rows[word.term] for word, _ in weights]][:, asked]
    theirs = same / np.maximum(standing.weights[asked], 1e-9)
    slots = np.cumsum(~asked) - 1
    best = np.zeros(slots[-1] + 1)
    np.maximum.at(best, slots[asked], 2 * ours * theirs / np.maximum(ours + theirs, 1e-9))
    came = np.bincount(passages[asked], minlength=len(firsts) - 1) >= ENOUGH
    return [tuple(best[slots[first]:slots[end - 1] + 1].tolist()) if with_questions else ()
            for first, end, with_questions in zip(firsts, firsts[1:], came, strict=False)]


def _slots(standing: TermMatrix) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """The headings and lines: what their texts hold, what they hold with the questions answered there, and the first
    one of each passage."""
    texts = np.flatnonzero(~standing.questions)
    return (standing.found[:, texts], np.logical_or.reduceat(standing.found, texts, axis=1),
            np.searchsorted(texts, standing.firsts))


def _parts(weights: Weights, standing: TermMatrix, found: NDArray[np.bool_]) -> NDArray[Any]:
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
