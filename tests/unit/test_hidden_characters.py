"""Nothing that a terminal would obey, or that a reader cannot see, is left in a visible text."""

from __future__ import annotations

import json
import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shotwise.hidden_characters import hidden_characters, visible


@pytest.mark.parametrize(("text", "shown"), [
    ("\x1b]0;title\x07.pdf", r"\u001b]0;title\u0007.pdf"), ("\x9b31mred", r"\u009b31mred"),
    ("a\u202efdp", r"a\u202efdp"), ("\u2066a\u2069", r"\u2066a\u2069"), ("zero\u200bwidth", r"zero\u200bwidth"),
    ("a\r\nb\tc", r"a\u000d\u000ab\u0009c"), ("\udcb1\udce2", r"\udcb1\udce2"), ("\ufeffa", r"\ufeffa"),
    ("a\U000e0041", r"a\U000e0041"), ("\u3164", r"\u3164"), ("\u26a0\ufe0f", "\u26a0\ufe0f"),
    ("작업 표준 ⑴ ～ 「점검」\ue000", "작업 표준 ⑴ ～ 「점검」\ue000")])
def test_hidden_characters_become_escapes(text: str, shown: str) -> None:
    """Everything else stays as it is, Korean and symbols above all."""
    assert visible(text) == shown


@given(st.text(alphabet=st.characters()))
def test_a_visible_text_hides_nothing(text: str) -> None:
    """Whatever the text was, and once is enough."""
    shown = visible(text)
    assert not [kind for _, kind in hidden_characters(shown) if kind != "undefined"]
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters='"\\')))
def test_the_escapes_are_those_of_toml(text: str) -> None:
    """So a draft of a schema that is printed is still that schema."""
    assert tomllib.loads(f'text = "{visible(text)}"')["text"] == text


def test_the_escapes_are_those_of_json() -> None:
    """Of the characters that JSON writes with one escape."""
    text = "a\u202e\x1b\n"
    assert json.loads(f'"{visible(text)}"') == text
