"""How similar a question is to the expected questions of a passage, compared with a plain computation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_corpora import (
    CORPORA,
    VOCABULARY,
    Corpus,
    answering_passage,
    bm25_index,
    own_terms,
    passages_by_id,
    question_idf,
    text_units,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Passage, PassageId
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.retrieval.features import question_similarities, search_terms_of
from shotwise.knowledge.retrieval.query_terms import QueryTerm, all_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

TERMS = sorted({term for text in VOCABULARY for term in ANALYZER.question_terms(text)
                if not term.startswith(BIGRAM_PREFIX)} | {"없는말"})
EXPANSIONS = st.lists(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
QUERY_TERMS = st.lists(
    st.builds(lambda term, expansions: QueryTerm(term, (), False, expansions), st.sampled_from(TERMS), EXPANSIONS),
    min_size=1, max_size=4, unique_by=lambda query_term: query_term.term)


def test_a_few_questions_are_not_enough() -> None:
    """A passage with one or two expected questions is judged by its words, like one with none; with three it is not."""
    weighted_terms = [(query_term, 1.0) for query_term in all_terms("기공", ANALYZER)]
    for count in range(5):
        questions = {(0, 1): tuple(f"기공 {number}" for number in range(count))}
        index = Bm25Index({"0": ("v", build_postings([passage("기공")], ANALYZER, questions))})
        matrix = index.term_matrix([query_term.term for query_term, _ in weighted_terms], [PassageId("0", "v", 0)])
        similarities, = question_similarities(weighted_terms, matrix)
        assert bool(similarities) == (count >= WEIGHTS.min_expected_questions)


def contained_part(query_term: QueryTerm, terms: set[str]) -> float:
    """How much of a word a text contains: all of it, or the credit of an expansion that is complete."""
    if query_term.term in terms:
        return 1.0
    return WEIGHTS.expansion_credit * any(set(expansion) <= terms for expansion in query_term.expansions)


def similarity(query_terms: Sequence[QueryTerm], corpus: Corpus, expected_question: set[str], text: set[str]) -> float:
    """The harmonic mean of the share of the words that the expected question contains and of the share of its words.

    A word that only the passage's text contains counts less. Words weigh by how rare they are in the corpus' questions.
    """
    weigh = question_idf(corpus)
    recall = sum(weigh(query_term.term) * max(contained_part(query_term, expected_question),
                                              WEIGHTS.stated_credit * contained_part(query_term, text))
                 for query_term in query_terms) / sum(weigh(query_term.term) for query_term in query_terms)
    question_words = {term for term in expected_question if not term.startswith(BIGRAM_PREFIX)}
    shared = question_words & {query_term.term for query_term in query_terms}
    precision = sum(map(weigh, shared)) / sum(map(weigh, question_words or {""}))
    return 2 * recall * precision / (recall + precision) if recall and precision else 0.0


def expected(query_terms: Sequence[QueryTerm], corpus: Corpus, source: Passage) -> tuple[float, ...]:
    """The greatest similarity of the passage as a whole and of each line, 0 without questions; () if it has none."""
    best: list[float] = []
    for terms, is_question in text_units(source):
        if is_question:
            best[-1] = max(best[-1], similarity(query_terms, corpus, set(terms), own_terms(source)))
        else:
            best.append(0.0)
    return tuple(best) if any(is_question for _, is_question in text_units(source)) else ()


def computed(query_terms: Sequence[QueryTerm], corpus: Corpus, passage_ids: Sequence[PassageId],
             indexed_corpus: Corpus | None = None) -> list[tuple[float, ...]]:
    """The similarities of these passages; `indexed_corpus` is indexed instead of `corpus` where it is given."""
    index, weigh = bm25_index(corpus if indexed_corpus is None else indexed_corpus), question_idf(corpus)
    weighted_terms = [(query_term, weigh(query_term.term)) for query_term in query_terms]
    # One question is enough here: small corpora then show everything but the smallest number of questions.
    matrix = index.term_matrix(search_terms_of(weighted_terms), passage_ids)
    return question_similarities(weighted_terms, matrix, min_questions=1)


@settings(max_examples=150, deadline=None)
@given(CORPORA, QUERY_TERMS, st.data())
def test_similarities_are_those_of_plain_sets(corpus: list[list[Passage]], query_terms: list[QueryTerm],
                                              data: st.DataObject) -> None:
    """It holds for any words, and any passages of several documents in any order, with and without questions."""
    passages = passages_by_id(corpus)
    passage_ids = data.draw(st.lists(st.sampled_from(list(passages)), max_size=6)) if passages else []
    assert computed(query_terms, corpus, passage_ids) == [
        pytest.approx(expected(query_terms, corpus, passages[passage_id])) for passage_id in passage_ids]


ASKED = [QueryTerm("누구", (), False), QueryTerm("기공", (), False), QueryTerm("차", (), False, (("유동", "부족"),))]
CORPUS: Corpus = [[answering_passage("기공 온도", ["누구 온도"], ["누구 기공", "균열"]), passage("누구 기공")],
                  [answering_passage("유동", [], ["유동 부족 기공"]), answering_passage("균열", ["누구"], ["기공"])]]


def test_the_comparison_sees_what_is_off() -> None:
    """The check can fail.

    It sees passages in another order, a question left out, one more, one taken for the whole passage's, two taken for
    one, words taken from the text, and words without their expansions.
    """
    passage_ids = list(passages_by_id(CORPUS))
    wanted = [pytest.approx(expected(ASKED, CORPUS, source)) for source in passages_by_id(CORPUS).values()]
    assert computed(ASKED, CORPUS, passage_ids) == wanted
    (first, second), (third, last) = CORPUS
    for other in ([[answering_passage("기공 온도", ["누구 온도"], ["균열"]), second], [third, last]],
                  [[first, answering_passage("누구 기공", ["누구"])], [third, last]],
                  [[answering_passage("기공 온도", ["누구 온도", "누구 기공"], ["균열"]), second], [third, last]],
                  [[first, second], [third, answering_passage("균열", [], ["누구 기공"])]],
                  [[first, second], [third, answering_passage("균열 기공", ["누구"], ["기공"])]]):
        assert computed(ASKED, CORPUS, passage_ids, other) != wanted
    assert computed(ASKED, CORPUS, passage_ids[::-1]) != wanted
    assert computed([*ASKED[:2], QueryTerm("차", (), False)], CORPUS, passage_ids) != wanted


def similarities_to(source: Passage, question: str) -> tuple[float, ...]:
    """The similarities of a question to a passage that is the only one: as a whole, then by each line."""
    return computed(all_terms(question, ANALYZER), [[source]], [PassageId("0", "v", 0)])[0]


def similarity_to(source: Passage, question: str) -> float:
    """The greatest similarity of a question to any expected question of a passage."""
    return max(similarities_to(source, question))


def test_the_same_question_has_similarity_1() -> None:
    """Word order, particles and the text do not matter; a word more or less lowers it, no common word makes it 0."""
    source = answering_passage("온도", ["금형은 왜 막히나요?"])
    same = ("금형은 왜 막히나요?", "왜 금형이 막혀요")
    other = ("금형은 어디가 막히나요?", "금형이 왜 자꾸 막히나요?", "왜 막히나요?")
    assert [similarity_to(source, question) for question in same] == pytest.approx([1, 1])
    assert similarity_to(source, "누구") == 0
    assert all(0.3 < similarity_to(source, question) < 0.95 for question in other)


def test_a_word_that_only_the_text_has_counts_less() -> None:
    """It helps less than one in the expected question, and the text alone is similar to no question."""
    nowhere, in_text, in_question = (similarity_to(source, "누구 기공") for source in (
        answering_passage("온도", [], ["누구"]), answering_passage("기공", [], ["누구"]),
        answering_passage("온도", [], ["누구 기공"])))
    assert 0 < nowhere < in_text < in_question == pytest.approx(1)
    assert similarity_to(answering_passage("기공", [], ["누구"]), "기공") == 0
    assert similarities_to(passage("기공"), "기공") == ()


def test_the_most_similar_question_counts_where_it_is_answered() -> None:
    """The passage as a whole and each line are compared by themselves; other questions beside take nothing away."""
    source = answering_passage("온도", ["균열", "누구", "어느 온도"], ["누구", "누구 기공", "균열"])
    of_passage, of_line = similarities_to(source, "누구 기공")
    assert 0 < of_passage < 0.9 and of_line == pytest.approx(1)
    assert similarities_to(answering_passage("온도", [], ["누구 기공"]), "누구 기공") == pytest.approx((0, 1))


def test_words_of_two_expected_questions_do_not_add_up() -> None:
    """A question that asks both at once is not the same as either."""
    assert similarity_to(answering_passage("온도", [], ["누구", "기공"]), "누구 기공") < 0.9


@pytest.mark.parametrize("question", ["?", "", "🏭"])
def test_a_question_without_words_is_similar_to_none(question: str) -> None:
    """It holds for the question and for an expected one; the passage has expected questions all the same."""
    assert similarities_to(answering_passage("기공", ["기공"]), question) == (0, 0)
    assert similarities_to(answering_passage("기공", [question]), "기공") == (0, 0)
    assert similarities_to(passage("기공"), question) == ()


def test_no_passages_have_no_similarities() -> None:
    """Where the search returned nothing there is nothing to compare, with and without questions elsewhere."""
    assert computed(ASKED, CORPUS, []) == computed(ASKED, [[passage("기공")]], []) == computed(ASKED, [], []) == []
