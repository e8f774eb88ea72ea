"""Compute the reference for the estimators: Shapley values from very many permutations, with their own error."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import Pool, cpu_count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import OnnxGraph
from shotwise.bundle import Bundle, load_bundle
from shotwise.graph import Engine

PERMUTATIONS_AT_ONCE = 25  # antithetic pairs of permutations per background shot in one run of the graph

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """Reference values of some shots.

    Attributes
    ----------
    values : ndarray of float64, shape (n_shots, n_features)
        Shapley values.
    errors : ndarray of float64, shape (n_shots,)
        Expected sum of the absolute errors of a shot's values, relative to the sum of their absolute values.
    """

    values: Floats
    errors: Floats


def load(folder: Path) -> Bundle:
    """Load the bundle in a folder as the importance function does."""
    return load_bundle(folder, Engine(OnnxGraph))


def reference(folder: Path, shots: NDArray[np.float32], permutations: int) -> Reference:
    """Compute reference values on all cores.

    Parameters
    ----------
    folder : Path
        Folder of the bundle.
    shots : ndarray of float32, shape (n_shots, n_features)
        Shots to explain.
    permutations : int
        Number of orders, for each background shot, in which its values are replaced by the shot's. Each order is used
        forwards and backwards.

    Notes
    -----
    It uses neither a proxy model nor a covariance, so that it favours no estimator.
    """
    with Pool(cpu_count(), _open, (folder,)) as pool:
        references = pool.starmap(_shot_reference, [(number, shot, permutations) for number, shot in enumerate(shots)])
    return Reference(np.array([values for values, _ in references]), np.array([error for _, error in references]))


_bundle: Bundle  # of a worker process


def _open(folder: Path) -> None:
    global _bundle
    _bundle = load(folder)


def _shot_reference(number: int, shot: NDArray[np.float32], permutations: int) -> tuple[Floats, float]:
    random = np.random.default_rng([7, number])
    parts = [_contributions(shot, random) for _ in range(-(-permutations // PERMUTATIONS_AT_ONCE))]
    samples = np.concatenate(parts)  # shape (n_permutations, n_background, n_features)
    values = samples.mean(axis=(0, 1))
    variance = samples.var(axis=0, ddof=1).sum(axis=0) / (samples.shape[0] * samples.shape[1] ** 2)
    return values, float(np.sqrt(variance * 2 / np.pi).sum() / np.abs(values).sum())


def _contributions(shot: NDArray[np.float32], random: np.random.Generator) -> Floats:
    """What each value adds, averaged over an order and its reverse.

    The shape is (PERMUTATIONS_AT_ONCE, n_background, n_features).
    """
    background = _bundle.background
    count, width = background.shape
    walks, orders = [], []
    for _ in range(PERMUTATIONS_AT_ONCE):
        for row in background:
            order = random.permutation(np.flatnonzero(~((shot == row) | (np.isnan(shot) & np.isnan(row)))))
            orders.append(order)
            walks += [_walk(shot, row, order), _walk(shot, row, order[::-1])]
    worth = _bundle.graph.probability(np.concatenate(walks)).astype(np.float64)
    contributions, start = np.zeros((len(orders), width)), 0
    for number, order in enumerate(orders):
        for direction in (order, order[::-1]):
            stop = start + len(order) + 1
            contributions[number, direction] += np.diff(worth[start:stop]) / 2
            start = stop
    return contributions.reshape(PERMUTATIONS_AT_ONCE, count, width)


def _walk(shot: NDArray[np.float32], row: NDArray[np.float32], order: NDArray[np.intp]) -> NDArray[np.float32]:
    """The background shot, then one more of its values replaced per row, shape (len(order) + 1, n_features)."""
    replaced_at = np.full(len(shot), len(order) + 1)
    replaced_at[order] = np.arange(1, len(order) + 1)
    return np.where(np.arange(len(order) + 1)[:, None] >= replaced_at, shot, row)
