"""Rows that are equal in all their values: exact, and fast for 100,000 rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def equal_rows(rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of a matrix [N, K] of one numeric type without NaN: the first row of every group of equal rows, ascending, and
    the group of each row [N], numbered in that order."""
    if not rows.shape[1]:
        return np.zeros(min(len(rows), 1), np.int64), np.zeros(len(rows), np.int64)
    plain = np.ascontiguousarray(rows + 0)  # -0.0 becomes 0.0, the only two equal numbers with different bytes
    keys = plain.view(np.dtype((np.void, plain.itemsize * plain.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[group]
