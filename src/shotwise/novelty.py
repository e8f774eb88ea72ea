"""Whether a shot is one that the model can speak about, or unlike those that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.graph import GraphOutput

FAR_OUTSIDE = 0.5  # of the range seen: a condition farther out is no new run's, but an odd value


@dataclass(frozen=True)
class Novelty:
    """score: reconstruction error or distance, each in multiples of its limit, whichever is more. kind: "shot" where
    the values do not fit together, or one that changes with every shot lies outside the range seen, or any lies far
    outside; "conditions" where the shot's surroundings are unlike those of all training shots; None where it is usual.
    outside_seen: names of the values outside the range of the training shots."""

    score: float
    kind: str | None
    outside_seen: tuple[str, ...]


def novelty(values: NDArray[np.float32], output: GraphOutput, row: int, bundle: Bundle) -> Novelty:
    """Of the shot [F] in `row` of the output."""
    error = float(output.reconstruction_error[row]) / bundle.thresholds.novelty
    distance = float(output.distance[row]) / bundle.thresholds.distance
    beyond = {feature.name: _beyond_seen(value, feature)
              for feature, value in zip(bundle.features, values, strict=True)}
    outside = tuple(name for name, part in beyond.items() if part > 0)
    odd = any(beyond[name] > (FAR_OUTSIDE if bundle.features[bundle.position[name]].condition else 0)
              for name in outside)
    # In new conditions the values fit together in ways that were never seen, so the error says no more of the shot.
    kind = "shot" if odd or (error > 1 and distance <= 1) else "conditions" if distance > 1 or outside else None
    return Novelty(max(error, distance), kind, outside)


def usual_mask(rows: NDArray[np.float32], output: GraphOutput, bundle: Bundle) -> NDArray[np.bool_]:
    """[N]: where `novelty` of the shots [N, F] has no kind."""
    numeric = np.array([not feature.categories for feature in bundle.features])
    low, high = np.array([feature.seen for feature in bundle.features], np.float32).T
    outside = ((rows < low) | (rows > high)) & numeric
    found: NDArray[np.bool_] = ((output.reconstruction_error <= bundle.thresholds.novelty)
                                & (output.distance <= bundle.thresholds.distance) & ~outside.any(axis=1))
    return found


def _beyond_seen(value: np.float32, feature: Feature) -> float:
    """How far a value lies outside the range seen, as a part of that range; 0 inside, and for a category. Infinite
    where the range is one value."""
    # Compared as the graph sees them: a decimal of the schema is not always the float32 that it stands for.
    low, high = (np.float32(bound) for bound in feature.seen)
    if feature.categories or not (value < low or value > high):
        return 0.0
    return float(max(low - value, value - high) / (high - low)) if high > low else float("inf")
