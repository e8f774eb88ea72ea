"""Signals: three independent checks of each value, side by side.

The checks rest on different things: limits of good shots, the labels (through Shapley values), and the autoencoder,
which knows no labels. Where they agree on a value, it is worth an engineer's time; where they differ, the reader sees
that, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.attribution.shapley import Attribution
from shotwise.bundle import Bundle
from shotwise.prediction import limit_breaches
from shotwise.shot import Shot

HIGH_SHARE = 0.1  # of the sum of absolute contributions


@dataclass(frozen=True)
class Signal:
    """The three checks of one value.

    Attributes
    ----------
    feature : str
        Name of the feature.
    outside_limits : bool or None
        Outside the limits of good shots of the product type; None where it has no limits or was not measured.
    high_attribution : bool
        Has at least HIGH_SHARE of all contributions.
    high_error : bool or None
        The autoencoder rebuilds the value from the other ones worse than for 98 % of the training shots; None where
        it was not measured.
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
        Of this shot.
    feature_errors : ndarray of float32, shape (n_features,)
        The graph's `feature_error` for this shot.
    bundle : Bundle
        The model.

    Returns
    -------
    signals : tuple of Signal
        Those with the most positive checks first; among equals, the largest contribution first.
    """
    sizes = np.abs(attribution.contributions)
    min_size = HIGH_SHARE * sizes.sum()
    limits = bundle.limits[bundle.product_type(shot.values)]
    breached = {breach.feature for breach in limit_breaches(shot, bundle)}
    sized_signals = []
    for column, feature in enumerate(bundle.features):
        if feature.constant and shot.values[column] == np.float32(feature.seen[0]):
            continue  # a value that is equal in every shot says nothing about this one, however the others make it look
        measured = shot.measured[feature.name] is not None
        outside_limits = feature.name in breached if measured and feature.name in limits else None
        high_error = bool(feature_errors[column] > feature.usual_error) if measured else None
        high_attribution = bool(sizes[column] >= min_size > 0)
        sized_signals.append((Signal(feature.name, outside_limits, high_attribution, high_error), sizes[column]))
    sized_signals.sort(key=lambda pair: (-pair[0].count, -pair[1]))
    return tuple(signal for signal, _ in sized_signals if signal.count)
