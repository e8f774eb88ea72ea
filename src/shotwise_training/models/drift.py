"""Measure how much each value persists from shot to shot: slow drift, or a new value with every shot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def persistence(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """Correlate neighbouring shots of the same run, after subtracting the run's mean.

    Parameters
    ----------
    values : ndarray of float64, shape (n_shots, n_features)
        Values without NaN, in order of run and time.
    run : ndarray of int64, shape (n_shots,)
        Number of each shot's run.

    Returns
    -------
    ndarray of float64, shape (n_features,)
        The lag-1 autocorrelation of each value; 0 for a constant.
    """
    centred = values - _run_means(values, run)
    same_run = run[1:] == run[:-1]
    covariance = (centred[1:][same_run] * centred[:-1][same_run]).sum(axis=0)
    variance = (centred**2).sum(axis=0)
    correlation: NDArray[np.float64] = np.divide(covariance, variance, out=np.zeros(values.shape[1]),
                                                 where=variance > 1e-12)
    return correlation


def _run_means(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """The means of each shot's run, shape (n_shots, n_features)."""
    _, position, sizes = np.unique(run, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(position, column) for column in values.T], axis=1)
    means: NDArray[np.float64] = (sums / sizes[:, None])[position]
    return means
