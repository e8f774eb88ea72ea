"""What can be seen in a single column of a table without knowing what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.csv_file import RawTable, as_numbers, canonical
from shotwise_training.data.timestamps import all_seconds

MIN_ROWS = 20  # a pattern seen in fewer rows may be chance
MAX_CATEGORIES = 20  # a text column with more values is a remark or a name, not a choice
RISING = 0.95  # share of the changes of a counter that go up
SMALL_RISES = 0.9  # share of the rises of a counter that are at most twice the usual one
BACK_AT_START = 0.1  # a counter that restarts falls into the lowest part of its range, this share of it
MIN_COUNTS = 10  # distinct values of a counter
LONG_BLOCK = 10  # mean rows of one unbroken value where the value names a run


@dataclass(frozen=True)
class ColumnProfile:
    """One column. kind: number, text, mixed (both), time, empty.

    numbers: float64 [N], NaN where there is none (seconds for time). codes: int64 [N], equal for equal values, -1 for
    empty cells. distinct, missing, texts: numbers of values, empty cells, cells that are no number. row_key: every
    row has its own. counter: integers that rise by small steps. restarts: how often it fell back to its start.
    blocks: every value stands in one unbroken block of rows, as the name of a run does.
    """

    name: str
    cells: tuple[str, ...]
    kind: str
    numbers: NDArray[np.float64]
    codes: NDArray[np.int64]
    distinct: int
    missing: int
    texts: int
    row_key: bool
    counter: bool
    restarts: int
    blocks: bool

    @property
    def constant(self) -> bool:
        """Whether all filled cells say the same."""
        return self.distinct == 1


def all_facts(raw: RawTable) -> tuple[ColumnProfile, ...]:
    """The facts of every column, in the order of the table."""
    return tuple(_facts(name, cells) for name, cells in zip(raw.names, raw.cells, strict=True))


def _facts(name: str, cells: tuple[str, ...]) -> ColumnProfile:
    numbers, strange = as_numbers(cells)
    filled = np.fromiter(map(bool, cells), bool, len(cells))
    seconds = all_seconds(cells)
    kind = "time" if seconds is not None else _kind(int(filled.sum()), int(strange.sum()))
    numbers = numbers if seconds is None else seconds
    codes = _codes(cells) if kind in ("text", "mixed") else _number_codes(numbers)
    distinct = int(codes.max(initial=-1)) + 1
    whole = kind == "number" and bool(filled.all()) and bool((numbers == np.round(numbers)).all())
    restarts = _restarts(numbers) if whole and distinct >= MIN_COUNTS else None
    named = kind in ("text", "time") or restarts == 0
    return ColumnProfile(name, cells, kind, numbers, codes, distinct, int((~filled).sum()), int(strange.sum()),
                 (whole or kind in ("text", "time")) and distinct == len(cells) >= MIN_ROWS,
                 restarts is not None, restarts or 0, named and bool(filled.all()) and _in_blocks(codes, distinct))


def _kind(filled: int, texts: int) -> str:
    if not filled:
        return "empty"
    if not texts:
        return "number"
    return "text" if texts == filled else "mixed"


def _codes(cells: Sequence[str]) -> NDArray[np.int64]:
    known = {"": -1}
    return np.array([known.setdefault(canonical(cell), len(known) - 1) for cell in cells], np.int64)


def _number_codes(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    codes = np.full(len(numbers), -1, np.int64)
    measured = ~np.isnan(numbers)
    codes[measured] = np.unique(numbers[measured], return_inverse=True)[1]
    return codes


def _restarts(counter: NDArray[np.float64]) -> int | None:
    """How often a counter fell back to its start; None for what is no counter."""
    steps = np.diff(counter)
    rises, falls = steps[steps > 0], np.flatnonzero(steps < 0)
    low, span = counter.min(), np.ptp(counter)
    if not len(rises) or len(rises) < RISING * (len(rises) + len(falls)):
        return None
    usual = np.median(rises)
    small = np.mean(rises <= 2 * usual) >= SMALL_RISES and usual <= BACK_AT_START * span
    back = bool((counter[falls + 1] <= low + BACK_AT_START * span).all())
    return len(falls) if small and back else None


def _in_blocks(codes: NDArray[np.int64], distinct: int) -> bool:
    blocks = 1 + int(np.count_nonzero(np.diff(codes)))
    return blocks == distinct >= 3 and len(codes) >= LONG_BLOCK * distinct
