"""T2: which values drove the prediction. Shapley values of the whole fused graph with respect to the raw features.

The game: a coalition keeps the shot's values and takes the rest from a background shot; its worth is the graph's
probability, averaged over the bundle's background (interventional values; Janzing, Minorics, Blöbaum 2020). They are
estimated by walking permutations and their reverses (antithetic sampling; Mitchell, Cooper, Frank, Holmes, 2022),
each pair against one background shot, every background shot equally often, so that contributions and base value add
up to the probability by construction.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle
from shotwise.shot import Shot

ROUNDS = 2  # permutation pairs per background shot: about 12 ms and 6,000 rows at 64 background shots
SEED = 42


@dataclass(frozen=True)
class Attribution:
    """contributions: float64 [F], in probability. base_value: mean probability of the background.
    probability: of the shot = base_value + sum(contributions). estimated_error: expected sum of absolute errors
    of the contributions, as a share of the sum of their absolute values."""

    contributions: NDArray[np.float64]
    base_value: float
    probability: float
    estimated_error: float


def strongest(attribution: Attribution) -> list[int]:
    """The columns that contribute at all, the largest contribution first."""
    contributions = attribution.contributions
    return [int(index) for index in np.argsort(-np.abs(contributions), kind="stable") if contributions[index] != 0]


def attribute(shot: Shot, bundle: Bundle) -> Attribution:
    """Shapley values of `shot`; the same shot and bundle give the same numbers.

    A value equal in the shot and in a background shot plays no part against that background shot; one equal to all
    of them, a constant above all, gets exactly zero. A value that was not measured takes part as "not measured".
    """
    background = bundle.background
    differs = ~((shot.values == background) | (np.isnan(shot.values) & np.isnan(background)))
    # The graph leaves Python free while it runs, so the rounds share the cores there are.
    with ThreadPoolExecutor(ROUNDS) as pool:
        generators = [np.random.default_rng([SEED, number]) for number in range(ROUNDS)]
        samples = np.stack(list(pool.map(  # [rounds, B, F]
            lambda random: _pair_values(shot.values, background, differs, random, bundle), generators)))
    base = bundle.graph.probability(background).astype(np.float64)
    contributions = samples.mean(axis=(0, 1))
    base_value = float(base.mean())
    return Attribution(contributions, base_value, base_value + float(contributions.sum()),
                       _relative_error(samples, contributions))


def _pair_values(values: NDArray[np.float32], background: NDArray[np.float32], differs: NDArray[np.bool_],
                 random: np.random.Generator, bundle: Bundle) -> NDArray[np.float64]:
    """One permutation and its reverse against every background shot, in one run of the graph → [B, F]."""
    count, width = background.shape
    active = [np.flatnonzero(row) for row in differs]
    orders = [random.permutation(row) for row in active]
    walks = [_walk(values, background[index], order) for index, order in enumerate(orders)]
    walks += [_walk(values, background[index], order[::-1]) for index, order in enumerate(orders)]
    worth = bundle.graph.probability(np.concatenate(walks)).astype(np.float64)
    found = np.zeros((count, width))
    start = 0
    for number, order in enumerate(orders + [order[::-1] for order in orders]):
        stop = start + len(order) + 1
        found[number % count, order] += np.diff(worth[start:stop]) / 2
        start = stop
    return found


def _walk(values: NDArray[np.float32], start: NDArray[np.float32], order: NDArray[np.intp]) -> NDArray[np.float32]:
    """The background shot, then with one more of the shot's values at a time: float32 [len(order) + 1, F]."""
    rows = np.repeat(start[None, :], len(order) + 1, axis=0)
    for step, column in enumerate(order, 1):
        rows[step:, column] = values[column]
    return rows


def _relative_error(samples: NDArray[np.float64], contributions: NDArray[np.float64]) -> float:
    """From the spread between rounds against the same background shot, which is the sampling noise alone."""
    total = float(np.abs(contributions).sum())
    if total == 0:
        return 0.0
    rounds, count, _ = samples.shape
    variance = samples.var(axis=0, ddof=1).sum(axis=0) / (rounds * count**2)
    # E|error| of a normal error with this variance.
    return float(np.sqrt(variance * 2 / np.pi).sum()) / total
