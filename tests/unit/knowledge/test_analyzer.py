"""Text to search terms."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shotwise.knowledge.text.analyzer import BIGRAM_PREFIX, Analyzer, syllable_bigrams
from shotwise.knowledge.text.dictionary import normalise, read_dictionary, shipped_dictionaries


def morphemes(text: str, analyzer: Analyzer) -> list[str]:
    """The terms of a text that are not syllable bigrams."""
    return [term for term in analyzer.terms(text) if not term.startswith(BIGRAM_PREFIX)]


@pytest.mark.parametrize(("forms", "stem"), [
    (("낮음", "낮은", "낮으면", "낮아서", "낮았다"), "낮"), (("높음", "높은", "높으면", "높을"), "높"),
    (("얇으면", "얇은", "얇아"), "얇"), (("두꺼우면", "두꺼운", "두껍다"), "두껍"),
    (("올려야", "올려서", "올린다"), "올리")])
def test_inflected_forms_share_a_term(analyzer: Analyzer, forms: tuple[str, ...], stem: str) -> None:
    """A verb or an adjective is one term, whatever its ending."""
    assert [stem in morphemes(form, analyzer) for form in forms] == [True] * len(forms)


@pytest.mark.parametrize("form",
                         ["비스킷", "비스킷이", "비스킷은", "비스킷을", "비스킷의", "비스킷에서", "비스킷으로",
                          "비스킷까지"])
def test_particles_are_no_part_of_a_noun(analyzer: Analyzer, form: str) -> None:
    """With any particle a noun is the same single term."""
    assert morphemes(form, analyzer) == ["비스킷"]


def test_compounds_are_split_into_their_words(analyzer: Analyzer) -> None:
    """Two words written as one have the terms of both."""
    assert morphemes("비스킷두께", analyzer) == morphemes("비스킷 두께", analyzer) == ["비스킷", "두께"]


@pytest.mark.parametrize("word",
                         ["이형제", "용탕", "증압", "형체력", "급탕량", "탕경", "밀핀", "다이캐스팅", "타이바",
                          "감압응고"])
def test_words_of_the_trade_stay_whole(analyzer: Analyzer, word: str) -> None:
    """A word of the dictionary is one term, alone, with a particle, or as the second word of a line."""
    for text in (word, f"{word}를", f"그 {word}의 값"):
        assert morphemes(text, analyzer).count(word) == 1
    assert morphemes(word, analyzer) == [word]


@pytest.mark.parametrize(("texts", "korean"), [
    (("Short shots", "short shot", "SHORT SHOT", "쇼트샷", "쇼트 샷"), "미성형"),
    (("burning marks", "soldering", "buring mark"), "소착"), (("ladle", "ladles", "국자"), "래들"),
    (("impurity", "impurities"), "불순물"), (("blow holes", "porosity", "포로시티"), "기공"),
    (("불량", "defects"), "결함"),
    (("주탕",), "급탕"), (("쇳물", "molten metal"), "용탕"), (("die", "dies", "mold", "몰드"), "금형")])
def test_synonyms_have_the_same_terms(analyzer: Analyzer, texts: tuple[str, ...], korean: str) -> None:
    """Synonyms and English names, in plural too, have the terms of the Korean word."""
    for text in texts:
        assert analyzer.terms(text) == analyzer.terms(korean)


def test_english_directions_have_korean_terms(analyzer: Analyzer) -> None:
    """Too low, too high, thin and thick become the stems of the Korean words."""
    for english, korean in (("too low", "낮으면"), ("too high", "높으면"), ("thin", "얇으면"), ("thick", "두꺼우면")):
        assert set(morphemes(english, analyzer)) & set(morphemes(korean, analyzer))


def test_different_words_share_no_term(analyzer: Analyzer) -> None:
    """So it is with 기공 and 기포, high and low, product 1 and product 2."""
    for first, second in (("기공", "기포"), ("높음", "낮음"), ("제품 1", "2")):
        assert not set(morphemes(first, analyzer)) & set(morphemes(second, analyzer))


@pytest.mark.parametrize("text", ["외국자본", "중국자동차"])
def test_a_short_synonym_inside_another_word_is_not_replaced(analyzer: Analyzer, text: str) -> None:
    """국자 is a ladle, but the 국자 in 외국자본 is not."""
    assert "래들" not in analyzer.terms(text)


def test_latin_names_inside_other_words_are_not_replaced(analyzer: Analyzer) -> None:
    """Air becomes 공기, but not in repair or airbag; die becomes 금형, but not in diet."""
    assert morphemes("repair airbag diet", analyzer) == ["repair", "airbag", "diet"]


def test_identifiers_and_numbers_are_whole(analyzer: Analyzer) -> None:
    """Latin words, identifiers and decimal numbers are terms as they are, in lower case."""
    assert morphemes("ADC12는 Velocity_1 0.05 m/s", analyzer) == ["adc12", "velocity", "1", "0.05", "m", "s"]
    assert morphemes("P99를 0.05까지", analyzer)[:2] == ["p99", "0.05"]


def test_english_plurals_have_the_term_of_the_singular(analyzer: Analyzer) -> None:
    """Marks is found by mark; a word that only ends in s stays as it is."""
    assert analyzer.terms("marks") == analyzer.terms("mark")
    assert morphemes("glass gas", analyzer) == ["glass", "gas"]


def test_syllable_bigrams_are_terms(analyzer: Analyzer) -> None:
    """Each Korean run gives its overlapping pairs of syllables, a single syllable itself, Latin text none."""
    assert syllable_bigrams("비스킷 샷 abc") == ["#비스", "#스킷", "#샷"]
    assert set(syllable_bigrams("용탕")) <= set(analyzer.terms("쇳물"))
    assert [term for term in analyzer.terms("비스킷") if term.startswith(BIGRAM_PREFIX)] == syllable_bigrams("비스킷")


def test_compatibility_forms_equal_plain_ones(analyzer: Analyzer) -> None:
    """㎜, ℃, full-width letters and wide spaces have the terms of mm, °C, plain letters and spaces."""
    assert analyzer.terms("㎜ ℃\u3000ＡＤＣ１２") == analyzer.terms("mm °C ADC12")


def test_zero_width_characters_are_ignored(analyzer: Analyzer) -> None:
    """Zero-width spaces and joiners, which PDFs are full of, do not split a word."""
    assert analyzer.terms("비\u200b스\u200d킷\ufeff") == analyzer.terms("비스킷")


def test_decomposed_hangul_equals_composed(analyzer: Analyzer) -> None:
    """Hangul written letter by letter, as in files from a Mac, is the same word."""
    assert analyzer.terms("\u1100\u1175\u1111\u1169") == analyzer.terms("기포")


def test_control_characters_only_separate(analyzer: Analyzer) -> None:
    """Control characters, NUL and lone surrogates are in no term, and the text after them is read."""
    for between in ("\x00", "\x1b", "\n", "\ud800", "\x7f"):
        assert analyzer.terms(f"기포{between}기공") == analyzer.terms("기포 기공")
    assert normalise("A\x00B") == "a b"


def test_morphemes_have_the_index_of_their_word(analyzer: Analyzer) -> None:
    """It is that of the written word, whether or not a stand-in took its place."""
    content = analyzer.morphemes("용탕의 온도가 molten metal 0.05까지 낮으면")
    assert [(morpheme.form, morpheme.word) for morpheme in content if morpheme.tag in ("NNG", "VA", "LATIN")] == [
        ("용탕", 0), ("온도", 1), ("용탕", 2), ("0.05", 3), ("낮", 4)]


def test_question_terms_include_what_asks(analyzer: Analyzer) -> None:
    """A question's terms are those of a text and the words that ask, with compounds as one; bigrams are the same."""
    text = "누가 어느 금형을 왜 닦아 보나요?"
    text_terms, question_terms = analyzer.terms(text), analyzer.question_terms(text)
    assert set(question_terms) - set(text_terms) == {"누구", "어느", "보"} and set(text_terms) < set(question_terms)
    assert [term for term in question_terms if term.startswith(BIGRAM_PREFIX)] == syllable_bigrams(normalise(text))
    assert {"처리", "열"} <= set(analyzer.terms("열처리 방법"))
    assert not {"처리", "열"} & set(analyzer.question_terms("열처리 방법"))


def test_the_cached_set_is_that_of_the_terms(analyzer: Analyzer) -> None:
    """It has the terms that splitting the text gives."""
    assert analyzer.term_set("비스킷이 얇으면") == frozenset(analyzer.terms("비스킷이 얇으면"))


def test_a_plants_dictionary_is_merged(analyzer: Analyzer) -> None:
    """A plant's words stay whole, its synonyms count, and its spelling wins over a shipped one; the rest stays."""
    own = Analyzer(read_dictionary(
        *shipped_dictionaries(),
        'words = ["진공밸브조립체"]\nsame = [["탕면조절기", "레벨러", "leveler"], ["주걱", "국자"]]'))
    assert morphemes("진공밸브조립체가", own) == ["진공밸브조립체"] != morphemes("진공밸브조립체가", analyzer)
    assert morphemes("levelers", own) == morphemes("레벨러", own) == morphemes("탕면조절기", own) == ["탕면조절기"]
    assert own.terms("국자") == own.terms("주걱")
    assert own.terms("쇼트샷") == own.terms("미성형")


@pytest.mark.parametrize("text", [
    "words = [", 'words = "용탕"', "words = [1]", 'words = [""]', 'words = ["  "]', 'same = ["용탕"]', "same = [[1]]",
    'same = "x"', "same = [[]]", '[[same]]\na = "b"', "words = 5"])
def test_a_dictionary_of_another_shape_is_a_value_error(text: str) -> None:
    """A value that is not a list of words is refused when it is read."""
    with pytest.raises(ValueError):
        read_dictionary(*shipped_dictionaries(), text)


@pytest.mark.parametrize("text", ['words = ["\u200b"]', 'same = [["용탕", "\u200b"]]', 'words = ["\\u0000"]'])
def test_an_invisible_word_is_a_value_error(text: str) -> None:
    """A word of zero-width or control characters alone would match everywhere."""
    with pytest.raises(ValueError):
        Analyzer(read_dictionary(text))


def test_a_dictionary_may_be_empty() -> None:
    """Text is split without any word of the trade."""
    for text in ("", "words = []\nsame = []"):
        assert "기공" in Analyzer(read_dictionary(text)).terms("기공이 ADC12")


@pytest.mark.parametrize("text", ["related = []", 'related = ["a"]', '[related]\na = "b"', "[related]\na = [1]",
                                  '[related]\na = [""]', '[related.a]\nb = ["c"]', '[related]\n"" = ["기공"]',
                                  '[related]\n"\u200b" = ["기공"]'])
def test_a_thesaurus_of_another_shape_is_a_value_error(text: str) -> None:
    """A value that is not a table of lists of words is refused."""
    with pytest.raises(ValueError):
        Analyzer(read_dictionary(text))


def test_related_words_change_no_document() -> None:
    """They only affect questions: terms and digest stay, so that nothing has to be read again."""
    plain, with_thesaurus = (Analyzer(read_dictionary(text)) for text in ("", '[related]\n"덜 차" = ["미성형"]'))
    assert plain.digest == with_thesaurus.digest
    assert plain.terms("끝이 덜 차요") == with_thesaurus.terms("끝이 덜 차요")


def test_the_digest_follows_the_content() -> None:
    """It changes with a word, a synonym or its direction, but not with the order or a repeated word."""
    def digest(text: str) -> str:
        return Analyzer(read_dictionary(text)).digest

    texts = ['words = ["가나"]', 'words = ["가다"]', 'same = [["가나", "가다"]]', 'same = [["가다", "가나"]]', ""]
    assert len({digest(text) for text in texts}) == len(texts)
    assert digest('words = ["가나", "가다"]') == digest('words = ["가다", "가나", "가다"]')


def test_decisive_words_change_no_document() -> None:
    """The shipped ones come from a file of their own, and are not part of the digest."""
    plain, with_decisive = (read_dictionary(text) for text in ("", 'decisive = ["임대료"]'))
    assert plain.digest == with_decisive.digest and with_decisive.decisive == {"임대료"}
    words, _, decisive = map(read_dictionary, shipped_dictionaries())
    assert not words.decisive and {"가격", "보증", "warranty"} <= decisive.decisive and not decisive.words


def test_terms_are_the_same_in_every_process(analyzer: Analyzer) -> None:
    """What one process indexed another one finds: Python's random hashes do not affect the terms."""
    text = "비스킷 두께가 얇으면 short shots, ADC12 0.05"
    code = ("from shotwise.knowledge.text.dictionary import *\nfrom shotwise.knowledge.text.analyzer import *\n"
            f"analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))\n"
            f"print(analyzer.digest, analyzer.terms({text!r}))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8",
                          env={"PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "PYTHONPATH": ":".join(sys.path)})
    assert done.stdout.strip() == f"{analyzer.digest} {analyzer.terms(text)}"
