"""T1: from a shot to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, Feature
from shotwise.shot import Shot


@dataclass(frozen=True)
class LimitBreach:
    """A value outside the limits of good shots of its product type, all in the feature's unit."""

    feature: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TypeProbability:
    """A defect type and the probability that this shot shows it."""

    type: str
    label: dict[str, str]
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What the model says of one shot.

    probability: calibrated, of a defect. defect: probability ≥ threshold. confidence: high, medium or low, by the
    calibrated chance that the class is right; low for an unusual shot. advice: accept, inspect or reject.
    novelty: reconstruction error in multiples of its limit, unusual above 1. outside_seen: names of the values
    outside the range of the training shots. latent: [12].
    """

    defect: bool
    probability: float
    threshold: float
    confidence: str
    advice: str
    defect_types: tuple[TypeProbability, ...]
    novelty: float
    unusual: bool
    outside_seen: tuple[str, ...]
    limits: tuple[LimitBreach, ...]
    imputed: tuple[str, ...]
    latent: tuple[float, ...]


def predict(shots: Sequence[Shot], bundle: Bundle) -> list[Prediction]:
    """Predict for N shots in one run of the graph, in the order given."""
    output = bundle.graph.run(np.stack([shot.values for shot in shots]))
    return [_prediction(shot, float(output.probability[row]), float(output.reconstruction_error[row]),
                        output.latent[row], bundle) for row, shot in enumerate(shots)]


def _prediction(shot: Shot, probability: float, error: float, latent: NDArray[np.float32],
                bundle: Bundle) -> Prediction:
    thresholds = bundle.thresholds
    defect = probability >= thresholds.decision
    novelty = error / thresholds.novelty
    outside = tuple(feature.name for feature, value in zip(bundle.features, shot.values, strict=True)
                    if _outside_seen(value, feature))
    unusual = novelty > 1 or bool(outside)
    return Prediction(
        defect=defect, probability=probability, threshold=thresholds.decision,
        confidence=_confidence(probability if defect else 1 - probability, unusual),
        advice=_advice(probability, unusual, bundle), defect_types=_types(shot, probability, bundle),
        novelty=novelty, unusual=unusual, outside_seen=outside, limits=breaches(shot, bundle), imputed=shot.imputed,
        latent=tuple(float(value) for value in latent))


def _outside_seen(value: np.float32, feature: Feature) -> bool:
    # Compared as the graph sees them: a decimal of the schema is not always the float32 that it stands for.
    low, high = (np.float32(bound) for bound in feature.seen)
    return not feature.categories and bool(value < low or value > high)


def _confidence(chance: float, unusual: bool) -> str:
    if unusual:
        return "low"  # the model has not seen such shots, so its calibration says nothing about this one
    return "high" if chance >= 0.8 else "medium" if chance >= 0.6 else "low"


def _advice(probability: float, unusual: bool, bundle: Bundle) -> str:
    if unusual:
        return "inspect"
    if probability < bundle.thresholds.accept_below:
        return "accept"
    return "reject" if probability >= bundle.thresholds.reject_from else "inspect"


def breaches(shot: Shot, bundle: Bundle) -> tuple[LimitBreach, ...]:
    """The measured values outside the limits of good shots of the shot's product type."""
    limits = bundle.limits[bundle.product(shot.values)]
    found = []
    for name, (low, high) in limits.items():
        value = shot.measured[name]
        if isinstance(value, int | float) and not low <= value <= high:
            found.append(LimitBreach(name, float(value), low, high))
    return tuple(found)


def _types(shot: Shot, probability: float, bundle: Bundle) -> tuple[TypeProbability, ...]:
    """Probability of a defect × the type's share among defective training shots of this product, most likely first."""
    product = bundle.product(shot.values)
    found = [TypeProbability(kind.name, dict(kind.label), probability * kind.share[product])
             for kind in bundle.defect_types]
    return tuple(sorted(found, key=lambda kind: -kind.probability))
