"""Three independent looks at each value, side by side: they rest on different things, so where they agree the value is
worth an engineer's time, and where they differ that is told too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.attribution.shapley import Attribution
from shotwise.bundle import Bundle
from shotwise.prediction import limit_breaches
from shotwise.shot import Shot

HIGH_SHARE = 0.1  # of all that moved the probability, up or down


@dataclass(frozen=True)
class Signal:
    """outside_limits: of good shots of the product; None where the value has no limits or was not measured.
    high_attribution: at least HIGH_SHARE of all contributions. high_error: the autoencoder, which knows no labels,
    rebuilds the value worse from the other ones than that of 98 % of the training shots; None where it was not
    measured."""

    feature: str
    outside_limits: bool | None
    high_attribution: bool
    high_error: bool | None

    @property
    def count(self) -> int:
        """How many of the three say something."""
        return sum(map(bool, (self.outside_limits, self.high_attribution, self.high_error)))


def signals(shot: Shot, attribution: Attribution, errors: NDArray[np.float32], bundle: Bundle) -> tuple[Signal, ...]:
    """Every value of which at least one says something; those that most say something of first, of as many the larger
    contribution. errors: float32 [F], the graph's feature_error of the shot."""
    sizes = np.abs(attribution.contributions)
    limits, beyond = bundle.limits[bundle.product_type(shot.values)], {breach.feature for breach in limit_breaches(shot, bundle)}
    found = []
    for column, feature in enumerate(bundle.features):
        if feature.constant and shot.values[column] == np.float32(feature.seen[0]):
            continue  # what is always so says nothing of this shot, however the others make it look
        value = shot.measured[feature.name]
        outside = None if value is None or feature.name not in limits else feature.name in beyond
        odd = None if value is None else bool(errors[column] > feature.usual_error)
        found.append((Signal(feature.name, outside, bool(sizes[column] >= HIGH_SHARE * sizes.sum() > 0), odd),
                      sizes[column]))
    found.sort(key=lambda pair: (-pair[0].count, -pair[1]))
    return tuple(signal for signal, _ in found if signal.count)
