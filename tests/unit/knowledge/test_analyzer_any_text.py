"""Text to search terms, for any text at all."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import ANALYZER

from shotwise.knowledge.text.analyzer import Analyzer, Morpheme
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries

# Pieces that the code treats specially, between any other characters.
PIECES = st.sampled_from(["용탕", "molten metal", "short shots", "이형제", "국자", "어떤", "0.05", "ADC12", "낮으면",
                          "\n", "\t", " ", "\x00", "\ud83d", "\u200b", "\u2028", "\x85", "\x1c", "#", "🏭", "鋁",
                          "기차", "연필", "=", ","])
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=5), max_size=12).map("".join)


def faults(terms: list[str]) -> list[str]:
    """Terms that are empty or contain white space, which separates terms in the postings."""
    return [term for term in terms if not term or term.split() != [term]]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_has_valid_terms(text: str) -> None:
    """Any text is split without an error, and no term is empty or contains white space."""
    assert faults(ANALYZER.terms(text)) == []


def test_the_check_sees_a_bad_term() -> None:
    """The check can fail: an empty term, one of two words and one with a line break are faults."""
    assert faults(["", "a b", "a\n", "용탕"]) == ["", "a b", "a\n"]


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_word_indices_ascend(text: str) -> None:
    """The indices of words never decrease, and none is beyond the last word."""
    indices = [morpheme.word for morpheme in ANALYZER.morphemes(text)]
    assert indices == sorted(indices) and (not indices or 0 <= indices[-1] < len(text.split()) + len(text))


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_the_same_text_has_the_same_terms(text: str) -> None:
    """A second call, and the cached set of terms, agree with the first."""
    assert ANALYZER.terms(text) == ANALYZER.terms(text)
    assert ANALYZER.term_set(text) == frozenset(ANALYZER.terms(text))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["용탕", "이형제", "급탕량", "미성형", "다이캐스팅"]), min_size=1, max_size=5),
       st.sampled_from([" ", "이 ", "의 ", "를, ", "\n"]))
def test_every_word_of_the_dictionary_is_found_again(words: list[str], between: str) -> None:
    """However many there are, and whatever stands between them, each is one term."""
    terms = ANALYZER.terms(between.join(words))
    assert [term for term in terms if term in words] == words


@pytest.mark.parametrize("text",
                         ["가나다라 마바사 ", "가", "a", "낮으면", "1.", "어떤", "용탕", "short shot ", "가a1 ",
                          "\x00"], ids=ascii)
def test_a_long_text_is_split_quickly(text: str) -> None:
    """100,000 characters take seconds: no step is worse than linear."""
    long_text = (text * 100_000)[:100_000]
    start = time.process_time()
    terms = ANALYZER.terms(long_text)
    assert time.process_time() - start < 5 and faults(terms) == []


def test_a_run_of_one_sign_is_split_quickly() -> None:
    """mecab-ko looks at the whole rest of a run at each of its signs; 10,000 of them are still quick."""
    start = time.process_time()
    assert ANALYZER.terms("!" * 10_000) == [] and time.process_time() - start < 2


def test_threads_do_not_disturb_each_other() -> None:
    """Eight threads that split different texts at once get what each would get alone."""
    texts = [f"비스킷 두께 {number}이 얇으면 short shot {number * 7}" for number in range(400)]
    alone = [ANALYZER.morphemes(text) for text in texts]
    analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))

    def split(text: str) -> list[Morpheme]:
        return analyzer.morphemes(text)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(split, texts)) == alone
