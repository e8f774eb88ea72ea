"""Search by words: BM25 over the postings of all documents, in memory.

The score of a passage is BM25 over its morphemes plus GRAMS times BM25 over its pairs of syllables, each with its own
lengths. What each posting adds to a score is worked out when documents change, so a search only adds up: no posting is
looked at twice. BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf that
cannot be negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise.knowledge.lexicon import GRAM
from shotwise.knowledge.passage import Key, Postings

K1, B = 1.2, 0.75
GRAMS = 0.5  # measured on public sets, see benchmarks/knowledge


class LexicalIndex:
    """BM25 over the postings of documents, each given with its version."""

    def __init__(self, documents: Mapping[str, tuple[str, Postings]]) -> None:
        self._documents = [(name, version) for name, (version, _) in documents.items()]
        found = [kept for _, kept in documents.values()]
        self._firsts = np.cumsum([0, *(len(kept.actions) for kept in found)])
        self.size = int(self._firsts[-1])
        self._actions = np.frombuffer(b"".join(kept.actions for kept in found), np.uint8).astype(bool)
        self._terms: dict[str, int] = {}
        term_of, passages, counts = self._joined(found)
        order = np.argsort(term_of, kind="stable")
        self._passages: NDArray[np.int32] = passages[order]
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(term_of, minlength=len(self._terms)))])
        self._added = self._impacts(term_of[order], counts[order])

    def _joined(self, found: Sequence[Postings]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Of every posting of all documents: number of its term, of its passage, count."""
        known = self._terms
        parts = []
        for first, kept in zip(self._firsts, found, strict=False):
            ids = np.array([known.setdefault(term, len(known)) for term in kept.terms], np.int32)
            lengths = np.diff(np.frombuffer(kept.starts, "<u4"))
            passages = np.frombuffer(kept.passages, "<u4").astype(np.int32) + np.int32(first)
            parts.append((np.repeat(ids, lengths), passages, np.frombuffer(kept.counts, np.uint8)))
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
        term_of, passages, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
        return term_of, passages, counts

    def _impacts(self, term_of: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float32]:
        """What each posting adds to the score of its passage."""
        is_gram = np.fromiter((term.startswith(GRAM) for term in self._terms), bool, len(self._terms))
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

    def search(self, terms: Mapping[str, float], limit: int, *, action_only: bool = False) -> list[Key]:
        """The passages that hold any of `terms`, each with its weight, best first; equal ones in the order of documents
        and passages."""
        scores = np.zeros(self.size, np.float32)
        for term, weight in terms.items():
            span = self._span(term)
            scores[self._passages[span]] += np.float32(weight) * self._added[span]
        if action_only:
            scores *= self._actions
        least = np.partition(scores, -limit)[-limit] if limit < self.size else 0
        best = np.flatnonzero((scores > 0) & (scores >= least))  # in order, and a stable sort keeps equal ones in it
        return [self._key(int(number)) for number in best[np.argsort(-scores[best], kind="stable")][:limit]]

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each term stands."""
        return {term: span.stop - span.start for term in terms if (span := self._span(term)).stop > span.start}

    def _span(self, term: str) -> slice:
        at = self._terms.get(term)
        return slice(0, 0) if at is None else slice(int(self._starts[at]), int(self._starts[at + 1]))

    def _key(self, number: int) -> Key:
        at = int(np.searchsorted(self._firsts, number, "right")) - 1
        name, version = self._documents[at]
        return Key(name, version, number - int(self._firsts[at]))
