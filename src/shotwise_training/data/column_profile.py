"""Describe each column of a table from its cells alone, without knowing what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.csv_file import RawTable, as_numbers, canonical
from shotwise_training.data.timestamps import column_seconds

MIN_ROWS = 20  # a pattern seen in fewer rows may be chance
MAX_CATEGORIES = 20  # a text column with more values is a remark or a name, not a choice
MIN_RISING_SHARE = 0.95  # share of the changes of a counter that go up
MIN_SMALL_RISES_SHARE = 0.9  # share of the rises of a counter that are at most twice the usual one
RESTART_RANGE = 0.1  # a counter that restarts falls into this lowest share of its range
MIN_COUNTER_VALUES = 10  # distinct values of a counter
MIN_BLOCK_ROWS = 10  # mean rows per value of a column whose values name runs


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a table, described from its cells alone.

    Attributes
    ----------
    name : str
        Column name.
    cells : tuple of str, length n_shots
        The cells as text; an empty cell is an empty text.
    kind : str
        `number`, `text`, `mixed` (numbers and texts), `time` or `empty`.
    numbers : ndarray of float64, shape (n_shots,)
        The cells as numbers, timestamps in seconds; NaN where a cell holds neither.
    codes : ndarray of int64, shape (n_shots,)
        Equal for equal values; -1 for empty cells.
    distinct : int
        Number of different values.
    missing : int
        Number of empty cells.
    texts : int
        Number of filled cells that are not numbers.
    row_key : bool
        Whether every row has a different value.
    counter : bool
        Whether it holds integers that rise by small steps.
    restarts : int
        How often a counter fell back to its start.
    blocks : bool
        Whether the rows of each value form one unbroken block, as with the name of a run.
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
        """Whether all filled cells hold the same value."""
        return self.distinct == 1


def profile_columns(raw: RawTable) -> tuple[ColumnProfile, ...]:
    """Profile every column, in the order of the table."""
    return tuple(_profile(name, cells) for name, cells in zip(raw.names, raw.cells, strict=True))


def _profile(name: str, cells: tuple[str, ...]) -> ColumnProfile:
    numbers, not_numbers = as_numbers(cells)
    filled = np.fromiter(map(bool, cells), bool, len(cells))
    seconds = column_seconds(cells)
    kind = "time" if seconds is not None else _kind(int(filled.sum()), int(not_numbers.sum()))
    numbers = numbers if seconds is None else seconds
    codes = _text_codes(cells) if kind in ("text", "mixed") else _number_codes(numbers)
    distinct = int(codes.max(initial=-1)) + 1
    integers = kind == "number" and bool(filled.all()) and bool((numbers == np.round(numbers)).all())
    restarts = _restarts(numbers) if integers and distinct >= MIN_COUNTER_VALUES else None
    may_name_runs = (kind in ("text", "time") or restarts == 0) and bool(filled.all())
    return ColumnProfile(
        name, cells, kind, numbers, codes, distinct, missing=int((~filled).sum()), texts=int(not_numbers.sum()),
        row_key=(integers or kind in ("text", "time")) and distinct == len(cells) >= MIN_ROWS,
        counter=restarts is not None, restarts=restarts or 0, blocks=may_name_runs and _in_blocks(codes, distinct))


def _kind(filled: int, texts: int) -> str:
    if not filled:
        return "empty"
    if not texts:
        return "number"
    return "text" if texts == filled else "mixed"


def _text_codes(cells: Sequence[str]) -> NDArray[np.int64]:
    code_of = {"": -1}
    return np.array([code_of.setdefault(canonical(cell), len(code_of) - 1) for cell in cells], np.int64)


def _number_codes(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    codes = np.full(len(numbers), -1, np.int64)
    measured = ~np.isnan(numbers)
    codes[measured] = np.unique(numbers[measured], return_inverse=True)[1]
    return codes


def _restarts(numbers: NDArray[np.float64]) -> int | None:
    """Count how often a counter fell back to its start; None for a column that is not a counter."""
    steps = np.diff(numbers)
    rises, falls = steps[steps > 0], np.flatnonzero(steps < 0)
    low, span = numbers.min(), np.ptp(numbers)
    if not len(rises) or len(rises) < MIN_RISING_SHARE * (len(rises) + len(falls)):
        return None
    usual_rise = np.median(rises)
    small_rises = np.mean(rises <= 2 * usual_rise) >= MIN_SMALL_RISES_SHARE and usual_rise <= RESTART_RANGE * span
    falls_to_start = bool((numbers[falls + 1] <= low + RESTART_RANGE * span).all())
    return len(falls) if small_rises and falls_to_start else None


def _in_blocks(codes: NDArray[np.int64], distinct: int) -> bool:
    blocks = 1 + int(np.count_nonzero(np.diff(codes)))
    return blocks == distinct >= 3 and len(codes) >= MIN_BLOCK_ROWS * distinct
