"""The shots that tests use: real ones if SHOTWISE_KAMP_CSV names their file, else synthetic ones.

Synthetic shots are made from the bundle alone. Each starts as one of its background shots (real shots, shipped with
the model). Every numeric value that varies then moves with probability 0.7 by a normal step of 5 % of the range seen,
is clipped to that range and rounded to the machine's resolution. A value that may be missing is missing in 1 of 50
shots. Schema and values are therefore realistic, but the joint distribution is not that of a foundry, so nothing about
the model's quality may be concluded from them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature

ROOT = Path(__file__).parent.parent
N_SYNTHETIC = 500


@dataclass(frozen=True)
class Shots:
    """Shots to test with.

    Attributes
    ----------
    features : ndarray of float32, shape (n_shots, n_features)
        As the graph takes them.
    origin : str
        Where they come from, for the test report.
    """

    features: NDArray[np.float32]
    origin: str


def kamp_csv() -> Path | None:
    """The file of real shots that the environment names, or None."""
    path = os.environ.get("SHOTWISE_KAMP_CSV")
    return Path(path) if path else None


def load_shots(bundle: Bundle) -> Shots:
    """Load all real shots, or generate N_SYNTHETIC ones."""
    path = kamp_csv()
    if path is None:
        origin = f"{N_SYNTHETIC} synthetic shots (SHOTWISE_KAMP_CSV is not set)"
        return Shots(generate(bundle, N_SYNTHETIC, seed=0), origin)
    from shotwise_training.data.table import read_table

    table = read_table(path, ROOT / "src/shotwise_training/kamp.toml")
    return Shots(table.features, f"{len(table)} real shots")


def generate(bundle: Bundle, count: int, seed: int) -> NDArray[np.float32]:
    """Make synthetic shots, float32 of shape (count, n_features); the same seed gives the same shots."""
    random = np.random.default_rng(seed)
    rows = bundle.background[random.integers(len(bundle.background), size=count)].copy()
    for column, feature in enumerate(bundle.features):
        if not feature.constant and not feature.categories:
            rows[:, column] = _moved(rows[:, column], feature, random)
        if feature.missing:
            rows[random.random(count) < 0.02, column] = np.nan
    return rows


def _moved(values: NDArray[np.float32], feature: Feature, random: np.random.Generator) -> NDArray[np.float32]:
    low, high = feature.seen
    step = random.normal(0, 0.05 * (high - low), len(values)) * (random.random(len(values)) < 0.7)
    moved = np.clip(values + step, low, high)
    if feature.resolution:
        moved = np.round(moved / feature.resolution) * feature.resolution
    return np.clip(moved, low, high).astype(np.float32)


def as_features(row: NDArray[np.float32], bundle: Bundle) -> dict[str, float | str | None]:
    """Turn a row of the graph's input into the values that a caller would send."""
    return {feature.name: _request_value(float(value), feature)
            for feature, value in zip(bundle.features, row, strict=True)}


def _request_value(value: float, feature: Feature) -> float | str | None:
    if np.isnan(value):
        return None
    return feature.categories[int(value)] if feature.categories else float(str(np.float32(value)))
