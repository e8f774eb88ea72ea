"""How much like a question the questions are that a passage answers, against the plain way to work it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    rarities,
    stated,
    text_units,
)
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Passage, PassageId
from shotwise.knowledge.retrieval import features
from shotwise.knowledge.retrieval.bm25 import Bm25Index
from shotwise.knowledge.retrieval.features import question_similarities, search_terms_of
from shotwise.knowledge.retrieval.query_terms import QueryTerm, all_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX

TERMS = sorted({term for text in VOCABULARY for term in ANALYZER.question_terms(text) if not term.startswith(BIGRAM_PREFIX)}
               | {"없는말"})
MEANINGS = st.lists(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
WORDS = st.lists(st.builds(lambda term, meanings: QueryTerm(term, (), False, meanings), st.sampled_from(TERMS), MEANINGS),
                 min_size=1, max_size=4, unique_by=lambda word: word.term)


@pytest.fixture(autouse=True)
def one_is_enough(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small corpora show the rest."""
    if "enough" not in request.node.name:
        monkeypatch.setattr(features, "WEIGHTS", replace(WEIGHTS, min_expected_questions=1))


def test_a_few_questions_are_not_enough() -> None:
    """A passage that came with one or two is judged by its words, as one that came with none; from three on it is
    not."""
    said = all_terms("기공", ANALYZER)
    for count in range(5):
        asked_for = {(0, 1): tuple(f"기공 {number}" for number in range(count))}
        index = Bm25Index({"0": ("v", build_postings([passage("기공")], ANALYZER, asked_for))})
        found, = question_similarities([(word, 1.0) for word in said], index.term_matrix([word.term for word in said],
                                                                          [PassageId("0", "v", 0)]))
        assert bool(found) == (count >= WEIGHTS.min_expected_questions)


def part(word: QueryTerm, held: set[str]) -> float:
    """How much of a word is held: all of it, or what a meaning counts, all of which stands there."""
    return 1.0 if word.term in held else WEIGHTS.expansion_credit * any(set(meaning) <= held for meaning in word.expansions)


def alike(words: Sequence[QueryTerm], corpus: Corpus, question: set[str], text: set[str]) -> float:
    """The harmonic mean of what the question holds of the words, where one that the text holds instead counts less,
    and of what the words are of the question; all words by how rare they are in the questions of the corpus."""
    weigh = rarities(corpus)
    ours = sum(weigh(word.term) * max(part(word, question), WEIGHTS.stated_credit * part(word, text)) for word in words) / sum(
        weigh(word.term) for word in words)
    asking = {term for term in question if not term.startswith(BIGRAM_PREFIX)}
    theirs = sum(weigh(term) for term in asking & {word.term for word in words}) / sum(map(weigh, asking or {""}))
    return 2 * ours * theirs / (ours + theirs) if ours and theirs else 0.0


def expected(words: Sequence[QueryTerm], corpus: Corpus, found: Passage) -> tuple[float, ...]:
    """How like the words the likest question of the whole and of each line is, 0 where there is none; nothing at all
    where the passage has none."""
    best: list[float] = []
    for terms, is_question in text_units(found):
        if is_question:
            best[-1] = max(best[-1], alike(words, corpus, set(terms), stated(found)))
        else:
            best.append(0.0)
    return tuple(best) if any(is_question for _, is_question in text_units(found)) else ()


def computed(words: Sequence[QueryTerm], corpus: Corpus, keys: Sequence[PassageId],
             made_of: Corpus | None = None) -> list[tuple[float, ...]]:
    """What is found for these passages of an index. made_of: another corpus that is indexed instead."""
    index, weigh = bm25_index(corpus if made_of is None else made_of), rarities(corpus)
    weights = [(word, weigh(word.term)) for word in words]
    return question_similarities(weights, index.term_matrix(search_terms_of(weights), keys))


@settings(max_examples=150, deadline=None)
@given(CORPORA, WORDS, st.data())
def test_likeness_is_that_of_plain_sets(corpus: list[list[Passage]], words: list[QueryTerm], data: st.DataObject) -> None:
    """For any words, and any passages of several documents in any order, with and without questions."""
    passages = passages_by_id(corpus)
    keys = data.draw(st.lists(st.sampled_from(list(passages)), max_size=6)) if passages else []
    assert computed(words, corpus, keys) == [pytest.approx(expected(words, corpus, passages[key])) for key in keys]


SAID = [QueryTerm("누구", (), False), QueryTerm("기공", (), False), QueryTerm("차", (), False, (("유동", "부족"),))]
CORPUS: Corpus = [[answering_passage("기공 온도", ["누구 온도"], ["누구 기공", "균열"]), passage("누구 기공")],
                  [answering_passage("유동", [], ["유동 부족 기공"]), answering_passage("균열", ["누구"], ["기공"])]]


def test_the_comparison_sees_what_is_off() -> None:
    """The check can fail: passages in another order, a question left out, one more, one taken for one of the
    whole, two taken for one, words of the text taken away, and words without what they mean are seen."""
    keys = list(passages_by_id(CORPUS))
    wanted = [pytest.approx(expected(SAID, CORPUS, found)) for found in passages_by_id(CORPUS).values()]
    assert computed(SAID, CORPUS, keys) == wanted
    (first, second), (third, last) = CORPUS
    for other in ([[answering_passage("기공 온도", ["누구 온도"], ["균열"]), second], [third, last]],
                  [[first, answering_passage("누구 기공", ["누구"])], [third, last]],
                  [[answering_passage("기공 온도", ["누구 온도", "누구 기공"], ["균열"]), second], [third, last]],
                  [[first, second], [third, answering_passage("균열", [], ["누구 기공"])]],
                  [[first, second], [third, answering_passage("균열 기공", ["누구"], ["기공"])]]):
        assert computed(SAID, CORPUS, keys, other) != wanted
    assert computed(SAID, CORPUS, keys[::-1]) != wanted
    assert computed([*SAID[:2], QueryTerm("차", (), False)], CORPUS, keys) != wanted


def likes(question: str, found: Passage) -> tuple[float, ...]:
    """How like a question those are that a passage answers, the only one there is: as a whole, and by each line."""
    return computed(all_terms(question, ANALYZER), [[found]], [PassageId("0", "v", 0)])[0]


def like(question: str, found: Passage) -> float:
    """How like a question the likest of those is that a passage answers."""
    return max(likes(question, found))


def test_the_same_question_is_wholly_alike() -> None:
    """In any order and with other particles, whatever the text says; with another word asked or left out it is less,
    and with nothing in common it is not at all."""
    found = answering_passage("온도", ["금형은 왜 막히나요?"])
    same = ("금형은 왜 막히나요?", "왜 금형이 막혀요")
    other = ("금형은 어디가 막히나요?", "금형이 왜 자꾸 막히나요?", "왜 막히나요?")
    assert [like(question, found) for question in same] == pytest.approx([1, 1]) and like("누구", found) == 0
    assert all(0.3 < like(question, found) < 0.95 for question in other)


def test_what_the_text_says_instead_counts_less() -> None:
    """A word that the question lacks and its passage holds helps, less than one in the question; the text alone is
    like no question."""
    silent, stating, asking = (like("누구 기공", found) for found in (
        answering_passage("온도", [], ["누구"]), answering_passage("기공", [], ["누구"]), answering_passage("온도", [], ["누구 기공"])))
    assert 0 < silent < stating < asking == pytest.approx(1)
    assert like("기공", answering_passage("기공", [], ["누구"])) == 0 and likes("기공", passage("기공")) == ()


def test_the_likest_question_counts_where_it_is_answered() -> None:
    """Of the whole and of each line by themselves; others beside it take nothing from it."""
    whole, by_line = likes("누구 기공", answering_passage("온도", ["균열", "누구", "어느 온도"], ["누구", "누구 기공", "균열"]))
    assert 0 < whole < 0.9 and by_line == pytest.approx(1)
    assert likes("누구 기공", answering_passage("온도", [], ["누구 기공"])) == pytest.approx((0, 1))


def test_words_of_two_questions_are_not_one() -> None:
    """What one question asks and what another one asks are not alike to a question that asks both."""
    assert like("누구 기공", answering_passage("온도", [], ["누구", "기공"])) < 0.9


@pytest.mark.parametrize("question", ["?", "", "🏭"])
def test_a_question_without_words_is_like_none(question: str) -> None:
    """Neither as what is asked nor as what a passage answers; that passage came with questions all the same."""
    assert likes(question, answering_passage("기공", ["기공"])) == likes("기공", answering_passage("기공", [question])) == (0, 0)
    assert likes(question, passage("기공")) == ()


def test_no_passages_are_like_nothing() -> None:
    """Where nothing was found there is nothing to compare, with and without questions elsewhere."""
    assert computed(SAID, CORPUS, []) == computed(SAID, [[passage("기공")]], []) == computed(SAID, [], []) == []
