"""Which terms occur where, and what the words of a question weigh, compared with a look at each place by itself."""

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
    question_idf,
    shifted,
    text_units,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.models import Passage, PassageId
from shotwise.knowledge.retrieval.bm25 import TermMatrix, idf
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX


def is_right(corpus: Corpus, terms: Sequence[str], passage_ids: Sequence[PassageId], matrix: TermMatrix) -> bool:
    """Whether a matrix says where the terms occur in the passages, which places are questions, and what those weigh."""
    passages = passages_by_id(corpus)
    units_of_passage = [text_units(passages[passage_id]) for passage_id in passage_ids]
    units = [unit for of_passage in units_of_passage for unit in of_passage]
    expected_rows = {term: [term in counts for counts, _ in units] for term in terms}
    weigh = question_idf(corpus)
    question_words = [[term for term in counts if not term.startswith(BIGRAM_PREFIX)]
                      for counts, is_question in units if is_question]
    expected_weights = pytest.approx([sum(map(weigh, words)) for words in question_words])
    return (matrix.present.shape == (len(expected_rows), len(units)) and matrix.rows.keys() == expected_rows.keys()
            and all(matrix.present[row].tolist() == expected_rows[term] for term, row in matrix.rows.items())
            and matrix.firsts.tolist() == [0, *accumulate(map(len, units_of_passage))]
            and matrix.is_question.tolist() == [is_question for _, is_question in units]
            and matrix.question_weights[matrix.is_question].tolist() == expected_weights)


@settings(max_examples=150, deadline=None)
@given(CORPORA, TEXTS, st.data())
def test_the_matrix_says_where_terms_occur(corpus: list[list[Passage]], text: str, data: st.DataObject) -> None:
    """It holds for any passages in any order, and any terms, repeated and unknown ones included."""
    all_ids, terms = list(passages_by_id(corpus)), [*ANALYZER.question_terms(text), "없는말"]
    passage_ids = data.draw(st.lists(st.sampled_from(all_ids), max_size=6)) if all_ids else []
    assert is_right(corpus, terms, passage_ids, bm25_index(corpus).term_matrix(terms, passage_ids))


def test_the_comparison_sees_a_corrupted_index() -> None:
    """The check can fail.

    It sees a question taken for text, two taken for one, places that are off by one, passages in another order, and a
    question more elsewhere, which makes words less rare.
    """
    corpus = [[answering_passage("기공", ["온도"], ["누구", "기공"]), passage("온도", headings=("기공",))],
              [passage("균열"), passage("기공")]]
    (first, second), rest = corpus
    passage_ids, terms = list(passages_by_id(corpus)), ["기공", "온도", "누구"]
    assert is_right(corpus, terms, passage_ids, bm25_index(corpus).term_matrix(terms, passage_ids))
    corrupted = [
        bm25_index(corpus, lambda postings: shifted(postings, 1)),
        bm25_index(corpus, lambda postings: shifted(postings, 5)),
        bm25_index([[answering_passage("기공", ["온도"], ["누구 기공"]), second], rest]),
        bm25_index([[second, first], rest]),
        bm25_index(corpus, lambda postings: replace(postings, questions=bytes(len(postings.questions)))),
        bm25_index([*corpus, [answering_passage("균열", [], ["누구"])]])]
    assert not any(is_right(corpus, terms, passage_ids, index.term_matrix(terms, passage_ids)) for index in corrupted)
    assert not is_right(corpus, terms, passage_ids, bm25_index(corpus).term_matrix(terms, passage_ids[::-1]))


def test_a_word_counts_once_in_the_weight_of_a_question() -> None:
    """Repeating a word and its syllable bigrams add nothing; a question without words weighs nothing."""
    corpus = [[answering_passage("기공", ["누구", "누구 누구 누구"], ["?"])]]
    matrix = bm25_index(corpus).term_matrix([], list(passages_by_id(corpus)))
    assert matrix.question_weights[matrix.is_question].tolist() == [pytest.approx(idf(2, 3))] * 2 + [0]


@given(st.lists(st.integers(0, 50), min_size=2), st.integers(0, 50))
def test_a_rarer_term_has_a_greater_idf(counts: list[int], without: int) -> None:
    """It falls with the number of texts that contain the term, stays positive, and takes arrays as well as numbers."""
    total = max(counts) + without
    weights = idf(np.array(sorted(counts)), total)
    assert np.all(np.diff(weights) <= 0) and weights[-1] > 0
    assert weights.tolist() == [pytest.approx(idf(count, total)) for count in sorted(counts)]


@pytest.mark.parametrize("corpus", [[], [[]], [[passage("")]], [[], [answering_passage("", ["?"])]]])
def test_empty_corpora_have_empty_matrices(corpus: list[list[Passage]]) -> None:
    """Without documents, words or passages asked for, there are no places or places without terms."""
    passage_ids = list(passages_by_id(corpus))
    for terms in ([], ["기공"]):
        assert is_right(corpus, terms, passage_ids, bm25_index(corpus).term_matrix(terms, passage_ids))
        assert is_right(corpus, terms, [], bm25_index(corpus).term_matrix(terms, []))
