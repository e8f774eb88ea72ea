"""Measure how much of a question a passage covers, and how similar the question is to those that the passage answers.

References
----------
Nogueira et al., "Document Expansion by Query Prediction" (2019): questions that a text answers count as part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.retrieval.bm25 import TermMatrix
from shotwise.knowledge.retrieval.query_terms import QueryTerm
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS

WeightedTerms = Sequence[tuple[QueryTerm, float]]


@dataclass(frozen=True)
class CoverageFeatures:
    """How much of a question a passage covers.

    The coverage by a text is the share of the question's terms that the text contains, by their weights; 0 to 1. "With
    questions" means that the questions that a text answers count as part of it.

    Attributes
    ----------
    passage : float
        Coverage by the complete passage, with questions.
    headings : float
        Coverage by the headings and the title.
    headings_with_questions : float
        Coverage by the headings and the title, with the questions that the passage as a whole answers.
    best_line : float
        Largest coverage by a line.
    best_line_with_questions : float
        Largest coverage by a line, with its questions.
    lines : tuple of (float, float)
        Coverage by each line, alone and together with the headings.
    missing : tuple of float
        For each term its weight times the part of it that the passage lacks, with questions. For a decisive term
        without questions, because a question may mention it in passing.
    """

    passage: float
    headings: float
    headings_with_questions: float
    best_line: float
    best_line_with_questions: float
    lines: tuple[tuple[float, float], ...]
    missing: tuple[float, ...]


def search_terms_of(weighted_terms: WeightedTerms) -> list[str]:
    """Return all search terms that show whether a text contains the weighted terms."""
    return [term for query_term, _ in weighted_terms for term in query_term.search_terms]


def coverage_features(weighted_terms: WeightedTerms, matrix: TermMatrix) -> Iterator[CoverageFeatures]:
    """Compute the coverage by each passage.

    Parameters
    ----------
    weighted_terms : sequence of (QueryTerm, float)
        Terms of the question with their weights.
    matrix : TermMatrix
        Where `search_terms_of(weighted_terms)` occur in the passages.

    Yields
    ------
    features : CoverageFeatures
        Coverage by the next passage of `matrix`.
    """
    in_text, with_questions, firsts = _texts(matrix)
    passage, passage_text = (
        _contained(weighted_terms, matrix, np.logical_or.reduceat(present, firsts[:-1], axis=1))
        for present in (with_questions, in_text))
    is_decisive = np.array([query_term.decisive for query_term, _ in weighted_terms], bool)
    required = np.where(is_decisive[:, None], passage_text, passage)
    headings = np.repeat(in_text[:, firsts[:-1]], np.diff(firsts), axis=1)  # of the passage of each column
    weights = np.array([weight for _, weight in weighted_terms])
    total = weights.sum() or 1.0
    by_text, by_questions, with_headings = (
        _contained(weighted_terms, matrix, present).sum(axis=0) / total
        for present in (in_text, with_questions, in_text | headings))
    for number, (first, end) in enumerate(zip(firsts, firsts[1:], strict=False)):
        lines = slice(first + 1, end)
        yield CoverageFeatures(
            passage=float(passage[:, number].sum() / total),
            headings=float(by_text[first]), headings_with_questions=float(by_questions[first]),
            best_line=float(by_text[lines].max(initial=0.0)),
            best_line_with_questions=float(by_questions[lines].max(initial=0.0)),
            lines=tuple(zip(by_text[lines].tolist(), with_headings[lines].tolist(), strict=True)),
            missing=tuple((weights - required[:, number]).tolist()))


def question_similarities(weighted_terms: WeightedTerms, matrix: TermMatrix, *,
                          min_questions: int = WEIGHTS.min_expected_questions) -> list[tuple[float, ...]]:
    """Compare the question with the expected questions of each passage.

    Parameters
    ----------
    weighted_terms : sequence of (QueryTerm, float)
        All terms of the question, including question words, with their weights.
    matrix : TermMatrix
        Where `search_terms_of(weighted_terms)` occur in the passages.
    min_questions : int
        Number of expected questions from which a passage is compared by them.

    Returns
    -------
    similarities : list of tuple of float
        For each passage the largest similarity, 0 to 1, to a question that the passage as a whole answers, then for
        each line the largest similarity to a question that the line answers. Empty for a passage with fewer than
        `min_questions` questions.

    Notes
    -----
    The similarity is the harmonic mean of two weighted shares: the share of the question's terms that the expected
    question contains, where a term that only the passage's text contains counts `stated_credit`; and the share of the
    expected question's terms that the question contains.
    """
    is_question, firsts = matrix.is_question, matrix.firsts
    if not is_question.any():
        return [()] * (len(firsts) - 1)
    passage_of = np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))[is_question]
    text_of = np.cumsum(~is_question) - 1  # the heading or line that each place belongs to
    best = np.zeros(text_of[-1] + 1)
    np.maximum.at(best, text_of[is_question], _similarities(weighted_terms, matrix, passage_of))
    has_enough = np.bincount(passage_of, minlength=len(firsts) - 1) >= min_questions
    return [tuple(best[text_of[first]:text_of[end - 1] + 1].tolist()) if comparable else ()
            for first, end, comparable in zip(firsts, firsts[1:], has_enough, strict=False)]


def _similarities(weighted_terms: WeightedTerms, matrix: TermMatrix, passage_of: NDArray[Any]) -> NDArray[Any]:
    """Compute the similarity of the question to each expected question, whose passages are `passage_of`."""
    is_question = matrix.is_question
    in_text = np.logical_or.reduceat(matrix.present & ~is_question, matrix.firsts[:-1], axis=1)[:, passage_of]
    contained = np.maximum(_contained(weighted_terms, matrix, matrix.present[:, is_question]),
                           WEIGHTS.stated_credit * _contained(weighted_terms, matrix, in_text))
    recall = contained.sum(axis=0) / (sum(weight for _, weight in weighted_terms) or 1.0)
    rows = [matrix.rows[query_term.term] for query_term, _ in weighted_terms]
    shared = np.array([weight for _, weight in weighted_terms]) @ matrix.present[rows][:, is_question]
    precision = shared / np.maximum(matrix.question_weights[is_question], 1e-9)
    similarities: NDArray[Any] = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    return similarities


def _texts(matrix: TermMatrix) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Join each heading or line with its questions.

    Returns
    -------
    in_text, with_questions : ndarray of bool, shape (n_terms, n_texts)
        Which terms occur in each heading or line, alone and together with its questions.
    firsts : ndarray of int64, shape (n_passages + 1,)
        The first column of each passage (its headings), then n_texts.
    """
    texts = np.flatnonzero(~matrix.is_question)
    return (matrix.present[:, texts], np.logical_or.reduceat(matrix.present, texts, axis=1),
            np.searchsorted(texts, matrix.firsts))


def _contained(weighted_terms: WeightedTerms, matrix: TermMatrix, present: NDArray[np.bool_]) -> NDArray[Any]:
    """Compute for each term and each column of `present` the term's weight times the part of it that occurs there."""
    contained = np.zeros((len(weighted_terms), present.shape[1]))
    for row, (query_term, weight) in enumerate(weighted_terms):
        if query_term.bigrams:
            contained[row] = np.mean([present[matrix.rows[bigram]] for bigram in query_term.bigrams], axis=0)
        for expansion in query_term.expansions:
            complete = np.logical_and.reduce([present[matrix.rows[term]] for term in expansion])
            contained[row] = np.maximum(contained[row], WEIGHTS.expansion_credit * complete)
        contained[row][present[matrix.rows[query_term.term]]] = 1.0
        contained[row] *= weight
    return contained
