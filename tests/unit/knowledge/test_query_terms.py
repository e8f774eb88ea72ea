"""What is searched for a question, and what an answer to it should contain."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import ANALYZER

from shotwise.knowledge.retrieval.query_terms import all_terms, content_terms, heading_terms, search_terms
from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries


def content(question: str) -> list[str]:
    """The terms that an answer should contain."""
    return [query_term.term for query_term in content_terms(question, ANALYZER)]


@pytest.mark.parametrize("question",
                         ["함몰은 왜 생기나요?", "함몰 이유를 알려 주세요", "함몰의 원인은 무엇인가요?", "함몰이 뭐야",
                          "함몰 대책은?", "함몰이 나올 때 보통 어떻게 하나요?", "함몰이 있으면 어디를 먼저 봐야 돼?"])
def test_asking_words_are_not_content(question: str) -> None:
    """A passage need not contain the words that ask."""
    assert "함몰" in content(question) and set(content(question)) <= {"함몰", "보"}


@pytest.mark.parametrize("question", ["함몰이 나오면 어떻게 하나요?", "함몰은 왜요?", "함몰의 이유는 뭔가요?"])
def test_endings_that_look_like_nouns_are_not_content(question: str) -> None:
    """mecab-ko takes 하나요 for 하나, 왜요 and 가요 for nouns; they ask like the rest."""
    assert content(question) == ["함몰"]


def test_english_asking_words_are_not_content() -> None:
    """The rest of an English question becomes the Korean terms of the same meaning."""
    assert content("What is the cause of porosity, and how do I reduce it?") == ["기공", "reduce"]
    assert content("Why do short shots happen?") == ["미성형"]


@pytest.mark.parametrize("which", ["어떤", "무슨", "어느"])
def test_the_noun_after_which_is_not_content(which: str) -> None:
    """The answer to 어떤, 무슨 or 어느 결함 names the defect instead; elsewhere the noun counts."""
    assert content(f"기포는 {which} 결함인가요?") == ["기포"]
    assert content("결함 기포") == ["결함", "기포"]


def test_a_which_at_the_end_leaves_out_nothing() -> None:
    """It has no noun after it, and the words before it stay."""
    assert content("기포는 어떤") == ["기포"]


@pytest.mark.parametrize(("question", "headings"), [
    ("함몰이 왜 생겨요", ["원인"]), ("변형을 줄이는 방법", ["대책"]), ("what causes cracks", ["원인"]),
    ("how to avoid cracks", ["대책"]), ("소착이 나면 어떻게 하나요", ["대책"]),
    ("미성형의 원인과 대책", ["원인", "대책"]), ("ADC12의 조성", [])])
def test_question_words_lead_to_headings(question: str, headings: list[str]) -> None:
    """Why asks for causes and how for countermeasures, as documents title them."""
    assert heading_terms(question, ANALYZER) == [term for heading in headings for term in ANALYZER.terms(heading)]


def test_verbs_and_numbers_are_weak() -> None:
    """An answer may word a verb or a number differently, so neither has bigrams; a noun has its own."""
    query_terms = {query_term.term: query_term
                   for query_term in content_terms("비스킷 두께를 12 mm로 올려야", ANALYZER)}
    assert {term for term, query_term in query_terms.items() if query_term.weak} == {"12", "올리"}
    assert query_terms["비스킷"].bigrams == ("#비스", "#스킷")
    assert query_terms["올리"].bigrams == query_terms["12"].bigrams == ()


def test_copulas_are_cut_off_nouns() -> None:
    """A noun in front of 인가요 counts as the noun it is."""
    (query_term,) = content_terms("퍼센트인가요?", ANALYZER)
    assert (query_term.term, query_term.weak) == ("퍼센트", False)


def test_a_word_counts_once() -> None:
    """Repeating it in another form adds nothing."""
    assert content("기공, 기공의 기공이") == ["기공"]


def test_components_of_a_compound_are_not_content_beside_it() -> None:
    """A compound is content as a whole: its components would count it twice."""
    parts = {morpheme.form for morpheme in ANALYZER.morphemes("열처리") if morpheme.part}
    assert "열처리" in content("열처리 방법") and not parts & set(content("열처리 방법"))


WITH_THESAURUS = Analyzer(read_dictionary(
    shipped_dictionaries()[0], '[related]\n"덜 차" = ["미성형", "유동성 부족"]'))


def test_related_terms_are_searched_with_less_weight() -> None:
    """What the thesaurus relates to the question is searched for besides the question's own terms."""
    terms = search_terms("끝이 덜 차는 이유", WITH_THESAURUS)
    assert terms["미성형"] == terms["부족"] == WEIGHTS.related_term_weight < terms["차"] == terms["원인"] == 1
    assert not set(search_terms("끝이 차는 이유", WITH_THESAURUS)) & {"미성형", "부족"}


def test_a_word_has_the_expansions_of_the_thesaurus() -> None:
    """Each expansion is the morphemes of one thing that the word may stand for; a word in no entry has none."""
    expansions = {query_term.term: query_term.expansions
                  for query_term in content_terms("제품 끝이 덜 차요", WITH_THESAURUS)}
    assert ("미성형",) in expansions["차"] and expansions["제품"] == expansions["끝"] == ()


def test_every_word_of_the_question_is_searched() -> None:
    """Its own terms and those of its headings have the weight 1."""
    question = "함몰이 왜 생기나요?"
    terms = search_terms(question, ANALYZER)
    assert {term for term, weight in terms.items() if weight == 1} == {
        *ANALYZER.terms(question), *heading_terms(question, ANALYZER)}


@pytest.mark.parametrize("question", ["", " ", "?", "왜?", "어떻게 하나요?", "what is it", "🏭", "\x00"])
def test_asking_words_alone_have_no_content(question: str) -> None:
    """There is nothing then that an answer should contain."""
    assert content(question) == []


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters() | st.sampled_from("비스킷두께가얇으면어떤결함인가요 0.5abc")))
def test_content_terms_are_terms_of_any_question(question: str) -> None:
    """Whatever is asked, none is empty, and each is one of the question's terms."""
    terms = content(question)
    assert all(terms) and set(terms) <= ANALYZER.term_set(question)


def everything(question: str) -> list[str]:
    """All words of a question."""
    return [query_term.term for query_term in all_terms(question, ANALYZER)]


def test_asking_words_are_among_all_terms() -> None:
    """All that distinguishes questions is there, in its order: everything but endings, particles and punctuation."""
    assert everything("함몰이 왜 생기나요?") == ["함몰", "왜", "생기"]
    assert everything("누가 어느 금형을 닦나요?") == ["누구", "어느", "금형", "닦"]
    assert everything("What causes short shots?") == ["what", "원인", "미성형"]
    assert everything("기포는 어떤 결함인가요?") == ["기포", "어떤", "결함"]


def test_all_terms_have_a_word_once_and_a_compound_as_one() -> None:
    """Repeated words and the components of a compound are left out."""
    assert everything("기공, 기공의 기공이 왜 기공?") == ["기공", "왜"]
    parts = {morpheme.form for morpheme in ANALYZER.morphemes("열처리") if morpheme.part}
    assert parts and "열처리" in everything("열처리 방법") and not parts & set(everything("열처리 방법"))


def test_all_terms_are_of_one_kind() -> None:
    """None is weak or decisive or has bigrams, whatever it is among the content terms; expansions are kept."""
    query_terms = all_terms("제품 12의 끝이 왜 덜 차요? 가격은?", WITH_THESAURUS)
    assert not any(query_term.bigrams or query_term.weak or query_term.decisive for query_term in query_terms)
    expansions = {query_term.term: query_term.expansions for query_term in query_terms}
    assert ("미성형",) in expansions["차"] and expansions["제품"] == expansions["왜"] == ()
    assert "12" in expansions and "가격" in expansions


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters() | st.sampled_from("비스킷두께가얇으면어떤결함인가요누구 0.5abc")))
def test_all_terms_are_terms_that_expected_questions_are_indexed_by(question: str) -> None:
    """Whatever is asked, each is there once and is a term of the same question in a passage's postings."""
    terms = everything(question)
    assert len(set(terms)) == len(terms) and set(terms) <= set(ANALYZER.question_terms(question)) and "" not in terms


def test_a_decisive_word_is_marked() -> None:
    """가격 is one of the shipped decisive words, 온도 is none."""
    decisive = {query_term.term: query_term.decisive for query_term in content_terms("온도 센서 가격", ANALYZER)}
    assert decisive["가격"] and not decisive["온도"]
