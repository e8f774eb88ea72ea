"""The name of a document shows every character that it has, and keeps one address and one file everywhere."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shotwise.handlers.document_names import name_fault
from shotwise.limits import MAX_DOCUMENT_NAME_BYTES

NATURAL = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인.pdf", "a+b&c=d;e.pdf", "%4x.pdf", "a..b.PDF",
           "Ｆａｃｔｏｒｙ　（２０２４）［１］.pdf", "금형(1호기) v2.1_최종 [승인].pdf", "①②③ ～ 2024년.pdf",
           "鋳造 欠陥.pdf", "Überprüfung – Größe №5.pdf", "\u26a0\ufe0f 안전 \u2714\ufe0f.pdf", "🏭 공장.pdf",
           "Tiếng Việt.pdf", "온도 ±5℃ ≤ 700°C.pdf",
           "보고서 2024\u202f오전.pdf", unicodedata.normalize("NFD", "작업 표준.pdf"))


@pytest.mark.parametrize("name", NATURAL)
def test_a_natural_name_is_accepted(name: str) -> None:
    """Korean in both forms, brackets, full-width characters, symbols and emoji are names that people give."""
    assert name_fault(name) is None


@pytest.mark.parametrize(("name", "code"), [
    ("a\x1b[31m.pdf", "control_in_name"), ("a\0.pdf", "control_in_name"), ("a\n.pdf", "control_in_name"),
    ("a\x7f.pdf", "control_in_name"), ("a\x85.pdf", "control_in_name"), ("a\x9b31m.pdf", "control_in_name"),
    ("a\u2028b.pdf", "control_in_name"), ("a\u2029b.pdf", "control_in_name"),
    ("a\u202efdp.pdf", "direction_in_name"), ("\u2066a.pdf", "direction_in_name"), ("a\u200e.pdf", "direction_in_name"),
    ("a\u061c.pdf", "direction_in_name"),
    ("a\u200b.pdf", "invisible_in_name"), ("a\u200d.pdf", "invisible_in_name"), ("\ufeffa.pdf", "invisible_in_name"),
    ("a\u00adb.pdf", "invisible_in_name"), ("a\u2060b.pdf", "invisible_in_name"), ("a\u3164.pdf", "invisible_in_name"),
    ("a\u115f.pdf", "invisible_in_name"), ("a\uffa0.pdf", "invisible_in_name"), ("a\u2800.pdf", "invisible_in_name"),
    ("a\u034f.pdf", "invisible_in_name"), ("a\U000e0041.pdf", "invisible_in_name"),
    ("a\ufe0f.pdf", "invisible_in_name"), ("a\U000e0100.pdf", "invisible_in_name"),
    ("a\ue000.pdf", "undefined_in_name"), ("a\U00100000.pdf", "undefined_in_name"),
    ("a\uffff.pdf", "undefined_in_name"), ("a\ufdd0.pdf", "undefined_in_name"), ("a\u0378.pdf", "undefined_in_name"),
    ("a\ufffd.pdf", "undefined_in_name"),
    ("\udcb1\udce2.pdf", "name_not_utf8"), ("a\ud800.pdf", "name_not_utf8"),
    (" a.pdf", "space_around_name"), ("\u3000a.pdf", "space_around_name"), ("a.pdf ", "space_around_name"),
    ("a.pdf.", "not_a_pdf_name"), ("a.pdf..", "not_a_pdf_name"), (".a.pdf", "not_a_pdf_name"),
    ("a/b.pdf", "forbidden_in_name"), ("a%20b.pdf", "percent_in_name"),
    ("a" * (MAX_DOCUMENT_NAME_BYTES - 3) + ".pdf", "forbidden_in_name")])
def test_a_name_that_hides_something_is_refused(name: str, code: str) -> None:
    """Each kind of character has a code of its own, which says what to look for."""
    fault = name_fault(name)
    assert fault and fault.code == code


def test_the_reason_names_a_character_that_nobody_sees() -> None:
    """By its number, in plain ASCII, so that the reason cannot hide it again."""
    fault = name_fault("a\u202efdp.pdf")
    assert fault and fault.params == {"character": "U+202E"}


@given(st.characters(), st.sampled_from(["", "작업"]))
def test_what_is_accepted_is_seen(character: str, rest: str) -> None:
    """No accepted name has a control, format, surrogate, private or unassigned character, wherever it stands."""
    if name_fault(f"{rest}{character}b.pdf") is None:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert character not in '/\\:*?"<>|'


def test_every_letter_may_stand_in_a_name() -> None:
    """Of all scripts, but for the fillers of Hangul, which are letters that nobody sees."""
    letters = (chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "L")
    refused = {letter for letter in letters if name_fault(f"a{letter}b.pdf")}
    assert refused == {"\u115f", "\u1160", "\u3164", "\uffa0"}
