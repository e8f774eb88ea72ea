"""How much of what was asked a passage holds, against the plain way to work it out from sets of words."""

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
    passages_by_id,
    stated,
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
MEANINGS = st.lists(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
PAIRS = st.lists(st.sampled_from([term for term in TERMS if term.startswith(BIGRAM_PREFIX)]), max_size=3).map(tuple)
WORDS = st.builds(QueryTerm, st.sampled_from(TERMS), PAIRS, st.booleans(), MEANINGS, st.booleans())
WEIGHTED_TERMS = st.lists(st.tuples(WORDS, st.sampled_from([0.25, 0.4, 1.0, 2.5, 9.0])), min_size=1, max_size=4)


def part(word: QueryTerm, held: set[str]) -> float:
    """How much of a word is held: all of it where it stands there; else the part of its pairs that do, or what a
    meaning counts, all of which stands there, whichever is more."""
    if word.term in held:
        return 1.0
    pairs = sum(pair in held for pair in word.bigrams) / max(len(word.bigrams), 1)
    return max(pairs, WEIGHTS.expansion_credit if any(set(meaning) <= held for meaning in word.expansions) else 0.0)


def share(weights: WeightedTerms, held: set[str]) -> float:
    """The weighted part of the words that is held."""
    return sum(weight * part(word, held) for word, weight in weights) / sum(weight for _, weight in weights)


def slots(found: Passage) -> tuple[list[set[str]], list[set[str]]]:
    """The terms of a passage's headings and of each line: of the text alone, and with the questions answered there."""
    text: list[set[str]] = []
    with_questions: list[set[str]] = []
    for terms, is_question in text_units(found):
        if not is_question:
            text.append(set(terms))
            with_questions.append(set())
        with_questions[-1] |= set(terms)
    return text, with_questions


def expected(weights: WeightedTerms, found: Passage) -> CoverageFeatures:
    """What is held of the words, as the field docs say."""
    text, with_questions = slots(found)
    whole = set().union(*with_questions)
    return CoverageFeatures(
        share(weights, whole), share(weights, text[0]), share(weights, with_questions[0]),
        max((share(weights, line) for line in text[1:]), default=0.0),
        max((share(weights, line) for line in with_questions[1:]), default=0.0),
        tuple((share(weights, line), share(weights, line | text[0])) for line in text[1:]),
        tuple(weight * (1 - part(word, stated(found) if word.decisive else whole)) for word, weight in weights))


def flat(found: Any) -> list[float]:
    """All numbers of a coverage, the nested ones too."""
    return [number for each in found for number in flat(each)] if isinstance(found, tuple) else [found]


def same(found: Iterable[CoverageFeatures], wanted: Iterable[CoverageFeatures]) -> bool:
    """Whether they hold the same numbers, rounding aside."""
    return [pytest.approx(flat(astuple(each))) for each in found] == [flat(astuple(each)) for each in wanted]


def computed(weights: WeightedTerms, corpus: Corpus, keys: Sequence[PassageId]) -> list[CoverageFeatures]:
    """The coverage of these passages of an index of the corpus."""
    return list(coverage_features(weights, bm25_index(corpus).term_matrix(search_terms_of(weights), keys)))


def some_of(corpus: Corpus) -> st.SearchStrategy[list[PassageId]]:
    """Any of the passages, in any order."""
    return st.permutations(list(passages_by_id(corpus))).flatmap(
        lambda keys: st.integers(0, len(keys)).map(lambda count: keys[:count]))


@settings(max_examples=150, deadline=None)
@given(CORPORA, WEIGHTED_TERMS, st.data())
def test_coverages_are_those_of_plain_sets(corpus: list[list[Passage]], weights: WeightedTerms, data: st.DataObject) -> None:
    """For any words, and any passages of several documents in any order, with and without questions."""
    keys, passages = data.draw(some_of(corpus)), passages_by_id(corpus)
    assert same(computed(weights, corpus, keys), (expected(weights, passages[key]) for key in keys))


PARTED = QueryTerm("비스킷", ("#비스", "#스킷"), False)
MEANT_WORD = QueryTerm("차", (), True, (("미성형",), ("유동", "부족")))
DECISIVE = QueryTerm("가격", (), False, decisive=True)
SAID: WeightedTerms = [(PARTED, 2.0), (MEANT_WORD, 1.0), (DECISIVE, 9.0)]
CORPUS: Corpus = [[answering_passage("비스 온도", ["비스킷"], ["가격 누구"]), passage("유동 부족", headings=("비스킷",))],
                  [answering_passage("스킷", [], ["유동이", "부족"]), passage("가격은 미성형")]]


def agrees(weights: WeightedTerms, corpus: Corpus, keys: Sequence[PassageId]) -> bool:
    """Whether coverages computed so are those that `SAID` has in `CORPUS`."""
    return same(computed(weights, corpus, keys), [expected(SAID, each) for each in passages_by_id(CORPUS).values()])


def changed(at: int, **fields: Any) -> WeightedTerms:
    """The words, one of them otherwise."""
    return [(replace(word, **fields), weight) if number == at else (word, weight)
            for number, (word, weight) in enumerate(SAID)]


def test_the_comparison_sees_what_is_off() -> None:
    """The check can fail: words without their pairs, a meaning less, other weights, a word that decides no more,
    questions that are left out or taken for text or for another line's, and passages in another order are seen."""
    keys = list(passages_by_id(CORPUS))
    assert agrees(SAID, CORPUS, keys) and not agrees(SAID, CORPUS, keys[::-1])
    for weights in (changed(0, bigrams=()), changed(1, expansions=(("미성형",),)), [(word, 1.0) for word, _ in SAID],
                    changed(2, decisive=False)):
        assert not agrees(weights, CORPUS, keys)
    (_, second), rest = CORPUS
    for other in (passage("비스 온도"), answering_passage("비스 온도", ["비스킷", "가격 누구"]),
                  answering_passage("비스 온도 가격 누구", ["비스킷"])):
        assert not agrees(SAID, [[other, second], rest], keys)


def covered(word: QueryTerm, found: Passage) -> CoverageFeatures:
    """What a passage holds of one word of weight 2."""
    (coverage,) = computed([(word, 2.0)], [[found]], [PassageId("0", "v", 0)])
    return coverage


def test_a_decisive_word_has_to_stand_in_the_text() -> None:
    """A question may name it in passing: it is then held, so that the passage is found, and lacking all the same.
    Another word is lacking no more, and one in a line or a heading is there."""
    answering = answering_passage("온도", ["가격은"], ["가격이"])
    assert covered(DECISIVE, answering) == CoverageFeatures(1.0, 0.0, 1.0, 0.0, 1.0, ((0.0, 0.0),), (2.0,))
    assert covered(replace(DECISIVE, decisive=False), answering).missing == (0.0,)
    for stating in (passage("가격"), passage("", headings=("가격",))):
        assert covered(DECISIVE, stating).missing == (0.0,)


def test_a_meaning_of_a_decisive_word_has_to_stand_in_the_text() -> None:
    """What it may stand for is no more decisive than it is, but has to be said just so."""
    word = replace(DECISIVE, expansions=(("유동", "부족"),))
    assert covered(word, passage("유동 부족")).missing == (pytest.approx(2 - 2 * WEIGHTS.expansion_credit),)
    assert covered(word, answering_passage("유동", [], ["부족"])).missing == (2.0,)


def test_the_parts_of_a_meaning_have_to_stand_in_one_place() -> None:
    """A line holds a meaning of two words where it holds both, in its questions or without; the passage also where two
    lines do."""
    apart = covered(MEANT_WORD, passage("유동", "부족"))
    assert (apart.passage, apart.best_line, apart.lines) == (WEIGHTS.expansion_credit, 0.0, ((0.0, 0.0), (0.0, 0.0)))
    assert covered(MEANT_WORD, passage("온도", "유동 부족")).best_line == WEIGHTS.expansion_credit
    assert covered(MEANT_WORD, answering_passage("온도", [], ["유동이", "부족"])).best_line_with_questions == WEIGHTS.expansion_credit


def test_a_line_is_helped_by_the_headings_and_not_by_questions() -> None:
    """Together with its headings a line holds what those say; what is asked of the whole is no word of theirs, and what
    is asked of the line is none of its own."""
    assert covered(PARTED, passage("온도", headings=("비스킷",))).lines == ((0.0, 1.0),)
    assert covered(PARTED, answering_passage("온도", ["비스킷"])).lines == ((0.0, 0.0),)
    answering = covered(PARTED, answering_passage("온도", [], ["비스킷"]))
    assert (answering.best_line_with_questions, answering.best_line, answering.lines) == (1.0, 0.0, ((0.0, 0.0),))


def test_a_passage_without_lines_has_its_headings() -> None:
    """It has no best line, and nothing of another passage is taken for one."""
    word, headed = QueryTerm("기공", (), False), Passage("guide.pdf", "", 1, ("기공",), (), False)
    corpus = [[headed, passage("기공")], [headed]]
    found = computed([(word, 1.0)], corpus, list(passages_by_id(corpus)))
    assert found[0] == found[2] == CoverageFeatures(1.0, 1.0, 1.0, 0.0, 0.0, (), (0.0,))


def test_no_passages_have_no_coverage() -> None:
    """Where nothing was found there is nothing to weigh."""
    assert computed(SAID, CORPUS, []) == []


def test_the_terms_of_words_are_all_that_tell() -> None:
    """Itself, its pairs and the parts of its meanings, of each word in turn."""
    assert MEANT_WORD.search_terms == ["차", "미성형", "유동", "부족"]
    assert search_terms_of(SAID) == ["비스킷", "#비스", "#스킷", "차", "미성형", "유동", "부족", "가격"]
