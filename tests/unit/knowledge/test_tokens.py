"""Words → tokens."""

from __future__ import annotations

import pytest

from shotwise.knowledge.tokens import asked_for, content_words, tokens


def words(question: str) -> list[str]:
    """The tokens of each content word, joined, for reading."""
    return ["+".join(word.tokens) for word in content_words(question)]


def test_korean_is_cut_into_bigrams() -> None:
    """A Korean run becomes its overlapping pairs of syllables, a single syllable stays."""
    assert tokens("비스킷 두께 샷") == ["비스", "스킷", "두께", "샷"]


def test_particles_and_compounds_meet() -> None:
    """A word with a particle, without one and inside a compound share their tokens."""
    assert set(tokens("비스킷")) <= set(tokens("비스킷이")) & set(tokens("비스킷두께"))
    assert words("비스킷이") == words("비스킷 은") == words("비스킷") == ["비스+스킷"]


def test_latin_and_numbers_are_whole() -> None:
    """Latin words, identifiers and decimal numbers are tokens as they stand, whatever their case."""
    assert tokens("ADC12는 Velocity_1 0.25 m/s") == ["adc12", "는", "velocity", "1", "0.25", "m", "s"]


def test_english_plurals_meet_singulars() -> None:
    """Burning marks are found by burning mark; a word that only ends in s stays."""
    assert tokens("burning marks") == tokens("burning mark")
    assert tokens("glass gas") == ["glass", "gas"]


def test_compatibility_forms_meet_plain_ones() -> None:
    """㎜, ℃ and full-width letters are found by mm, °C and plain letters."""
    assert tokens("㎜ ℃ ＡＤＣ１２") == tokens("mm °C ADC12")


def test_zero_width_characters_cut_nothing() -> None:
    """Zero-width spaces and joiners, which PDFs are full of, leave a word whole."""
    assert tokens("비\u200b스\u200d킷\ufeff") == tokens("비스킷")


def test_decomposed_hangul_meets_composed() -> None:
    """Hangul from a Mac's file, letter by letter, is the same word."""
    assert tokens("\u1100\u1175\u1111\u1169") == tokens("기포")


def test_control_characters_only_separate() -> None:
    """Control characters get into no token."""
    assert tokens("기포\x00기공\x1b\n") == ["기포", "기공"]


def test_asking_words_are_not_wanted() -> None:
    """A passage need not hold the words that ask."""
    assert words("함몰은 왜 생기나요?") == words("함몰 이유를 알려 주세요") == ["함몰"]


def test_what_kind_is_asked_for_is_not_wanted() -> None:
    """The noun after 어떤 or 무슨 is what the answer names in other words; elsewhere it counts."""
    assert words("기포는 어떤 결함인가요?") == ["기포"]
    assert words("결함 기포") == ["결함", "기포"]


@pytest.mark.parametrize(("question", "headings"), [
    ("함몰이 왜 생겨요", "원인"), ("변형을 줄이는 방법", "대책"), ("what causes cracks", "원인")])
def test_question_words_ask_for_a_kind_of_section(question: str, headings: str) -> None:
    """Why asks for causes and how for remedies, as documents head them."""
    assert asked_for(question) == tokens(headings)


def test_verb_forms_count_by_their_beginning() -> None:
    """A verb meets its other endings, and is marked as a form that may be put otherwise."""
    (asked,) = content_words("올려야")
    assert asked.inflected and set(asked.tokens) <= set(tokens("올려서"))


def test_copulas_are_cut_off_nouns() -> None:
    """A noun in front of 인가요 counts as the noun it is, not as a verb form."""
    (asked,) = content_words("퍼센트인가요?")
    assert asked.tokens == ("퍼센", "센트") and not asked.inflected


def test_directions_and_trade_words_have_one_spelling() -> None:
    """낮음, 낮은 and 낮으면 meet, as do 불량 and 결함, 주탕 and 급탕."""
    assert tokens("낮음")[0] == tokens("낮은")[0] == tokens("낮으면")[0]
    assert tokens("불량") == tokens("결함") and tokens("주탕량") == tokens("급탕량")


def test_words_that_differ_stay_apart() -> None:
    """기공 and 기포, 높음 and 낮음 are told apart."""
    assert tokens("기공") != tokens("기포") and tokens("높음") != tokens("낮음")
