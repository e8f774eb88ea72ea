"""What the order of the shots tells of each value: does it move slowly from shot to shot, or anew with each?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def persistence(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """[F]: correlation of neighbouring shots within their run, of [N, F] in order of time; 0 for a constant."""
    centred = values - _run_means(values, run)
    same = run[1:] == run[:-1]
    shared = (centred[1:][same] * centred[:-1][same]).sum(axis=0)
    return np.divide(shared, (centred**2).sum(axis=0), out=np.zeros(values.shape[1]),
                     where=(centred**2).sum(axis=0) > 1e-12)


def _run_means(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """[N, F]: the mean of each shot's run."""
    _, place, sizes = np.unique(run, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, column) for column in values.T], axis=1)
    return (sums / sizes[:, None])[place]
