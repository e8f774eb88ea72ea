"""The page's texts: each in both languages, with the same parameters, and for every code of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

import pytest

from frontend.messages import LANGUAGES, MESSAGES, Messages
from frontend.messages.codes import DEGRADED_STEPS, FIELD_REASONS
from frontend.messages.document_codes import DOCUMENT_FAILURES, DOCUMENT_NOTES
from shotwise import messages as api_messages

# What is no word of a language: names, measures, units, formats of files.
NEUTRAL = {"ROC", "AUC", "AWS", "PDF", "pdf", "MB", "KiB", "MiB", "ms", "API", "JSON", "UTF"}
QUESTIONS_FILE = {"questions", "jsonl", "page", "text"}  # a file that comes with a document, and its fields
TEXTS = {"messages": MESSAGES, "fields": FIELD_REASONS, "failures": DOCUMENT_FAILURES, "notes": DOCUMENT_NOTES,
         "steps": DEGRADED_STEPS}
Texts = Mapping[str, tuple[str, str]]
every_table = pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)


@every_table
def test_every_text_is_there_in_both_languages(texts: Texts) -> None:
    """No key lacks a language."""
    assert all(len(pair) == len(LANGUAGES) and all(text.strip() for text in pair) for pair in texts.values())


@every_table
def test_both_languages_take_the_same_parameters(texts: Texts) -> None:
    """What is put into a text in one language is put into it in the other."""
    for key, (korean, english) in texts.items():
        assert parameters(korean) == parameters(english), key


@every_table
def test_no_text_mixes_the_languages(texts: Texts) -> None:
    """Korean texts hold no Latin words, English texts no Hangul."""
    allowed = NEUTRAL | (QUESTIONS_FILE if texts is DOCUMENT_NOTES else set())
    for key, (korean, english) in texts.items():
        latin = set(re.findall("[A-Za-z]{2,}", re.sub(r"\{[\w:,]+\}", "", korean)))
        assert latin <= allowed, key
        assert not re.search("[가-힣]", english), key


@every_table
def test_no_particle_follows_a_parameter(texts: Texts) -> None:
    """Whether 을 or 를, 이 or 가, 은 or 는 is right depends on the last sound of what is put in."""
    for key, (korean, _) in texts.items():
        assert not re.search(r"\}(?:[을를은는이가과와]|으로)(?![가-힣])", korean), key


@pytest.mark.parametrize(("page_texts", "api_texts"), [
    (FIELD_REASONS, api_messages.FIELD_REASONS), (DOCUMENT_FAILURES, api_messages.DOCUMENT_FAILURES),
    (DOCUMENT_NOTES, api_messages.DOCUMENT_NOTES)], ids=["fields", "failures", "notes"])
def test_the_page_has_a_text_for_every_code_of_the_api(page_texts: Texts, api_texts: Mapping[str, str]) -> None:
    """The page and the API have the same codes, and every code has the same parameters in both."""
    assert {code: parameters(english) for code, (_, english) in page_texts.items()} \
        == {code: parameters(english) for code, english in api_texts.items()}


def test_a_language_gives_its_own_text() -> None:
    """Messages("en") gives English texts, and a key without a text leaves what is given instead."""
    assert Messages("ko")("advice.inspect") == "검사 필요"
    assert Messages("en")("advice.inspect") == "inspect"
    assert Messages("en").either("model.some-protocol", "some-protocol") == "some-protocol"


@pytest.mark.parametrize(("code", "params", "korean", "english"), [
    ("out_of_range", {"low": 0.0, "high": 0.374, "unit": "m/s"},
     "타당 범위(0 – 0.374 m/s)를 벗어났습니다. 센서와 단위를 확인하십시오.",
     "Outside what is plausible (0 – 0.374 m/s). Check sensor and unit."),
    ("out_of_range", {"low": -40, "high": 1.5e-05, "unit": ""},
     "타당 범위(-40 – 1.5e-05)를 벗어났습니다. 센서와 단위를 확인하십시오.",
     "Outside what is plausible (-40 – 1.5e-05). Check sensor and unit."),
    ("not_a_category", {"allowed": ["1", "2"]}, "다음 중 하나를 고르십시오: 1, 2", "Choose one of: 1, 2"),
    ("question_too_long", {"max": 2000}, "2,000자를 넘습니다. 더 짧게 쓰십시오.",
     "It is over 2,000 characters long. Make it shorter.")])
def test_a_code_becomes_a_text_with_its_parameters(code: str, params: dict[str, object], korean: str,
                                                   english: str) -> None:
    """A range has its unit once, a list its items, and a large number its separator."""
    assert Messages("ko").of_code(FIELD_REASONS, code, params) == korean
    assert Messages("en").of_code(FIELD_REASONS, code, params) == english


@pytest.mark.parametrize(("code", "params"), [
    ("of_next_year", {}), (None, None), (7, {}), ("missing", None), ("missing", []),
    ("out_of_range", {"low": 1}), ("question_too_long", {"max": "many"})])
def test_a_code_that_the_page_does_not_know_has_no_text(code: object, params: object) -> None:
    """Neither an unknown code nor a known one with other parameters raises: a newer API may send either."""
    assert Messages("ko").of_code(FIELD_REASONS, code, params) is None


def parameters(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}
