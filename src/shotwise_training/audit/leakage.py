"""Columns that give the label away: their value is known only once the shot has been inspected.

A real process value is never this sure. Of the 22 varying features of the KAMP table none has a ROC-AUC above 0.57
alone, and no value or tail that is always defective reaches 5 rows; the limits below leave a wide margin to both sides.
Whatever is measured here is measured on rows without twins, and the rates of values are cross-fitted: a value's rate in
one half of the rows scores the other half, so that a column of many values cannot look sure by memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.column_profile import MIN_ROWS, ColumnProfile

SEPARATES = 0.98  # ROC-AUC of the column alone, in either direction
PURE = 0.98  # share of defective shots where a value counts as always defective
COVERED = 0.20  # share of all defects that such a value, or everything beyond such a bound, covers
# The same where a column otherwise holds one value for all good shots, as the count of one kind of defect does (0), or
# a remark on the repair (empty): there is no harmless reading of that, so less is needed.
DEVIATING = 0.05
MIN_OF_A_CLASS = 10  # shots; a ROC-AUC of fewer is luck
FEW_VALUES = 50  # a number with no more distinct values is also judged value by value, as a code would be
MOSTLY_DEFECTIVE = 0.8  # share of defects above which nothing can be said of pure values
SEED = 42


@dataclass(frozen=True)
class Leak:
    """A column that gives the label away. rule: separates, always_defective, deviates. figure: the ROC-AUC, or the
    share of defective shots among the `rows` it speaks of, which cover the share `covered` of all defects. text: the
    same for people."""

    column: str
    rule: str
    figure: float
    rows: int
    covered: float
    text: str


def find_leak(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """How `column` gives away `defect` [len(rows)] on `rows`, None where it does not."""
    if column.distinct + (column.missing > 0) < 2 or min(defect.sum(), (~defect).sum()) < MIN_OF_A_CLASS:
        return None
    area = max(_areas(column, rows, defect))
    if area >= SEPARATES:
        return Leak(column.name, "separates", round(area, 4), len(rows), 1.0,
                    f"alone it separates defective from good shots (ROC-AUC {area:.3f}; 0.5 is chance)")
    if defect.mean() > MOSTLY_DEFECTIVE:
        return None
    return _deviating(column, rows, defect) or _pure_value(column, rows, defect) or _pure_tail(column, rows, defect)


def roc_auc(values: NDArray[np.float64], defect: NDArray[np.bool_]) -> float:
    """ROC-AUC in either direction, at least 0.5; 0.5 where a class has too few shots."""
    positives, negatives = int(defect.sum()), int((~defect).sum())
    if min(positives, negatives) < MIN_OF_A_CLASS:
        return 0.5
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    area = (rank[defect].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    return float(max(area, 1 - area))


def _areas(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> list[float]:
    """The column as a number, as a code, and as a cell that is filled or not, where each makes sense."""
    numbers, codes = column.numbers[rows], column.codes[rows]
    measured = ~np.isnan(numbers)
    areas = [0.5]
    if measured.any():
        areas.append(roc_auc(numbers[measured], defect[measured]))
    if column.kind in ("text", "mixed") or column.distinct <= FEW_VALUES:
        areas.append(roc_auc(_cross_fitted(codes, defect), defect))
    if column.missing:
        areas.append(roc_auc((codes < 0).astype(np.float64), defect))
    return areas


def _cross_fitted(codes: NDArray[np.int64], defect: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For every row the defect rate of its code in the other half of the rows; a code not seen there has the mean."""
    half = np.random.default_rng(SEED).permutation(len(codes)) % 2 == 0
    scores = np.empty(len(codes))
    for known in (half, ~half):
        shots = np.bincount(codes[known] + 1, minlength=codes.max() + 2)
        defects = np.bincount(codes[known] + 1, weights=defect[known], minlength=codes.max() + 2)
        rates = (defects + defect.mean()) / (shots + 1)
        scores[~known] = rates[codes[~known] + 1]
    return scores


def _deviating(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """All good shots hold one value; those that do not are defective."""
    codes = column.codes[rows]
    usual = int(np.bincount(codes + 1).argmax()) - 1
    word = _value(column, rows, usual)
    return _judged(column, codes != usual, defect, DEVIATING, "deviates", f"where it is not {word}")


def _pure_value(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """One value that is always defective."""
    codes = column.codes[rows] + 1
    shots, defects = np.bincount(codes), np.bincount(codes, weights=defect)
    pure = np.where((shots >= MIN_ROWS) & (defects >= PURE * shots), defects, 0)
    code = int(pure.argmax()) - 1
    if not pure.any():
        return None
    return _judged(column, codes == code + 1, defect, COVERED, "always_defective",
                   f"where it is {_value(column, rows, code)}")


def _pure_tail(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """Everything beyond a bound is always defective."""
    if column.kind not in ("number", "time"):
        return None
    values = column.numbers[rows]
    for sign, word in ((-1, "at least"), (1, "at most")):
        bound = _bound(sign * values, defect)
        if bound is not None:
            tail = np.nan_to_num(sign * values, nan=np.inf) <= bound
            found = _judged(column, tail, defect, COVERED, "always_defective", f"where it is {word} {sign * bound:g}")
            if found:
                return found
    return None


def _bound(values: NDArray[np.float64], defect: NDArray[np.bool_]) -> float | None:
    """The largest value up to which all rows together are still pure; None where there is none."""
    measured = ~np.isnan(values)
    order = np.argsort(values[measured], kind="stable")
    rising = values[measured][order]
    share = np.cumsum(defect[measured][order]) / np.arange(1, len(order) + 1)
    last_of_value = np.append(rising[1:] != rising[:-1], True)
    pure = np.flatnonzero(last_of_value & (share >= PURE)) if len(order) else np.empty(0, np.int64)
    return float(rising[pure[-1]]) if len(pure) else None


def _judged(column: ColumnProfile, chosen: NDArray[np.bool_], defect: NDArray[np.bool_], enough: float, rule: str,
            where: str) -> Leak | None:
    count = int(chosen.sum())
    share = float(defect[chosen].mean()) if count else 0.0
    covered = float((defect & chosen).sum() / defect.sum())
    if count < MIN_ROWS or share < PURE or covered < enough:
        return None
    return Leak(column.name, rule, round(share, 4), count, round(covered, 4),
                f"{where}, {share:.0%} of {count} shots are defective ({covered:.0%} of all defects)")


def _value(column: ColumnProfile, rows: NDArray[np.int64], code: int) -> str:
    """A value as the file writes it."""
    return repr(column.cells[rows[int((column.codes[rows] == code).argmax())]]) if code >= 0 else "empty"
