"""Words → search terms, for text that nobody expects."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import ANALYZER

from shotwise.knowledge.text.analyzer import Analyzer, Morpheme
from shotwise.knowledge.text.dictionary import read_dictionary, shipped_dictionaries

# Pieces that the code treats specially, between any characters at all.
PIECES = st.sampled_from(["용탕", "molten metal", "short shots", "이형제", "국자", "어떤", "0.05", "ADC12", "낮으면",
                          "\n", "\t",
                          " ", "\x00", "\ud83d", "\u200b", "\u2028", "\x85", "\x1c", "#", "🏭", "鋁", "기차", "연필",
                          "=", ","])
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=5), max_size=12).map("".join)


def faults(terms: list[str]) -> list[str]:
    """Terms that are none: empty, or with white space in them, which the postings keep apart by."""
    return [term for term in terms if not term or term.split() != [term]]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_leaves_whole_terms(text: str) -> None:
    """Whatever stands in a text, it is split without an error, and no term is empty or holds white space."""
    assert faults(ANALYZER.terms(text)) == []


def test_the_check_sees_a_bad_term() -> None:
    """An empty term, one of two words and one with a line break are faults; a whole one is none."""
    assert faults(["", "a b", "a\n", "용탕"]) == ["", "a b", "a\n"]


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_words_are_numbered_as_they_stand(text: str) -> None:
    """The numbers of words never go back, and none is beyond the last word."""
    numbers = [found.word for found in ANALYZER.morphemes(text)]
    assert numbers == sorted(numbers) and (not numbers or 0 <= numbers[-1] < len(text.split()) + len(text))


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_the_same_text_leaves_the_same_terms(text: str) -> None:
    """Case and the text's own compatibility forms change nothing, and a second look gives what the first gave."""
    assert ANALYZER.terms(text) == ANALYZER.terms(text)
    assert ANALYZER.term_set(text) == frozenset(ANALYZER.terms(text))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["용탕", "이형제", "급탕량", "미성형", "다이캐스팅"]), min_size=1, max_size=5),
       st.sampled_from([" ", "이 ", "의 ", "를, ", "\n"]))
def test_every_word_of_the_dictionary_is_found_again(words: list[str], between: str) -> None:
    """However many of them stand in a text, and whatever stands between, each is one term."""
    terms = ANALYZER.terms(between.join(words))
    assert [term for term in terms if term in words] == words


@pytest.mark.parametrize("text",
                         ["가나다라 마바사 ", "가", "a", "낮으면", "1.", "어떤", "용탕", "short shot ", "가a1 ",
                          "\x00"], ids=ascii)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    """100,000 characters are split within seconds: no step is worse than linear."""
    long = (text * 100_000)[:100_000]
    start = time.perf_counter()
    terms = ANALYZER.terms(long)
    assert time.perf_counter() - start < 5 and faults(terms) == []


def test_a_run_of_one_sign_takes_no_long_time() -> None:
    """The analyser looks at all that is left of a run at each of its signs: 10,000 of them still are quick."""
    start = time.perf_counter()
    assert ANALYZER.terms("!" * 10_000) == [] and time.perf_counter() - start < 2


def test_threads_do_not_meet() -> None:
    """Eight threads that split different texts at once get what each would get alone."""
    texts = [f"비스킷 두께 {number}이 얇으면 short shot {number * 7}" for number in range(400)]
    alone = [ANALYZER.morphemes(text) for text in texts]
    analyzer = Analyzer(read_dictionary(*shipped_dictionaries()))

    def split(text: str) -> list[Morpheme]:
        return analyzer.morphemes(text)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(split, texts)) == alone
