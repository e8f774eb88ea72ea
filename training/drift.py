"""What the order of the shots tells of each value: does it move slowly from shot to shot, or anew with each?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SLOW = 0.8  # correlation of neighbouring shots of a run
INSIDE = 0.1  # the part of a drifting value's variance that lies inside the runs; settings hardly move there
NEAR = 40  # shots


def persistence(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """[F]: correlation of neighbouring shots within their run, of [N, F] in order of time; 0 for a constant."""
    centred = values - _run_means(values, run)
    same = run[1:] == run[:-1]
    shared = (centred[1:][same] * centred[:-1][same]).sum(axis=0)
    return np.divide(shared, (centred**2).sum(axis=0), out=np.zeros(values.shape[1]),
                     where=(centred**2).sum(axis=0) > 1e-12)


def drifting(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[F]: the values that move slowly inside a run: temperatures, humidity, a shot counter; not settings."""
    centred = values - _run_means(values, run)
    whole = values.var(axis=0)
    inside = np.divide(centred.var(axis=0), whole, out=np.zeros(values.shape[1]), where=whole > 1e-12)
    return (persistence(values, run) > SLOW) & (inside > INSIDE)


def between_and_beyond(values: NDArray[np.float32], run: NDArray[np.int64], moves: NDArray[np.bool_], count: int,
                       seed: int) -> NDArray[np.float32]:
    """`count` made-up shots [count, F]: each takes some values from a near shot of the same run, and of half of them
    the drifting values have moved on, as they will have when the run goes on. `values` in order of time."""
    random = np.random.default_rng(seed)
    one = random.integers(len(values), size=count)
    other = np.clip(one + random.integers(-NEAR, NEAR + 1, count), 0, len(values) - 1)
    other = np.where(run[other] == run[one], other, one)
    mixed = random.random((count, values.shape[1])) < 0.6 * random.random((count, 1))
    made = np.where(mixed, values[other], values[one])
    gone = random.random(count) < 0.5
    steps = random.exponential(0.7, (count, 1)) * random.normal(0, 0.7, made.shape) * values.std(axis=0)
    return np.where(gone[:, None] & moves, made + steps, made).astype(np.float32)


def _run_means(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """[N, F]: the mean of each shot's run."""
    _, place, sizes = np.unique(run, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, column) for column in values.T], axis=1)
    return (sums / sizes[:, None])[place]
