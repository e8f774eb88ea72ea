"""Search by words: BM25 over the postings of all documents, in memory.

The score of a passage is BM25 over its morphemes plus `bigram_weight` times BM25 over its syllable bigrams, each with
lengths of its own. The questions that a passage answers are searched as part of its text. The contribution of each
posting to a score is computed when documents change, so that a search only sums them up.

References
----------
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); used with an idf that cannot be
negative.

Nogueira et al., "Document Expansion by Query Prediction" (2019): a text is searched together with the questions that it
answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.models import PassageId, Postings
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX


@dataclass(frozen=True)
class TermMatrix:
    """Which terms occur in which places of some passages; `Postings` defines a place.

    The places of the passages follow one another.

    Attributes
    ----------
    rows : mapping of str to int
        The row of each term.
    present : ndarray of bool, shape (n_terms, n_places)
        Whether the term occurs in the place.
    firsts : ndarray of int64, shape (n_passages + 1,)
        The first place of each passage, then n_places.
    is_question : ndarray of bool, shape (n_places,)
        Whether the place is a question.
    question_weights : ndarray of float64, shape (n_places,)
        For a question the sum of the `idf` of its morphemes among all questions; 0 for other places.
    """

    rows: Mapping[str, int]
    present: NDArray[np.bool_]
    firsts: NDArray[np.int64]
    is_question: NDArray[np.bool_]
    question_weights: NDArray[np.float64]


def idf(count: Any, total: int) -> Any:
    """Compute the inverse document frequency of a term that `count` of `total` texts contain; `count` may be an array.

    It is log(1 + (total + 1) / (count + 0.5)), which is positive even for a term that every text contains.
    """
    return np.log1p((total + 1) / (count + 0.5))


class Bm25Index:
    """An inverted index of several documents that ranks their passages by BM25.

    It needs 4 bytes of memory per posting, and 8 per pair of a term and a passage that contains it.

    Parameters
    ----------
    documents : mapping of str to (str, Postings)
        Version and postings of each document, by file name.

    Attributes
    ----------
    passage_count : int
        Number of passages.
    question_count : int
        Number of questions that the passages answer.
    """

    def __init__(self, documents: Mapping[str, tuple[str, Postings]]) -> None:
        self._documents = [(name, version) for name, (version, _) in documents.items()]
        self._document_numbers = {name: number for number, name in enumerate(documents)}
        all_postings = [postings for _, postings in documents.values()]
        # Passages and places are numbered through all documents. `_document_firsts` has the first passage of each
        # document, `_passage_firsts` the first place of each passage, each followed by the total number.
        self._document_firsts = np.cumsum([0, *(len(postings.actions) for postings in all_postings)])
        self.passage_count = int(self._document_firsts[-1])
        self._actions = np.frombuffer(b"".join(postings.actions for postings in all_postings), np.uint8).astype(bool)
        place_counts = [np.diff(np.frombuffer(postings.firsts, "<u4")) for postings in all_postings]
        self._passage_firsts = np.concatenate(
            [[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *place_counts]))])
        self._is_question = np.frombuffer(
            b"".join(postings.questions for postings in all_postings), np.uint8).astype(bool)
        self.question_count = int(self._is_question.sum())
        self._terms: dict[str, int] = {}
        term_of, places, counts = self._join(all_postings)
        self._is_bigram = np.fromiter((term.startswith(BIGRAM_PREFIX) for term in self._terms), bool, len(self._terms))
        order = np.argsort(term_of, kind="stable")
        term_of, counts = term_of[order], counts[order]
        self._places: NDArray[np.int32] = places[order]
        self._place_starts = self._starts_of(term_of)
        term_of, counts = self._merge_by_passage(term_of, counts)
        self._passage_starts = self._starts_of(term_of)
        self._impacts = self._compute_impacts(term_of, counts)

    def search(self, terms: Mapping[str, float], limit: int, *, action_only: bool = False) -> list[PassageId]:
        """Rank the passages that contain any of the terms.

        Parameters
        ----------
        terms : mapping of str to float
            Weight of each term.
        limit : int
            Maximum number of passages.
        action_only : bool
            Whether only passages that announce countermeasures are ranked.

        Returns
        -------
        passage_ids : list of PassageId
            Best passage first; passages of equal score are in the order of documents and passages.
        """
        scores = np.zeros(self.passage_count, np.float32)
        for term, weight in terms.items():
            span = self._span(term, self._passage_starts)
            scores[self._passages[span]] += np.float32(weight) * self._impacts[span]
        if action_only:
            scores *= self._actions
        min_score = np.partition(scores, -limit)[-limit] if limit < self.passage_count else 0
        best = np.flatnonzero((scores > 0) & (scores >= min_score))
        ranked = best[np.argsort(-scores[best], kind="stable")][:limit]  # equal scores stay in ascending order
        return [self._passage_id(int(number)) for number in ranked]

    def document_frequencies(self, terms: Sequence[str], *, in_questions: bool = False) -> dict[str, int]:
        """Count for each term the passages whose own text contains it, or the questions that contain it.

        Terms that occur nowhere are left out.
        """
        counts = self._question_counts if in_questions else self._text_counts
        frequencies = {term: int(counts[self._terms[term]]) for term in terms if term in self._terms}
        return {term: count for term, count in frequencies.items() if count}

    def term_matrix(self, terms: Sequence[str], passage_ids: Sequence[PassageId]) -> TermMatrix:
        """Return where `terms` occur in the passages, whose versions have to be those of this index."""
        numbers = np.array([self._document_firsts[self._document_numbers[passage_id.document]] + passage_id.number
                            for passage_id in passage_ids], np.int64)
        place_firsts = self._passage_firsts[numbers]
        sizes = self._passage_firsts[numbers + 1] - place_firsts
        firsts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(firsts[-1]) + np.repeat(place_firsts - firsts[:-1], sizes)
        rows = {term: row for row, term in enumerate(dict.fromkeys(terms))}
        present = np.zeros((len(rows), len(places)), bool)
        for term, row in rows.items():
            term_places = self._places[self._span(term, self._place_starts)]
            if len(term_places):
                nearest = np.minimum(np.searchsorted(term_places, places), len(term_places) - 1)
                present[row] = term_places[nearest] == places
        return TermMatrix(rows, present, firsts, self._is_question[places], self._question_weights[places])

    def _join(self, all_postings: Sequence[Postings]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the term number, place number and count of every posting of all documents."""
        numbers = self._terms
        parts = []
        for first_passage, postings in zip(self._document_firsts, all_postings, strict=False):
            term_numbers = np.array([numbers.setdefault(term, len(numbers)) for term in postings.terms], np.int32)
            lengths = np.diff(np.frombuffer(postings.starts, "<u4"))
            first_place = np.int32(self._passage_firsts[first_passage])
            places = np.frombuffer(postings.places, "<u4").astype(np.int32) + first_place
            parts.append((np.repeat(term_numbers, lengths), places, np.frombuffer(postings.counts, np.uint8)))
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
        term_of, all_places, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
        return term_of, all_places, counts

    def _starts_of(self, term_of: NDArray[Any]) -> NDArray[np.int64]:
        """Return the first posting of each term, then the number of postings, which are sorted by term."""
        return np.concatenate([[0], np.cumsum(np.bincount(term_of, minlength=len(self._terms)))])

    def _merge_by_passage(self, term_of: NDArray[Any], counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Sum the counts of each term over the places of a passage.

        Returns term and count of each pair of a term and a passage, and sets `_passages` to the passages of the pairs.
        """
        passages = np.repeat(np.arange(self.passage_count, dtype=np.int32), np.diff(self._passage_firsts))[self._places]
        is_first = np.ones(len(passages), bool)
        is_first[1:] = (passages[1:] != passages[:-1]) | (term_of[1:] != term_of[:-1])
        firsts = np.flatnonzero(is_first)
        self._passages: NDArray[np.int32] = passages[firsts]
        self._count_frequencies(term_of, firsts)
        summed = np.add.reduceat(counts, firsts, dtype=np.int32) if len(firsts) else np.zeros(0, np.int32)
        return term_of[firsts], summed

    def _count_frequencies(self, term_of: NDArray[Any], firsts: NDArray[Any]) -> None:
        """Set the counts of passages and questions that contain each term, and the weight of each question.

        `firsts` has the first posting of each term in each passage.
        """
        self._question_counts: NDArray[Any] = np.zeros(len(self._terms), np.int64)
        self._question_weights: NDArray[Any] = np.zeros(len(self._is_question))
        if not self.question_count:
            self._text_counts = np.bincount(term_of[firsts], minlength=len(self._terms))
            return
        in_question = self._is_question[self._places]
        in_text = np.logical_or.reduceat(~in_question, firsts)
        self._text_counts = np.bincount(term_of[firsts[in_text]], minlength=len(self._terms))
        self._question_counts = np.bincount(term_of[in_question], minlength=len(self._terms))
        words = in_question & ~self._is_bigram[term_of]
        weights = idf(self._question_counts, self.question_count)[term_of[words]]
        self._question_weights = np.bincount(self._places[words], weights, len(self._is_question))

    def _compute_impacts(self, term_of: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
        """Compute the contribution of each term to the score of each passage that contains it, for a weight of 1."""
        k1, b = WEIGHTS.k1, WEIGHTS.b
        frequencies = np.diff(self._passage_starts)
        bm25_idf = np.log1p((self.passage_count - frequencies + 0.5) / (frequencies + 0.5)) * np.where(
            self._is_bigram, WEIGHTS.bigram_weight, 1.0)
        is_bigram = self._is_bigram[term_of]
        saturated = np.empty(len(counts), np.float32)
        for kind in (is_bigram, ~is_bigram):
            lengths = np.bincount(self._passages[kind], counts[kind], self.passage_count)
            mean_length = max(lengths.mean(), 1.0) if self.passage_count else 1.0
            norm = k1 * (1 - b + b * lengths / mean_length)
            tf = counts[kind].astype(np.float32)
            saturated[kind] = tf * (k1 + 1) / (tf + norm[self._passages[kind]])
        impacts: NDArray[np.float32] = (saturated * bm25_idf[term_of]).astype(np.float32)
        return impacts

    def _span(self, term: str, starts: NDArray[np.int64]) -> slice:
        """Return the slice of a term's postings; an empty one for an unknown term."""
        number = self._terms.get(term)
        return slice(0, 0) if number is None else slice(int(starts[number]), int(starts[number + 1]))

    def _passage_id(self, number: int) -> PassageId:
        document = int(np.searchsorted(self._document_firsts, number, "right")) - 1
        name, version = self._documents[document]
        return PassageId(name, version, number - int(self._document_firsts[document]))
