"""Convert timestamps, as plants write them, to seconds.

They may be written as ISO 8601, 2024.01.31, 20240131 or 2024년 1월 31일, with or without a time of day (24 hours, or
with 오전/오후 or AM/PM).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TIMESTAMP = re.compile(r"""
    (?: (?P<y>\d{4})(?P<mark>[-./])\ ?(?P<m>\d{1,2})(?P=mark)\ ?(?P<d>\d{1,2})\.?
      | (?P<y2>\d{4})(?P<m2>\d\d)(?P<d2>\d\d)
      | (?P<y3>\d{4})년\s*(?P<m3>\d{1,2})월\s*(?P<d3>\d{1,2})일 )
    (?: [T\s_-]*
        (?P<half>오전|오후|[AaPp][Mm])?\s*
        (?: (?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?P<F>[.,]\d+)?)?
          | (?P<H2>\d{1,2})시(?:\s*(?P<M2>\d{1,2})분)?(?:\s*(?P<S2>\d{1,2})초)?
          | (?P<H3>\d\d)(?P<M3>\d\d)(?P<S3>\d\d)? )
        \s*(?P<half2>[AaPp][Mm])?
        \s*(?P<zone>Z|[+-]\d\d:?\d\d)? )?
    """, re.VERBOSE | re.ASCII)
YEARS = range(1990, 2100)  # eight digits with another year are a measurement
EPOCH = datetime.datetime(1970, 1, 1)


def to_seconds(text: str) -> float | None:
    """Convert a timestamp to seconds since 1970; None for any other text.

    A timestamp without a zone is taken as UTC: the plant's zone is unknown, and only differences count.
    """
    match = TIMESTAMP.fullmatch(text)
    if not match:
        return None
    year, month, day = (_number(match, part) for part in ("y", "m", "d"))
    hour = _hour(_number(match, "H"), match["half"] or match["half2"])
    if year not in YEARS:
        return None
    try:
        moment = datetime.datetime(year, month, day, hour, _number(match, "M"), _number(match, "S"))
    except ValueError:  # month 13
        return None
    fraction = float((match["F"] or "0").replace(",", "."))
    return (moment - EPOCH).total_seconds() + fraction - _zone_offset(match["zone"])


def column_seconds(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Convert a column of timestamps to seconds.

    Parameters
    ----------
    cells : sequence of str, length n_rows
        Cells as text; empty ones are allowed.

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None
        NaN where a cell is empty. None if a filled cell is not a timestamp, or if no cell is filled.
    """
    column = np.full(len(cells), np.nan)
    seconds_of: dict[str, float] = {}  # a date may repeat in many rows
    for row, cell in enumerate(cells):
        if not cell:
            continue
        if cell not in seconds_of:
            seconds = to_seconds(cell)
            if seconds is None:
                return None
            seconds_of[cell] = seconds
        column[row] = seconds_of[cell]
    return column if seconds_of else None


def _number(match: re.Match[str], part: str) -> int:
    """The number matched by `part` in any alternative of TIMESTAMP (`part`, `part2` or `part3`); 0 if none."""
    groups = match.groupdict()
    return next((int(groups[name]) for name in (part, part + "2", part + "3") if groups.get(name)), 0)


def _hour(hour: int, half: str | None) -> int:
    """The hour of the day: 오후 1시 is 13, 오전 12시 is 0."""
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() in ("오후", "pm") else 0)


def _zone_offset(zone: str | None) -> int:
    """Seconds that a zone is ahead of UTC."""
    if not zone or zone == "Z":
        return 0
    digits = zone.replace(":", "")
    return (int(digits[1:3]) * 60 + int(digits[3:5])) * (-60 if digits[0] == "-" else 60)
