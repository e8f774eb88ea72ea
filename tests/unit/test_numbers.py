"""Numbers in query strings and settings are read by one rule, and nothing that only looks like a number passes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shotwise.numbers import decimal_number, whole_number

NOT_WHOLE = ("", " ", "5 ", " 5", "5\n", "+5", "-5", "-0", "1_000", "05", "00000000150", "0" * 4400, "9" * 5000, "5.0",
             "1e3", "0x10", "٣", "５", "²", "nan", "inf", "five", "5\0", "5,000")
NOT_DECIMAL = ("", " ", "0.5 ", " 0.5", "0.5\n", "+0.5", ".5", "5.", "00.5", "0,5", "1_0", "٠.٥", "nan", "NaN", "inf",
               "Infinity", "1e999", "0x1p-1", "0." + "0" * 5000, "half")


@pytest.mark.parametrize("text", NOT_WHOLE)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    """Signs, spaces, leading zeros, other digits and thousands of digits are all no number, and none raises."""
    assert whole_number(text, 0, 10**30) is None


@pytest.mark.parametrize("text", NOT_DECIMAL)
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    """What JSON does not take as a number is none here either; neither is infinity."""
    assert decimal_number(text, 0, 1) is None


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=0, max_value=10**12))
def test_a_whole_number_is_read_up_to_its_limits(number: int, limit: int) -> None:
    """Every number that Python writes comes back, and the limits belong to the range."""
    assert whole_number(str(number), 0, limit) == (number if number <= limit else None)
    assert whole_number(str(number), limit, 10**12) == (number if number >= limit else None)


@given(st.floats(min_value=0, max_value=1))
def test_a_decimal_number_is_read_as_json_reads_it(number: float) -> None:
    """Where its text is short enough, the value is the same."""
    text = f"{number:.12g}"
    assert decimal_number(text, 0, 1) == json.loads(text)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Any text is a number in the range, or none."""
    assert whole_number(text, 1, 50) in (None, *range(1, 51))
    assert decimal_number(text, 0, 1) is None or 0 <= float(text) <= 1
