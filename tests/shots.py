"""The shots that tests use: the real ones where SHOTWISE_KAMP_CSV names them, else synthetic ones.

The synthetic generator needs nothing but the bundle: every shot starts from one of its background shots (real shots,
shipped with the model); then each varying numeric value moves, with probability 0.7, by a normal step of 5 % of the
range seen, is clipped to that range and rounded to the machine's resolution; a value that may be missing is missing
in 1 of 50 shots. The schema is therefore the real one and the values are plausible, but their joint distribution is
not that of a foundry, so nothing about the model's quality may be concluded from them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature

ROOT = Path(__file__).parent.parent
SYNTHETIC = 500


@dataclass(frozen=True)
class Shots:
    """features: float32 [N, F] as the graph takes them. origin: what the run says of them."""

    features: NDArray[np.float32]
    origin: str


def kamp_csv() -> Path | None:
    """The file of real shots, where the environment names one."""
    named = os.environ.get("SHOTWISE_KAMP_CSV")
    return Path(named) if named else None


def load_shots(bundle: Bundle) -> Shots:
    """All real shots, or SYNTHETIC generated ones."""
    path = kamp_csv()
    if path is None:
        return Shots(generate(bundle, SYNTHETIC, seed=0), f"{SYNTHETIC} synthetic shots (SHOTWISE_KAMP_CSV is not set)")
    from shotwise_training.data.table import read_table

    table = read_table(path, ROOT / "src/shotwise_training/kamp.toml")
    return Shots(table.features, f"{len(table)} real shots")


def generate(bundle: Bundle, count: int, seed: int) -> NDArray[np.float32]:
    """Synthetic shots, float32 [count, F]; the same seed gives the same shots."""
    random = np.random.default_rng(seed)
    rows = bundle.background[random.integers(len(bundle.background), size=count)].copy()
    for index, feature in enumerate(bundle.features):
        if not feature.constant and not feature.categories:
            rows[:, index] = _moved(rows[:, index], feature, random)
        if feature.missing:
            rows[random.random(count) < 0.02, index] = np.nan
    return rows


def _moved(values: NDArray[np.float32], feature: Feature, random: np.random.Generator) -> NDArray[np.float32]:
    low, high = feature.seen
    step = random.normal(0, 0.05 * (high - low), len(values)) * (random.random(len(values)) < 0.7)
    moved = np.clip(values + step, low, high)
    if feature.resolution:
        moved = np.round(moved / feature.resolution) * feature.resolution
    return np.clip(moved, low, high).astype(np.float32)


def as_features(row: NDArray[np.float32], bundle: Bundle) -> dict[str, float | str | None]:
    """A row of the graph's input as a caller would send it."""
    return {feature.name: _given(float(value), feature) for feature, value in zip(bundle.features, row, strict=True)}


def _given(value: float, feature: Feature) -> float | str | None:
    if np.isnan(value):
        return None
    return feature.categories[int(value)] if feature.categories else float(str(np.float32(value)))
