"""Search by words: BM25 over the postings of all documents, in memory, and which words stand where in a passage.

The score of a passage is BM25 over its morphemes plus GRAMS times BM25 over its pairs of syllables, each with its own
lengths; the questions that it answers count as its text. What each posting adds to a score is worked out when documents
change, so a search only adds up: no posting is looked at twice. BM25 as in Robertson and Zaragoza, "The Probabilistic
Relevance Framework" (2009), with the idf that cannot be negative; a text searched with the questions that it answers,
as in Nogueira et al., "Document Expansion by Query Prediction" (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.models import PassageId, Postings
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

K1, B = 1.2, 0.75
GRAMS = 0.5  # measured on public sets, see benchmarks/knowledge


@dataclass(frozen=True)
class TermMatrix:
    """Where terms stand in some passages. rows: the row of each term; found: bool [T, S], over the places of all the
    passages, one after another; firsts: int [N + 1], the first place of each passage, and the number of all; questions:
    bool [S], whether a place is a question; weights: float [S], of all words of each question together, by `rarity`
    among the questions."""

    rows: Mapping[str, int]
    found: NDArray[np.bool_]
    firsts: NDArray[np.int64]
    questions: NDArray[np.bool_]
    weights: NDArray[np.float64]


def rarity(count: Any, size: int) -> Any:
    """How much it tells that a text holds what `count` of `size` hold; also of arrays."""
    return np.log1p((size + 1) / (count + 0.5))


class Bm25Index:
    """BM25 over the postings of documents, each given with its version."""

    def __init__(self, documents: Mapping[str, tuple[str, Postings]]) -> None:
        self._documents = [(name, version) for name, (version, _) in documents.items()]
        self._numbers = {name: number for number, name in enumerate(documents)}
        found = [kept for _, kept in documents.values()]
        self._firsts = np.cumsum([0, *(len(kept.actions) for kept in found)])
        self.size = int(self._firsts[-1])
        self._actions = np.frombuffer(b"".join(kept.actions for kept in found), np.uint8).astype(bool)
        # Of every passage: how many places it has. The first place of each, and the number of all.
        sizes = [np.diff(np.frombuffer(kept.firsts, "<u4")) for kept in found]
        self._place_firsts = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *sizes]))])
        self._questions = np.frombuffer(b"".join(kept.questions for kept in found), np.uint8).astype(bool)
        self.questions = int(self._questions.sum())
        self._terms: dict[str, int] = {}
        term_of, places, counts = self._joined(found)
        self._is_gram = np.fromiter((term.startswith(BIGRAM_PREFIX) for term in self._terms), bool, len(self._terms))
        order = np.argsort(term_of, kind="stable")
        term_of, counts = term_of[order], counts[order]
        self._places: NDArray[np.int32] = places[order]
        self._place_starts = self._starts_of(term_of)
        term_of, counts = self._gathered(term_of, counts)
        self._starts = self._starts_of(term_of)
        self._added = self._impacts(term_of, counts)

    def _joined(self, found: Sequence[Postings]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Of every posting of all documents: number of its term, of its place, count."""
        known = self._terms
        parts = []
        for first, kept in zip(self._firsts, found, strict=False):
            ids = np.array([known.setdefault(term, len(known)) for term in kept.terms], np.int32)
            lengths = np.diff(np.frombuffer(kept.starts, "<u4"))
            places = np.frombuffer(kept.places, "<u4").astype(np.int32) + np.int32(self._place_firsts[first])
            parts.append((np.repeat(ids, lengths), places, np.frombuffer(kept.counts, np.uint8)))
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
        term_of, places, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
        return term_of, places, counts

    def _starts_of(self, term_of: NDArray[Any]) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(np.bincount(term_of, minlength=len(self._terms)))])

    def _gathered(self, term_of: NDArray[Any], counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The postings by passage: term and count of each; `_passages` keeps its passage."""
        passages = np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self._place_firsts))[self._places]
        new = np.ones(len(passages), bool)
        new[1:] = (passages[1:] != passages[:-1]) | (term_of[1:] != term_of[:-1])
        at = np.flatnonzero(new)
        self._passages: NDArray[np.int32] = passages[at]
        self._count(term_of, at)
        summed = np.add.reduceat(counts, at, dtype=np.int32) if len(at) else np.zeros(0, np.int32)
        return term_of[at], summed

    def _count(self, term_of: NDArray[Any], at: NDArray[Any]) -> None:
        """In how many passages' text and in how many questions each term stands, and what the words of each question
        weigh. at: the first posting of each term in each passage."""
        self._question_counts: NDArray[Any] = np.zeros(len(self._terms), np.int64)
        self._weights: NDArray[Any] = np.zeros(len(self._questions))
        if not self.questions:
            self._text_counts = np.bincount(term_of[at], minlength=len(self._terms))
            return
        asked = self._questions[self._places]
        stated = np.logical_or.reduceat(~asked, at)
        self._text_counts = np.bincount(term_of[at[stated]], minlength=len(self._terms))
        self._question_counts = np.bincount(term_of[asked], minlength=len(self._terms))
        words = asked & ~self._is_gram[term_of]
        self._weights = np.bincount(self._places[words], rarity(self._question_counts, self.questions)[term_of[words]],
                                    len(self._questions))

    def _impacts(self, term_of: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
        """What each posting adds to the score of its passage."""
        is_gram = self._is_gram
        documents = np.diff(self._starts)
        idf = np.log1p((self.size - documents + 0.5) / (documents + 0.5)) * np.where(is_gram, GRAMS, 1.0)
        gram = is_gram[term_of]
        damped = np.empty(len(counts), np.float32)
        for kind in (gram, ~gram):
            lengths = np.bincount(self._passages[kind], counts[kind], self.size)
            mean = max(lengths.mean(), 1.0) if self.size else 1.0
            norm = K1 * (1 - B + B * lengths / mean)
            tf = counts[kind].astype(np.float32)
            damped[kind] = tf * (K1 + 1) / (tf + norm[self._passages[kind]])
        added: NDArray[np.float32] = (damped * idf[term_of]).astype(np.float32)
        return added

    def search(self, terms: Mapping[str, float], limit: int, *, action_only: bool = False) -> list[PassageId]:
        """The passages that hold any of `terms`, each with its weight, best first; equal ones in the order of documents
        and passages."""
        scores = np.zeros(self.size, np.float32)
        for term, weight in terms.items():
            span = self._span(term, self._starts)
            scores[self._passages[span]] += np.float32(weight) * self._added[span]
        if action_only:
            scores *= self._actions
        least = np.partition(scores, -limit)[-limit] if limit < self.size else 0
        best = np.flatnonzero((scores > 0) & (scores >= least))  # in order, and a stable sort keeps equal ones in it
        return [self._key(int(number)) for number in best[np.argsort(-scores[best], kind="stable")][:limit]]

    def frequencies(self, terms: Sequence[str], *, questions: bool = False) -> dict[str, int]:
        """In the text of how many passages each term stands, or in how many questions; terms that stand in none are
        absent."""
        counts = self._question_counts if questions else self._text_counts
        found = {term: int(counts[self._terms[term]]) for term in terms if term in self._terms}
        return {term: count for term, count in found.items() if count}

    def standing(self, terms: Sequence[str], keys: Sequence[PassageId]) -> TermMatrix:
        """Where `terms` stand in the passages of `keys`, which are of the versions held here."""
        numbers = np.array([self._firsts[self._numbers[key.document]] + key.number for key in keys], np.int64)
        firsts, sizes = self._place_firsts[numbers], self._place_firsts[numbers + 1] - self._place_firsts[numbers]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(starts[-1]) + np.repeat(firsts - starts[:-1], sizes)
        rows = {term: row for row, term in enumerate(dict.fromkeys(terms))}
        found = np.zeros((len(rows), len(places)), bool)
        for term, row in rows.items():
            held = self._places[self._span(term, self._place_starts)]
            if len(held):
                found[row] = held[np.minimum(np.searchsorted(held, places), len(held) - 1)] == places
        return TermMatrix(rows, found, starts, self._questions[places], self._weights[places])

    def _span(self, term: str, starts: NDArray[np.int64]) -> slice:
        at = self._terms.get(term)
        return slice(0, 0) if at is None else slice(int(starts[at]), int(starts[at + 1]))

    def _key(self, number: int) -> PassageId:
        at = int(np.searchsorted(self._firsts, number, "right")) - 1
        name, version = self._documents[at]
        return PassageId(name, version, number - int(self._firsts[at]))
