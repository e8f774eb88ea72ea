"""Where words stand, and what the words of a question weigh, against a look at each place of each passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_corpora import (
    CORPORA,
    TEXTS,
    Corpus,
    answering_passage,
    bm25_index,
    passages_by_id,
    rarities,
    shifted,
    text_units,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.models import Passage, PassageId
from shotwise.knowledge.retrieval.bm25 import TermMatrix, idf
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX


def stands(corpus: Corpus, terms: Sequence[str], keys: Sequence[PassageId], found: TermMatrix) -> bool:
    """Whether `found` is where the terms stand in the passages of `keys`, looked up one by one, and says of each of
    their questions what all its words weigh."""
    passages = passages_by_id(corpus)
    held = [text_units(passages[key]) for key in keys]
    flat = [place for each in held for place in each]
    wanted = {term: [term in place for place, _ in flat] for term in terms}
    weigh = rarities(corpus)
    asking = [[term for term in place if not term.startswith(BIGRAM_PREFIX)] for place, is_question in flat if is_question]
    return (found.present.shape == (len(wanted), len(flat)) and found.rows.keys() == wanted.keys()
            and all(found.present[row].tolist() == wanted[term] for term, row in found.rows.items())
            and found.firsts.tolist() == [0, *accumulate(map(len, held))]
            and found.is_question.tolist() == [is_question for _, is_question in flat]
            and found.question_weights[found.is_question].tolist() == pytest.approx([sum(map(weigh, words)) for words in asking]))


@settings(max_examples=150, deadline=None)
@given(CORPORA, TEXTS, st.data())
def test_standing_tells_where_terms_stand(corpus: list[list[Passage]], text: str, data: st.DataObject) -> None:
    """For any of the passages, in any order, and any terms, repeated and unknown ones too: each place that holds each
    term, which places are questions, and what those weigh."""
    known, terms = list(passages_by_id(corpus)), [*ANALYZER.question_terms(text), "없는말"]
    keys = data.draw(st.lists(st.sampled_from(known), max_size=6)) if known else []
    assert stands(corpus, terms, keys, bm25_index(corpus).term_matrix(terms, keys))


def test_the_comparison_sees_terms_in_other_text_units() -> None:
    """The check can fail: a question taken for text, two taken for one, places that are off by one, passages in another
    order, and a question more elsewhere, which makes words less rare, are seen."""
    corpus = [[answering_passage("기공", ["온도"], ["누구", "기공"]), passage("온도", headings=("기공",))],
              [passage("균열"), passage("기공")]]
    (first, second), rest = corpus
    keys, terms = list(passages_by_id(corpus)), ["기공", "온도", "누구"]
    assert stands(corpus, terms, keys, bm25_index(corpus).term_matrix(terms, keys))
    spoiled = [bm25_index(corpus, lambda found: shifted(found, 1)), bm25_index(corpus, lambda found: shifted(found, 5)),
               bm25_index([[answering_passage("기공", ["온도"], ["누구 기공"]), second], rest]), bm25_index([[second, first], rest]),
               bm25_index(corpus, lambda found: replace(found, questions=bytes(len(found.questions)))),
               bm25_index([*corpus, [answering_passage("균열", [], ["누구"])]])]
    assert not any(stands(corpus, terms, keys, index.term_matrix(terms, keys)) for index in spoiled)
    assert not stands(corpus, terms, keys, bm25_index(corpus).term_matrix(terms, keys[::-1]))


def test_a_word_counts_once_in_the_weight_of_a_question() -> None:
    """However often it is said, and whatever pairs of syllables it leaves; a question without words weighs nothing."""
    corpus = [[answering_passage("기공", ["누구", "누구 누구 누구"], ["?"])]]
    found = bm25_index(corpus).term_matrix([], list(passages_by_id(corpus)))
    assert found.question_weights[found.is_question].tolist() == [pytest.approx(idf(2, 3))] * 2 + [0]


@given(st.lists(st.integers(0, 50), min_size=2), st.integers(0, 50))
def test_what_is_rarer_tells_more(counts: list[int], more: int) -> None:
    """The more of a number hold a word the less it tells, one number or many at once, and it always tells something."""
    size = max(counts) + more
    told = idf(np.array(sorted(counts)), size)
    assert np.all(np.diff(told) <= 0) and told[-1] > 0
    assert told.tolist() == [pytest.approx(idf(count, size)) for count in sorted(counts)]


@pytest.mark.parametrize("corpus", [[], [[]], [[passage("")]], [[], [answering_passage("", ["?"])]]])
def test_nothing_stands_in_nothing(corpus: list[list[Passage]]) -> None:
    """Without documents, words or passages that are asked for there are no places, or places that hold nothing."""
    keys = list(passages_by_id(corpus))
    for terms in ([], ["기공"]):
        assert stands(corpus, terms, keys, bm25_index(corpus).term_matrix(terms, keys))
        assert stands(corpus, terms, [], bm25_index(corpus).term_matrix(terms, []))
