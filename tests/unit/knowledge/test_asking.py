"""What a question wants."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import ANALYZER

from shotwise.knowledge.retrieval.query_terms import all_terms, content_terms, heading_terms, search_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries


def wanted(question: str) -> list[str]:
    """The terms that an answer should hold."""
    return [word.term for word in content_terms(question, ANALYZER)]


@pytest.mark.parametrize("question",
                         ["함몰은 왜 생기나요?", "함몰 이유를 알려 주세요", "함몰의 원인은 무엇인가요?", "함몰이 뭐야",
                          "함몰 대책은?",
                                      "함몰이 나올 때 보통 어떻게 하나요?", "함몰이 있으면 어디를 먼저 봐야 돼?"])
def test_asking_words_are_not_wanted(question: str) -> None:
    """A passage need not hold the words that ask."""
    assert "함몰" in wanted(question) and set(wanted(question)) <= {"함몰", "보"}


@pytest.mark.parametrize("question", ["함몰이 나오면 어떻게 하나요?", "함몰은 왜요?", "함몰의 이유는 뭔가요?"])
def test_endings_that_look_like_nouns_are_not_wanted(question: str) -> None:
    """The analyser takes 하나요 for 하나, 왜요 and 가요 for nouns: they ask like the rest."""
    assert wanted(question) == ["함몰"]


def test_english_asking_words_are_not_wanted() -> None:
    """Nor those that ask in English; the names meet the Korean ones."""
    assert wanted("What is the cause of porosity, and how do I reduce it?") == ["기공", "reduce"]
    assert wanted("Why do short shots happen?") == ["미성형"]


@pytest.mark.parametrize("which", ["어떤", "무슨", "어느"])
def test_what_kind_is_asked_for_is_not_wanted(which: str) -> None:
    """The noun after 어떤, 무슨 and 어느 is what the answer names in other words; elsewhere it counts."""
    assert wanted(f"기포는 {which} 결함인가요?") == ["기포"]
    assert wanted("결함 기포") == ["결함", "기포"]


def test_a_which_at_the_end_asks_for_nothing() -> None:
    """It has no noun to leave out, and the words before it stay."""
    assert wanted("기포는 어떤") == ["기포"]


@pytest.mark.parametrize(("question", "headings"), [
    ("함몰이 왜 생겨요", ["원인"]), ("변형을 줄이는 방법", ["대책"]), ("what causes cracks", ["원인"]),
    ("how to avoid cracks", ["대책"]),
    ("소착이 나면 어떻게 하나요", ["대책"]), ("미성형의 원인과 대책", ["원인", "대책"]), ("ADC12의 조성", [])])
def test_question_words_ask_for_a_kind_of_section(question: str, headings: list[str]) -> None:
    """Why asks for causes and how for remedies, as documents head them."""
    assert heading_terms(question, ANALYZER) == [term for heading in headings for term in ANALYZER.terms(heading)]


def test_verbs_and_numbers_are_weak() -> None:
    """An answer may put a verb or a number otherwise, so neither has pairs; a noun has those of its syllables."""
    words = {word.term: word for word in content_terms("비스킷 두께를 12 mm로 올려야", ANALYZER)}
    assert {term for term, word in words.items() if word.weak} == {"12", "올리"}
    assert words["비스킷"].bigrams == ("#비스", "#스킷") and words["올리"].bigrams == words["12"].bigrams == ()


def test_copulas_are_cut_off_nouns() -> None:
    """A noun in front of 인가요 counts as the noun it is."""
    (asked,) = content_terms("퍼센트인가요?", ANALYZER)
    assert (asked.term, asked.weak) == ("퍼센트", False)


def test_a_word_counts_once() -> None:
    """However often it stands in the question, in whatever form."""
    assert wanted("기공, 기공의 기공이") == ["기공"]


def test_halves_of_a_compound_are_not_wanted_beside_it() -> None:
    """A compound is wanted whole: its parts would count it twice."""
    parts = {found.form for found in ANALYZER.morphemes("열처리") if found.part}
    assert "열처리" in wanted("열처리 방법") and not parts & set(wanted("열처리 방법"))


WIDE = Analyzer(read_dictionary(shipped_dictionaries()[0], '[related]\n"덜 차" = ["미성형", "유동성 부족"]'))


def test_what_people_say_is_searched_in_other_words_too() -> None:
    """What the thesaurus relates is searched for besides, with less weight than what was said."""
    terms = search_terms("끝이 덜 차는 이유", WIDE)
    assert terms["미성형"] == terms["부족"] == WEIGHTS.related_term_weight < terms["차"] == terms["원인"] == 1
    assert not set(search_terms("끝이 차는 이유", WIDE)) & {"미성형", "부족"}


def test_a_word_knows_what_it_may_mean() -> None:
    """Its meanings are the terms of each thing that it may stand for; a word of its own has none."""
    meanings = {word.term: word.expansions for word in content_terms("제품 끝이 덜 차요", WIDE)}
    assert ("미성형",) in meanings["차"] and meanings["제품"] == meanings["끝"] == ()


def test_every_word_of_the_question_is_searched() -> None:
    """Its own terms and those of the headings that answer it count in full."""
    question = "함몰이 왜 생기나요?"
    terms = search_terms(question, ANALYZER)
    assert {term for term, weight in terms.items() if weight == 1} == {
        *ANALYZER.terms(question), *heading_terms(question, ANALYZER)}


@pytest.mark.parametrize("question", ["", " ", "?", "왜?", "어떻게 하나요?", "what is it", "🏭", "\x00"])
def test_a_question_without_content_wants_nothing(question: str) -> None:
    """Where only asking words stand, there is nothing that an answer should hold."""
    assert wanted(question) == []


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters() | st.sampled_from("비스킷두께가얇으면어떤결함인가요 0.5abc")))
def test_any_question_is_understood_somehow(question: str) -> None:
    """Whatever is asked, no word is empty, asking words aside, and each is one of the question's terms."""
    words = content_terms(question, ANALYZER)
    assert all(word.term for word in words)
    assert {word.term for word in words} <= ANALYZER.term_set(question)


def spoken(question: str) -> list[str]:
    """All words of a question."""
    return [word.term for word in all_terms(question, ANALYZER)]


def test_asking_words_are_spoken() -> None:
    """What tells one question from another is there, in the order in which it was said: verbs, question words and
    whatever else is no ending, no particle and no punctuation."""
    assert spoken("함몰이 왜 생기나요?") == ["함몰", "왜", "생기"]
    assert spoken("누가 어느 금형을 닦나요?") == ["누구", "어느", "금형", "닦"]
    assert spoken("What causes short shots?") == ["what", "원인", "미성형"]
    assert spoken("기포는 어떤 결함인가요?") == ["기포", "어떤", "결함"]


def test_a_spoken_word_counts_once_and_whole() -> None:
    """Repeated ones and the halves of a compound are left out."""
    assert spoken("기공, 기공의 기공이 왜 기공?") == ["기공", "왜"]
    parts = {found.form for found in ANALYZER.morphemes("열처리") if found.part}
    assert parts and "열처리" in spoken("열처리 방법") and not parts & set(spoken("열처리 방법"))


def test_spoken_words_are_all_alike() -> None:
    """None is weak, decides or has pairs of syllables, whatever it is where an answer is looked for; a word knows what
    it may mean."""
    words = all_terms("제품 12의 끝이 왜 덜 차요? 가격은?", WIDE)
    assert not any(word.bigrams or word.weak or word.decisive for word in words)
    meanings = {word.term: word.expansions for word in words}
    assert ("미성형",) in meanings["차"] and meanings["제품"] == meanings["왜"] == ()
    assert "12" in meanings and "가격" in meanings


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters() | st.sampled_from("비스킷두께가얇으면어떤결함인가요누구 0.5abc")))
def test_spoken_words_are_terms_of_the_question(question: str) -> None:
    """Whatever is asked, each is once one of the terms that the same question leaves among those of a passage."""
    words = spoken(question)
    assert len(set(words)) == len(words) and set(words) <= set(ANALYZER.question_terms(question)) and "" not in words
