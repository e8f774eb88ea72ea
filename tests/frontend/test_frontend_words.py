"""The table of words."""

from __future__ import annotations

import re
from string import Formatter

from frontend.messages import LANGUAGES, WORDS, Words

# What is no word of a language: names, measures, units.
NEUTRAL = {"ROC", "AUC", "AWS", "PDF", "MB", "ms"}


def test_every_text_stands_in_both_languages() -> None:
    """No key lacks a language."""
    assert all(len(texts) == len(LANGUAGES) and all(text.strip() for text in texts) for texts in WORDS.values())


def test_both_languages_take_the_same_values() -> None:
    """What is put into a text in one language is put into it in the other."""
    for key, (korean, english) in WORDS.items():
        assert _places(korean) == _places(english), key


def test_no_text_mixes_the_languages() -> None:
    """Korean texts hold no Latin words, English texts no Hangul."""
    for key, (korean, english) in WORDS.items():
        latin = set(re.findall("[A-Za-z]{2,}", re.sub(r"\{\w+\}", "", korean)))
        assert latin <= NEUTRAL, key
        assert not re.search("[가-힣]", english), key


def test_a_language_gives_its_own_text() -> None:
    """Words("en") speaks English, and an identifier without words stays as it is."""
    assert Words("ko")("advice.inspect") == "검사 필요"
    assert Words("en")("advice.inspect") == "inspect"
    assert Words("en").either("model.some-protocol", "some-protocol") == "some-protocol"


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
