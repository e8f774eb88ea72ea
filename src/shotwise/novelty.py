"""Novelty: whether a shot is like those that the model was trained on, so that its prediction means something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.graph import GraphOutput

# In widths of the range seen. A condition (such as a temperature of the factory) just outside the range comes from a
# new run; one farther out than this is an odd value.
FAR_OUTSIDE = 0.5


@dataclass(frozen=True)
class Novelty:
    """How unusual a shot is.

    Attributes
    ----------
    score : float
        The larger of reconstruction error and distance, each divided by its limit; unusual above 1.
    kind : str or None
        `shot`: the values do not fit together, or a value that changes with every shot lies outside the range seen, or
        any value lies far outside. `conditions`: the surroundings of the shot differ from those of all training shots.
        None: the shot is usual.
    outside_seen : tuple of str
        Names of the features with a value outside the range of the training shots.
    """

    score: float
    kind: str | None
    outside_seen: tuple[str, ...]


def novelty(values: NDArray[np.float32], output: GraphOutput, row: int, bundle: Bundle) -> Novelty:
    """Judge one shot.

    Parameters
    ----------
    values : ndarray of float32, shape (n_features,)
        The shot; NaN where a value was not measured.
    output : GraphOutput
        Of a run of the graph that included the shot.
    row : int
        The shot's row in `output`.
    bundle : Bundle
        Gives the limits and the ranges seen.
    """
    error = float(output.reconstruction_error[row]) / bundle.thresholds.novelty
    distance = float(output.distance[row]) / bundle.thresholds.distance
    excess = {feature.name: _excess(value, feature) for feature, value in zip(bundle.features, values, strict=True)}
    outside = tuple(name for name, widths in excess.items() if widths > 0)
    odd = any(excess[name] > (FAR_OUTSIDE if bundle.features[bundle.position[name]].condition else 0)
              for name in outside)
    # In new conditions the values fit together in ways that were never seen, so the error says nothing about the shot.
    kind = "shot" if odd or (error > 1 and distance <= 1) else "conditions" if distance > 1 or outside else None
    return Novelty(max(error, distance), kind, outside)


def usual_mask(rows: NDArray[np.float32], output: GraphOutput, bundle: Bundle) -> NDArray[np.bool_]:
    """Compute for many shots at once whether `novelty` gives them no kind.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_shots, n_features)
        The shots; NaN where a value was not measured.
    output : GraphOutput
        Of these rows.
    bundle : Bundle
        Gives the limits and the ranges seen.

    Returns
    -------
    mask : ndarray of bool, shape (n_shots,)
        True where the shot is usual.
    """
    numeric = np.array([not feature.categories for feature in bundle.features])
    low, high = np.array([feature.seen for feature in bundle.features], np.float32).T
    outside = ((rows < low) | (rows > high)) & numeric
    mask: NDArray[np.bool_] = ((output.reconstruction_error <= bundle.thresholds.novelty)
                               & (output.distance <= bundle.thresholds.distance) & ~outside.any(axis=1))
    return mask


def _excess(value: np.float32, feature: Feature) -> float:
    """How far a value lies outside the range seen, in widths of that range.

    0 inside it and for a category, infinite where the range is a single value.
    """
    # Compared in float32, as the graph does: a decimal of the schema is not always the float32 that it stands for.
    low, high = (np.float32(bound) for bound in feature.seen)
    if feature.categories or not (value < low or value > high):
        return 0.0
    return float(max(low - value, value - high) / (high - low)) if high > low else float("inf")
