"""Batches within the limits of a request, and texts within a number of bytes."""

from __future__ import annotations

import pytest

from shotwise.adapters.batching import batches, truncate_utf8


@pytest.mark.parametrize(("sizes", "expected"), [
    ([], []), ([1, 1, 1, 1], [[1, 1, 1], [1]]), ([9, 1, 9, 1], [[9, 1], [9, 1]]), ([99, 1, 99], [[99], [1], [99]])])
def test_batches_keep_to_number_and_size(sizes: list[int], expected: list[list[int]]) -> None:
    """Batches are in order, and an item that is too large by itself goes alone."""
    assert list(batches(sizes, 3, lambda size: size, 10)) == expected


@pytest.mark.parametrize(("text", "expected"), [("가나", "가"), ("abcdefg", "abcde"), ("", ""), ("\ud800가", "?가")])
def test_a_text_is_truncated_to_whole_characters(text: str, expected: str) -> None:
    """A text is cut by its bytes in UTF-8; what has no bytes is replaced."""
    assert truncate_utf8(text, 5) == expected
