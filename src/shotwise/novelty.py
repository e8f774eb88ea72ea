"""Judge whether a shot resembles the training shots, because only then is its prediction meaningful."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.graph import GraphOutput

# In widths of the range seen. A condition (such as the factory's temperature) just outside the range comes from a new
# run; one farther outside than this is an odd value.
FAR_OUTSIDE = 0.5


@dataclass(frozen=True)
class Novelty:
    """How unusual a shot is.

    Attributes
    ----------
    score : float
        The larger of reconstruction error and distance, each divided by its threshold; unusual above 1.
    kind : str or None
        `shot`: the values do not fit together, or a value that changes with every shot is outside the range seen, or
        any value is far outside. `conditions`: the surroundings of the shot differ from those of all training shots.
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
        Output of a run of the graph on several shots, including this one.
    row : int
        The shot's row in `output`.
    bundle : Bundle
        The model, with its thresholds and the ranges seen.
    """
    error = float(output.reconstruction_error[row]) / bundle.thresholds.novelty
    distance = float(output.distance[row]) / bundle.thresholds.distance
    excess = {feature.name: _excess(value, feature) for feature, value in zip(bundle.features, values, strict=True)}
    outside = tuple(name for name, widths in excess.items() if widths > 0)
    odd = any(excess[name] > (FAR_OUTSIDE if bundle.features[bundle.position[name]].condition else 0)
              for name in outside)
    # Under new conditions, values are combined as in no training shot, so the error says nothing about the single shot.
    kind = "shot" if odd or (error > 1 and distance <= 1) else "conditions" if distance > 1 or outside else None
    return Novelty(max(error, distance), kind, outside)


def usual_mask(rows: NDArray[np.float32], output: GraphOutput, bundle: Bundle) -> NDArray[np.bool_]:
    """Compute for many shots at once whether they are usual, that is, whether `novelty` gives no kind.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_shots, n_features)
        The shots; NaN where a value was not measured.
    output : GraphOutput
        The graph's output for these rows.
    bundle : Bundle
        The model, with its thresholds and the ranges seen.

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
    """Return how far a value is outside the range seen, in widths of that range.

    0 inside the range and for a category; infinite outside a range that is a single value.
    """
    # Compared in float32, as in the graph: a bound of the schema may differ from its own float32 value.
    low, high = (np.float32(bound) for bound in feature.seen)
    if feature.categories or not (value < low or value > high):
        return 0.0
    return float(max(low - value, value - high) / (high - low)) if high > low else float("inf")
