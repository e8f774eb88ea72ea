"""Find columns that leak the label: their value is known only once the shot has been inspected.

No real process value predicts the label this well. Of the 22 varying features of the KAMP table, none alone has a
ROC-AUC above 0.57, and no value or tail that is always defective covers 5 rows; the limits below are far above both.
Everything is measured on unique rows. The defect rates of values are cross-fitted (a value's rate in one half of the
rows scores the other half), so that a column of many values cannot score well by memorising them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.column_profile import MIN_ROWS, ColumnProfile

MIN_SEPARATING_AUC = 0.98  # ROC-AUC of the column alone, in either direction
MIN_DEFECT_SHARE = 0.98  # share of defective shots from which a value counts as always defective
MIN_COVERED = 0.20  # share of all defects that an always defective value or tail has to cover
# The same for a column with one value for all good shots, such as the count of one kind of defect (0) or a remark on
# the repair (empty). Harmless columns do not look like that, so a smaller share is enough.
MIN_COVERED_DEVIATING = 0.05
MIN_CLASS_ROWS = 10  # rows of each class; with fewer, a high ROC-AUC may be chance
MAX_CODES = 50  # a number with at most this many distinct values is also judged value by value, as if it were a code
MAX_DEFECT_RATE = 0.8  # of the table; above it, a value that is always defective proves nothing
SEED = 42


@dataclass(frozen=True)
class Leak:
    """A column that leaks the label.

    Attributes
    ----------
    column : str
        Column name.
    rule : str
        How it leaks: `separates` (it alone tells the classes apart), `always_defective` (the shots with one value, or
        beyond one bound, are all defective) or `deviates` (all good shots share one value).
    figure : float
        The ROC-AUC, or the share of defective shots among `rows`.
    rows : int
        Number of rows that `figure` was computed from.
    covered : float
        Share of all defects that are among these rows.
    text : str
        The finding in words.
    """

    column: str
    rule: str
    figure: float
    rows: int
    covered: float
    text: str


def find_leak(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """Judge whether a column leaks the label.

    Parameters
    ----------
    column : ColumnProfile
        The column to judge.
    rows : ndarray of int64, shape (n_rows,)
        The rows to judge by.
    defect : ndarray of bool, shape (n_rows,)
        Which of them are defective.

    Returns
    -------
    Leak or None
        The leak by the first rule that applies; None if none does, or if a class has fewer than MIN_CLASS_ROWS rows.
    """
    if column.distinct + (column.missing > 0) < 2 or min(defect.sum(), (~defect).sum()) < MIN_CLASS_ROWS:
        return None
    area = max(_areas(column, rows, defect))
    if area >= MIN_SEPARATING_AUC:
        return Leak(column.name, "separates", round(area, 4), len(rows), 1.0,
                    f"alone it separates defective from good shots (ROC-AUC {area:.3f}; 0.5 is chance)")
    if defect.mean() > MAX_DEFECT_RATE:
        return None
    return _deviating(column, rows, defect) or _pure_value(column, rows, defect) or _pure_tail(column, rows, defect)


def roc_auc(values: NDArray[np.float64], defect: NDArray[np.bool_]) -> float:
    """Compute the ROC-AUC in the better of both directions, so at least 0.5; 0.5 if a class has too few shots."""
    positives, negatives = int(defect.sum()), int((~defect).sum())
    if min(positives, negatives) < MIN_CLASS_ROWS:
        return 0.5
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    area = (rank[defect].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    return float(max(area, 1 - area))


def _areas(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> list[float]:
    """ROC-AUCs of the column read as a number, as a code, and as filled or empty, as far as each makes sense."""
    numbers, codes = column.numbers[rows], column.codes[rows]
    measured = ~np.isnan(numbers)
    areas = [0.5]
    if measured.any():
        areas.append(roc_auc(numbers[measured], defect[measured]))
    if column.kind in ("text", "mixed") or column.distinct <= MAX_CODES:
        areas.append(roc_auc(_cross_fitted_rates(codes, defect), defect))
    if column.missing:
        areas.append(roc_auc((codes < 0).astype(np.float64), defect))
    return areas


def _cross_fitted_rates(codes: NDArray[np.int64], defect: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each row's defect rate: that of its code in the other half of the rows, shrunk by one row of the mean rate."""
    half = np.random.default_rng(SEED).permutation(len(codes)) % 2 == 0
    rates = np.empty(len(codes))
    for fitted in (half, ~half):
        shots = np.bincount(codes[fitted] + 1, minlength=codes.max() + 2)
        defects = np.bincount(codes[fitted] + 1, weights=defect[fitted], minlength=codes.max() + 2)
        rate_of = (defects + defect.mean()) / (shots + 1)
        rates[~fitted] = rate_of[codes[~fitted] + 1]
    return rates


def _deviating(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """The leak if all good shots share one value and the shots with another value are defective."""
    codes = column.codes[rows]
    usual = int(np.bincount(codes + 1).argmax()) - 1
    written = _written_value(column, rows, usual)
    return _judge(column, codes != usual, defect, MIN_COVERED_DEVIATING, "deviates", f"where it is not {written}")


def _pure_value(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """The leak if the shots with one value are all defective."""
    codes = column.codes[rows] + 1
    shots, defects = np.bincount(codes), np.bincount(codes, weights=defect)
    pure = np.where((shots >= MIN_ROWS) & (defects >= MIN_DEFECT_SHARE * shots), defects, 0)
    code = int(pure.argmax()) - 1
    if not pure.any():
        return None
    return _judge(column, codes == code + 1, defect, MIN_COVERED, "always_defective",
                  f"where it is {_written_value(column, rows, code)}")


def _pure_tail(column: ColumnProfile, rows: NDArray[np.int64], defect: NDArray[np.bool_]) -> Leak | None:
    """The leak if the shots beyond a bound are all defective."""
    if column.kind not in ("number", "time"):
        return None
    values = column.numbers[rows]
    for sign, comparison in ((-1, "at least"), (1, "at most")):
        bound = _pure_bound(sign * values, defect)
        if bound is not None:
            tail = np.nan_to_num(sign * values, nan=np.inf) <= bound
            leak = _judge(column, tail, defect, MIN_COVERED, "always_defective",
                          f"where it is {comparison} {sign * bound:g}")
            if leak:
                return leak
    return None


def _pure_bound(values: NDArray[np.float64], defect: NDArray[np.bool_]) -> float | None:
    """The largest value up to which the rows together are almost all defective; None if there is none."""
    measured = ~np.isnan(values)
    order = np.argsort(values[measured], kind="stable")
    ascending = values[measured][order]
    share = np.cumsum(defect[measured][order]) / np.arange(1, len(order) + 1)
    last_of_value = np.append(ascending[1:] != ascending[:-1], True)
    pure = np.flatnonzero(last_of_value & (share >= MIN_DEFECT_SHARE)) if len(order) else np.empty(0, np.int64)
    return float(ascending[pure[-1]]) if len(pure) else None


def _judge(column: ColumnProfile, chosen: NDArray[np.bool_], defect: NDArray[np.bool_], min_covered: float, rule: str,
           where: str) -> Leak | None:
    """The leak if the chosen rows are enough, almost all defective, and cover enough of all defects; else None."""
    count = int(chosen.sum())
    share = float(defect[chosen].mean()) if count else 0.0
    covered = float((defect & chosen).sum() / defect.sum())
    if count < MIN_ROWS or share < MIN_DEFECT_SHARE or covered < min_covered:
        return None
    return Leak(column.name, rule, round(share, 4), count, round(covered, 4),
                f"{where}, {share:.0%} of {count} shots are defective ({covered:.0%} of all defects)")


def _written_value(column: ColumnProfile, rows: NDArray[np.int64], code: int) -> str:
    """A value as the file writes it."""
    return repr(column.cells[rows[int((column.codes[rows] == code).argmax())]]) if code >= 0 else "empty"
