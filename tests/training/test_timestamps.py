"""Timestamps as plants write them."""

from __future__ import annotations

import numpy as np
import pytest

from shotwise_training.data.timestamps import column_seconds, to_seconds

NOON = 1706702400.0  # 2024-01-31 12:00:00
MIDNIGHT = NOON - 12 * 3600


@pytest.mark.parametrize(("text", "expected"), [
    ("2024-01-31T12:00:00", NOON), ("2024-01-31 12:00:00", NOON), ("2024-01-31 12:00:00.250", NOON + 0.25),
    ("2024-01-31T12:00:00Z", NOON), ("2024-01-31T21:00:00+09:00", NOON), ("2024-01-31 12:00", NOON),
    ("2024/1/31 12:00", NOON), ("20240131", MIDNIGHT), ("20240131120000", NOON), ("20240131 12:00:00", NOON),
    ("2024.01.31", MIDNIGHT), ("2024. 1. 31.", MIDNIGHT), ("2024년 1월 31일", MIDNIGHT),
    ("2024년 1월 31일 오후 12:00", NOON), ("2024-01-31 오전 12:00:00", MIDNIGHT), ("2024-01-31 오후 1:00", NOON + 3600),
    ("2024년 01월 31일 13시 00분 05초", NOON + 3605), ("2024-01-31 1:00 PM", NOON + 3600)])
def test_a_timestamp_is_read(text: str, expected: float) -> None:
    """Every common form gives the same moment."""
    assert to_seconds(text) == expected


@pytest.mark.parametrize("text", ["", "12", "20241331", "18881231", "2024-02-30", "2024-01/31", "12345678", "650.5",
                                  "2024-01-31 25:00", "LOT-2024-01-31", "2024-01-31 25:61"])
def test_other_text_is_not_a_timestamp(text: str) -> None:
    """A measurement of eight digits, a month 13 and a lot number are not taken for dates."""
    assert to_seconds(text) is None


def test_a_column_is_time_if_every_filled_cell_is() -> None:
    """Empty cells become NaN, one other text spoils the column, and an empty column is not time."""
    np.testing.assert_array_equal(column_seconds(["20240131", ""]), [MIDNIGHT, np.nan])
    assert column_seconds(["20240131", "x"]) is None and column_seconds(["", ""]) is None
