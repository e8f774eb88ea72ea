"""The truth that estimators are held against: Shapley values by very many permutations, with their own error."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import Pool, cpu_count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shotwise.adapters.onnx import OnnxGraph
from shotwise.bundle import Bundle, load_bundle
from shotwise.graph import Engine

AT_ONCE = 25  # antithetic permutations per background shot in one run of the graph

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """values: float64 [N, F]. errors: float64 [N], the expected sum of absolute errors of a shot's values, as a share
    of the sum of their absolute values."""

    values: Floats
    errors: Floats


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, as T2 opens it."""
    return load_bundle(folder, Engine(OnnxGraph))


def reference(folder: Path, shots: NDArray[np.float32], permutations: int) -> Reference:
    """Of `shots` [N, F]: each walks `permutations` orders and their reverses against every background shot, each an
    order of its own; neither proxy nor covariance, so it favours no estimator."""
    with Pool(cpu_count(), _open, (folder,)) as pool:
        found = pool.starmap(_of_one, [(number, shot, permutations) for number, shot in enumerate(shots)])
    return Reference(np.array([values for values, _ in found]), np.array([error for _, error in found]))


def _open(folder: Path) -> None:
    global bundle
    bundle = load(folder)


def _of_one(number: int, shot: NDArray[np.float32], permutations: int) -> tuple[Floats, float]:
    random = np.random.default_rng([7, number])
    parts = [_walked(shot, random) for _ in range(-(-permutations // AT_ONCE))]
    samples = np.concatenate(parts)  # [permutations, B, F]
    values = samples.mean(axis=(0, 1))
    variance = samples.var(axis=0, ddof=1).sum(axis=0) / (samples.shape[0] * samples.shape[1] ** 2)
    return values, float(np.sqrt(variance * 2 / np.pi).sum() / np.abs(values).sum())


def _walked(shot: NDArray[np.float32], random: np.random.Generator) -> Floats:
    """[AT_ONCE, B, F]: what each value added, in an order and its reverse."""
    background = bundle.background
    count, width = background.shape
    walks, orders = [], []
    for _ in range(AT_ONCE):
        for row in background:
            order = random.permutation(np.flatnonzero(~((shot == row) | (np.isnan(shot) & np.isnan(row)))))
            orders.append(order)
            walks += [_walk(shot, row, order), _walk(shot, row, order[::-1])]
    worth = bundle.graph.probability(np.concatenate(walks)).astype(np.float64)
    found, start = np.zeros((len(orders), width)), 0
    for number, order in enumerate(orders):
        for walked in (order, order[::-1]):
            stop = start + len(order) + 1
            found[number, walked] += np.diff(worth[start:stop]) / 2
            start = stop
    return found.reshape(AT_ONCE, count, width)


def _walk(shot: NDArray[np.float32], row: NDArray[np.float32], order: NDArray[np.intp]) -> NDArray[np.float32]:
    """The background shot, then with one more of the shot's values at a time: float32 [len(order) + 1, F]."""
    reached = np.full(len(shot), len(order) + 1)
    reached[order] = np.arange(1, len(order) + 1)
    return np.where(np.arange(len(order) + 1)[:, None] >= reached, shot, row)
