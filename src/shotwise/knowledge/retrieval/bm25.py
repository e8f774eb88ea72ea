"""Search by words: BM25 over the postings of all documents, held in memory.

The score of a passage is BM25 over its morphemes plus `bigram_weight` times BM25 over its syllable bigrams, each with
lengths of its own. The questions that a passage answers are searched as part of its text. What each posting adds to a
score is computed when documents change, so that a search only adds up.

References
----------
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); here with the idf that cannot
be negative.

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
    """Which terms occur in which places of some passages (see `Postings` for what a place is).

    T terms, N passages, S places: those of all the passages, one after another.

    Attributes
    ----------
    rows : the row of each term
    present : bool [T, S], whether the term occurs in the place
    firsts : int64 [N + 1], the first place of each passage, then S
    is_question : bool [S], whether the place is a question
    question_weights : float64 [S], the summed `idf` among questions of all words of a question; 0 for other places
    """

    rows: Mapping[str, int]
    present: NDArray[np.bool_]
    firsts: NDArray[np.int64]
    is_question: NDArray[np.bool_]
    question_weights: NDArray[np.float64]


def idf(count: Any, total: int) -> Any:
    """Return the inverse document frequency of a term that `count` of `total` texts contain; `count` may be an array.

    It is log(1 + (total + 1) / (count + 0.5)), which is positive even for a term that every text contains.
    """
    return np.log1p((total + 1) / (count + 0.5))


class Bm25Index:
    """An inverted index of several documents that ranks their passages by BM25.

    Parameters
    ----------
    documents : mapping of str to (str, Postings)
        File name → version and postings of the document. In memory they take 4 bytes a posting, and 8 for each pair of
        a term and a passage.

    Attributes
    ----------
    passage_count : number of passages
    question_count : number of questions that the passages answer
    """

    def __init__(self, documents: Mapping[str, tuple[str, Postings]]) -> None:
        self._documents = [(name, version) for name, (version, _) in documents.items()]
        self._document_numbers = {name: number for number, name in enumerate(documents)}
        all_postings = [postings for _, postings in documents.values()]
        # Passages and places are numbered through all documents. The first passage of each document and the first
        # place of each passage, each followed by the number of all.
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
            Each term with its weight.
        limit : int
            The greatest number of passages to return.
        action_only : bool
            Whether only passages that announce countermeasures are ranked.

        Returns
        -------
        list of PassageId
            Best first; passages of equal score in the order of documents and passages.
        """
        scores = np.zeros(self.passage_count, np.float32)
        for term, weight in terms.items():
            span = self._span(term, self._passage_starts)
            scores[self._passages[span]] += np.float32(weight) * self._impacts[span]
        if action_only:
            scores *= self._actions
        min_score = np.partition(scores, -limit)[-limit] if limit < self.passage_count else 0
        best = np.flatnonzero((scores > 0) & (scores >= min_score))  # ascending; the stable sort keeps ties that way
        ranked = best[np.argsort(-scores[best], kind="stable")][:limit]
        return [self._passage_id(int(number)) for number in ranked]

    def document_frequencies(self, terms: Sequence[str], *, in_questions: bool = False) -> dict[str, int]:
        """Count for each term the passages whose own text contains it, or the questions that do.

        Terms that occur nowhere are left out of the result.
        """
        counts = self._question_counts if in_questions else self._text_counts
        frequencies = {term: int(counts[self._terms[term]]) for term in terms if term in self._terms}
        return {term: count for term, count in frequencies.items() if count}

    def term_matrix(self, terms: Sequence[str], passage_ids: Sequence[PassageId]) -> TermMatrix:
        """Return where `terms` occur in the passages, which have to be of the versions that are indexed here."""
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
        """Number of the term, number of the place and count, of every posting of all documents."""
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
        """The first posting of each term, then the number of all; postings are sorted by term."""
        return np.concatenate([[0], np.cumsum(np.bincount(term_of, minlength=len(self._terms)))])

    def _merge_by_passage(self, term_of: NDArray[Any], counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Term and count of each pair of term and passage, from those of the places; sets `_passages`."""
        passages = np.repeat(np.arange(self.passage_count, dtype=np.int32), np.diff(self._passage_firsts))[self._places]
        is_first = np.ones(len(passages), bool)
        is_first[1:] = (passages[1:] != passages[:-1]) | (term_of[1:] != term_of[:-1])
        firsts = np.flatnonzero(is_first)
        self._passages: NDArray[np.int32] = passages[firsts]
        self._count_frequencies(term_of, firsts)
        summed = np.add.reduceat(counts, firsts, dtype=np.int32) if len(firsts) else np.zeros(0, np.int32)
        return term_of[firsts], summed

    def _count_frequencies(self, term_of: NDArray[Any], firsts: NDArray[Any]) -> None:
        """Count the passages and questions that contain each term, and weigh each question; sets three attributes.

        `firsts` are the first postings of each term in each passage.
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
        """What each posting adds to the score of its passage, for a term of weight 1."""
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
        """The postings of a term; none where it is unknown."""
        number = self._terms.get(term)
        return slice(0, 0) if number is None else slice(int(starts[number]), int(starts[number + 1]))

    def _passage_id(self, number: int) -> PassageId:
        document = int(np.searchsorted(self._document_firsts, number, "right")) - 1
        name, version = self._documents[document]
        return PassageId(name, version, number - int(self._document_firsts[document]))
