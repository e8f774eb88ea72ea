"""How much of a question a passage covers, compared with plain sets of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any

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
    text_units,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.models import Passage, PassageId
from shotwise.knowledge.retrieval.features import CoverageFeatures, coverage_features, search_terms_of
from shotwise.knowledge.retrieval.query_terms import QueryTerm
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

WeightedTerms = list[tuple[QueryTerm, float]]
TERMS = sorted({term for text in VOCABULARY for term in ANALYZER.question_terms(text)} | {"없는말"})
EXPANSIONS = st.lists(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
BIGRAMS = st.lists(st.sampled_from([term for term in TERMS if term.startswith(BIGRAM_PREFIX)]), max_size=3).map(tuple)
QUERY_TERMS = st.builds(QueryTerm, st.sampled_from(TERMS), BIGRAMS, st.booleans(), EXPANSIONS, st.booleans())
WEIGHTED_TERMS = st.lists(st.tuples(QUERY_TERMS, st.sampled_from([0.25, 0.4, 1.0, 2.5, 9.0])), min_size=1, max_size=4)


def contained_part(query_term: QueryTerm, terms: set[str]) -> float:
    """How much of a word a text contains.

    1 where it has the word; else the share of its bigrams, or the credit of an expansion that is complete, whichever is
    more.
    """
    if query_term.term in terms:
        return 1.0
    by_bigrams = sum(bigram in terms for bigram in query_term.bigrams) / max(len(query_term.bigrams), 1)
    is_expanded = any(set(expansion) <= terms for expansion in query_term.expansions)
    return max(by_bigrams, WEIGHTS.expansion_credit if is_expanded else 0.0)


def coverage(weighted_terms: WeightedTerms, terms: set[str]) -> float:
    """The weighted share of the words that a text contains."""
    return sum(weight * contained_part(query_term, terms) for query_term, weight in weighted_terms) / sum(
        weight for _, weight in weighted_terms)


def terms_of_texts(source: Passage) -> tuple[list[set[str]], list[set[str]]]:
    """The terms of a passage's headings and of each line: of the text alone, and with the questions answered there."""
    alone: list[set[str]] = []
    with_questions: list[set[str]] = []
    for terms, is_question in text_units(source):
        if not is_question:
            alone.append(set(terms))
            with_questions.append(set())
        with_questions[-1] |= set(terms)
    return alone, with_questions


def expected(weighted_terms: WeightedTerms, source: Passage) -> CoverageFeatures:
    """The features as their docstring describes them."""
    alone, with_questions = terms_of_texts(source)
    everything = set().union(*with_questions)
    return CoverageFeatures(
        coverage(weighted_terms, everything), coverage(weighted_terms, alone[0]),
        coverage(weighted_terms, with_questions[0]),
        max((coverage(weighted_terms, line) for line in alone[1:]), default=0.0),
        max((coverage(weighted_terms, line) for line in with_questions[1:]), default=0.0),
        tuple((coverage(weighted_terms, line), coverage(weighted_terms, line | alone[0])) for line in alone[1:]),
        tuple(weight * (1 - contained_part(query_term, own_terms(source) if query_term.decisive else everything))
              for query_term, weight in weighted_terms))


def flat(value: Any) -> list[float]:
    """All numbers of features, the nested ones included."""
    return [number for part in value for number in flat(part)] if isinstance(value, tuple) else [value]


def nearly_equal(actual: Iterable[CoverageFeatures], wanted: Iterable[CoverageFeatures]) -> bool:
    """Whether they contain the same numbers, up to rounding."""
    return [pytest.approx(flat(astuple(features))) for features in actual] == [
        flat(astuple(features)) for features in wanted]


def computed(weighted_terms: WeightedTerms, corpus: Corpus, passage_ids: Sequence[PassageId]) -> list[CoverageFeatures]:
    """The features of these passages in an index of the corpus."""
    matrix = bm25_index(corpus).term_matrix(search_terms_of(weighted_terms), passage_ids)
    return list(coverage_features(weighted_terms, matrix))


def some_of(corpus: Corpus) -> st.SearchStrategy[list[PassageId]]:
    """Any of the passages, in any order."""
    return st.permutations(list(passages_by_id(corpus))).flatmap(
        lambda passage_ids: st.integers(0, len(passage_ids)).map(lambda count: passage_ids[:count]))


@settings(max_examples=150, deadline=None)
@given(CORPORA, WEIGHTED_TERMS, st.data())
def test_features_are_those_of_plain_sets(corpus: list[list[Passage]], weighted_terms: WeightedTerms,
                                          data: st.DataObject) -> None:
    """It holds for any words, and any passages of several documents in any order, with and without questions."""
    passage_ids, passages = data.draw(some_of(corpus)), passages_by_id(corpus)
    assert nearly_equal(computed(weighted_terms, corpus, passage_ids),
                        (expected(weighted_terms, passages[passage_id]) for passage_id in passage_ids))


WITH_BIGRAMS = QueryTerm("비스킷", ("#비스", "#스킷"), False)
WITH_EXPANSIONS = QueryTerm("차", (), True, (("미성형",), ("유동", "부족")))
DECISIVE = QueryTerm("가격", (), False, decisive=True)
ASKED: WeightedTerms = [(WITH_BIGRAMS, 2.0), (WITH_EXPANSIONS, 1.0), (DECISIVE, 9.0)]
CORPUS: Corpus = [[answering_passage("비스 온도", ["비스킷"], ["가격 누구"]),
                   passage("유동 부족", headings=("비스킷",))],
                  [answering_passage("스킷", [], ["유동이", "부족"]), passage("가격은 미성형")]]


def agrees(weighted_terms: WeightedTerms, corpus: Corpus, passage_ids: Sequence[PassageId]) -> bool:
    """Whether the features computed for these are the expected ones of `ASKED` in `CORPUS`."""
    return nearly_equal(computed(weighted_terms, corpus, passage_ids),
                        [expected(ASKED, source) for source in passages_by_id(CORPUS).values()])


def changed(index: int, **fields: Any) -> WeightedTerms:
    """The words of `ASKED`, one of them with other fields."""
    return [(replace(query_term, **fields), weight) if number == index else (query_term, weight)
            for number, (query_term, weight) in enumerate(ASKED)]


def test_the_comparison_sees_what_is_off() -> None:
    """The check can fail.

    It sees words without their bigrams, an expansion less, other weights, a word that is no longer decisive, questions
    that are left out or taken for text or for another line's, and passages in another order.
    """
    passage_ids = list(passages_by_id(CORPUS))
    assert agrees(ASKED, CORPUS, passage_ids) and not agrees(ASKED, CORPUS, passage_ids[::-1])
    for weighted_terms in (changed(0, bigrams=()), changed(1, expansions=(("미성형",),)),
                           [(query_term, 1.0) for query_term, _ in ASKED], changed(2, decisive=False)):
        assert not agrees(weighted_terms, CORPUS, passage_ids)
    (_, second), rest = CORPUS
    for other in (passage("비스 온도"), answering_passage("비스 온도", ["비스킷", "가격 누구"]),
                  answering_passage("비스 온도 가격 누구", ["비스킷"])):
        assert not agrees(ASKED, [[other, second], rest], passage_ids)


def features_of(query_term: QueryTerm, source: Passage) -> CoverageFeatures:
    """How a passage covers one word of weight 2."""
    (features,) = computed([(query_term, 2.0)], [[source]], [PassageId("0", "v", 0)])
    return features


def test_a_decisive_word_has_to_stand_in_the_text() -> None:
    """A question may mention it in passing: then it is covered, so that the passage is found, and missing all the same.

    Another word is not missing then, and a decisive one in a line or a heading isn't either.
    """
    answering = answering_passage("온도", ["가격은"], ["가격이"])
    assert features_of(DECISIVE, answering) == CoverageFeatures(1.0, 0.0, 1.0, 0.0, 1.0, ((0.0, 0.0),), (2.0,))
    assert features_of(replace(DECISIVE, decisive=False), answering).missing == (0.0,)
    for source in (passage("가격"), passage("", headings=("가격",))):
        assert features_of(DECISIVE, source).missing == (0.0,)


def test_an_expansion_of_a_decisive_word_has_to_stand_in_the_text() -> None:
    """It earns the usual credit in the text, and none in a question."""
    query_term = replace(DECISIVE, expansions=(("유동", "부족"),))
    assert features_of(query_term, passage("유동 부족")).missing == (pytest.approx(2 - 2 * WEIGHTS.expansion_credit),)
    assert features_of(query_term, answering_passage("유동", [], ["부족"])).missing == (2.0,)


def test_the_parts_of_an_expansion_have_to_stand_in_one_place() -> None:
    """A line needs both words of an expansion, its questions included; the passage may have them in two lines."""
    apart = features_of(WITH_EXPANSIONS, passage("유동", "부족"))
    assert (apart.passage, apart.best_line, apart.lines) == (WEIGHTS.expansion_credit, 0.0, ((0.0, 0.0), (0.0, 0.0)))
    assert features_of(WITH_EXPANSIONS, passage("온도", "유동 부족")).best_line == WEIGHTS.expansion_credit
    in_questions = features_of(WITH_EXPANSIONS, answering_passage("온도", [], ["유동이", "부족"]))
    assert in_questions.best_line_with_questions == WEIGHTS.expansion_credit


def test_a_line_is_helped_by_the_headings_and_not_by_questions() -> None:
    """Together with the headings a line covers their words, but no words of questions."""
    assert features_of(WITH_BIGRAMS, passage("온도", headings=("비스킷",))).lines == ((0.0, 1.0),)
    assert features_of(WITH_BIGRAMS, answering_passage("온도", ["비스킷"])).lines == ((0.0, 0.0),)
    features = features_of(WITH_BIGRAMS, answering_passage("온도", [], ["비스킷"]))
    assert (features.best_line_with_questions, features.best_line, features.lines) == (1.0, 0.0, ((0.0, 0.0),))


def test_a_passage_without_lines_has_its_headings() -> None:
    """It has no best line, and no line of another passage is taken for one."""
    query_term, headings_only = QueryTerm("기공", (), False), Passage("guide.pdf", "", 1, ("기공",), (), False)
    corpus = [[headings_only, passage("기공")], [headings_only]]
    features = computed([(query_term, 1.0)], corpus, list(passages_by_id(corpus)))
    assert features[0] == features[2] == CoverageFeatures(1.0, 1.0, 1.0, 0.0, 0.0, (), (0.0,))


def test_no_passages_have_no_features() -> None:
    """Where the search returned nothing there is nothing to compute."""
    assert computed(ASKED, CORPUS, []) == []


def test_the_search_terms_of_words_are_all_that_show_them() -> None:
    """They are the term itself, its bigrams and the parts of its expansions, of each word in turn."""
    assert WITH_EXPANSIONS.search_terms == ["차", "미성형", "유동", "부족"]
    assert search_terms_of(ASKED) == ["비스킷", "#비스", "#스킷", "차", "미성형", "유동", "부족", "가격"]
