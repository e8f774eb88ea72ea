"""Time stamps as plants write them → seconds: ISO, 2024.01.31, 20240131, 2024년 1월 31일, with or without a time of
day (24 hours, or 오전/오후, AM/PM)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STAMP = re.compile(r"""
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
YEARS = range(1990, 2100)  # eight digits outside these years are a measurement
EPOCH = datetime.datetime(1970, 1, 1)


def seconds(text: str) -> float | None:
    """A time stamp as seconds since 1970, None for any other text. Without a zone, local time is taken as it is."""
    match = STAMP.fullmatch(text)
    if not match:
        return None
    year, month, day = (_first(match, part, 0) for part in ("y", "m", "d"))
    hour = _hour(_first(match, "H", 0), match["half"] or match["half2"])
    if year not in YEARS:
        return None
    try:
        moment = datetime.datetime(year, month, day, hour, _first(match, "M", 0), _first(match, "S", 0))
    except ValueError:  # month 13
        return None
    fraction = float((match["F"] or "0").replace(",", "."))
    return (moment - EPOCH).total_seconds() + fraction - _offset(match["zone"])


def all_seconds(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """A column as seconds [N], NaN where empty; None unless every filled cell is a time stamp and there is one."""
    found = np.full(len(cells), np.nan)
    known: dict[str, float] = {}  # a date repeats in many rows
    for row, cell in enumerate(cells):
        if not cell:
            continue
        if cell not in known:
            moment = seconds(cell)
            if moment is None:
                return None
            known[cell] = moment
        found[row] = known[cell]
    return found if known else None


def _first(match: re.Match[str], part: str, default: int) -> int:
    """The number that one of the alternatives of the pattern found for `part`."""
    groups = match.groupdict()
    return next((int(groups[name]) for name in (part, part + "2", part + "3") if groups.get(name)), default)


def _hour(hour: int, half: str | None) -> int:
    """오후 1시 is 13; 오전 12시 is 0."""
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() in ("오후", "pm") else 0)


def _offset(zone: str | None) -> int:
    if not zone or zone == "Z":
        return 0
    digits = zone.replace(":", "")
    return (int(digits[1:3]) * 60 + int(digits[3:5])) * (-60 if digits[0] == "-" else 60)
