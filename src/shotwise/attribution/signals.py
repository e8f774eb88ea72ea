"""Compare three independent checks of each value of a shot.

The checks have different bases: the limits of good shots, the inspection results (through Shapley values), and the
autoencoder, which was trained without inspection results. A value that several checks mark deserves attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.attribution.shapley import Attribution
from shotwise.bundle import Bundle
from shotwise.prediction import limit_breaches
from shotwise.shot import Shot

HIGH_SHARE = 0.1  # share of the sum of absolute contributions


@dataclass(frozen=True)
class Signal:
    """The three checks of one value.

    Attributes
    ----------
    feature : str
        Name of the feature.
    outside_limits : bool or None
        Whether the value is outside the limits of good shots of the product type; None if the feature has no limits or
        was not measured.
    high_attribution : bool
        Whether its absolute contribution is at least HIGH_SHARE of all absolute contributions.
    high_error : bool or None
        Whether the autoencoder reconstructs it worse than in 98 % of the training shots; None if it was not measured.
    """

    feature: str
    outside_limits: bool | None
    high_attribution: bool
    high_error: bool | None

    @property
    def count(self) -> int:
        """How many of the three checks are positive."""
        return sum(map(bool, (self.outside_limits, self.high_attribution, self.high_error)))


def signals(shot: Shot, attribution: Attribution, feature_errors: NDArray[np.float32],
            bundle: Bundle) -> tuple[Signal, ...]:
    """List the values for which at least one check is positive.

    Parameters
    ----------
    shot : Shot
        The shot.
    attribution : Attribution
        The attribution of this shot.
    feature_errors : ndarray of float32, shape (n_features,)
        The graph's `feature_error` for this shot.
    bundle : Bundle
        The model.

    Returns
    -------
    signals : tuple of Signal
        Signals with the most positive checks first; among equals, the largest contribution first.
    """
    sizes = np.abs(attribution.contributions)
    min_size = HIGH_SHARE * sizes.sum()
    limits = bundle.limits[bundle.product_type(shot.values)]
    breached = {breach.feature for breach in limit_breaches(shot, bundle)}
    sized_signals = []
    for column, feature in enumerate(bundle.features):
        if feature.constant and shot.values[column] == np.float32(feature.seen[0]):
            continue  # it is the same in every shot; a high error would come from the other values
        measured = shot.measured[feature.name] is not None
        outside_limits = feature.name in breached if measured and feature.name in limits else None
        high_error = bool(feature_errors[column] > feature.usual_error) if measured else None
        high_attribution = bool(sizes[column] >= min_size > 0)
        sized_signals.append((Signal(feature.name, outside_limits, high_attribution, high_error), sizes[column]))
    sized_signals.sort(key=lambda pair: (-pair[0].count, -pair[1]))
    return tuple(signal for signal, _ in sized_signals if signal.count)
