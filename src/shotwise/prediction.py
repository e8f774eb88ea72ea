"""T1: from a shot to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import Bundle, HistoryThresholds, Thresholds
from shotwise.graph import GraphOutput
from shotwise.history import History
from shotwise.novelty import novelty
from shotwise.shot import Shot

MIN_RUN_SHOTS = 10


@dataclass(frozen=True)
class LimitBreach:
    """A value outside the limits of good shots of its product type, all in the feature's unit."""

    feature: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TypeProbability:
    """A defect type and the probability that this shot shows it, None where its `examples` among the training shots
    are too few to say."""

    type: str
    label: dict[str, str]
    probability: float | None
    examples: int


@dataclass(frozen=True)
class HistoryUse:
    """What a prediction with history rests on: the number of known inspection results, whether they were enough to be
    used, and the probability by the shot's values alone, which attribution explains."""

    known_outcomes: int
    used: bool
    probability_alone: float


@dataclass(frozen=True)
class Prediction:
    """What the model says of one shot.

    probability: calibrated, of a defect. defect: probability ≥ threshold. confidence: high, medium or low, by the
    calibrated chance that the class is right; low for an unusual shot. advice: accept, inspect or reject.
    novelty: reconstruction error or distance, each in multiples of its limit, whichever is more; unusual above 1.
    novelty_kind: "shot" where the values do not fit together, or one that changes with every shot lies outside the
    range seen, or any lies far outside; "conditions" where the shot's surroundings are unlike those of all training
    shots; None where it is not unusual. outside_seen: names of the values outside the range of the training shots.
    latent: [12]. history: None where no result was known.
    """

    defect: bool
    probability: float
    threshold: float
    confidence: str
    advice: str
    defect_types: tuple[TypeProbability, ...]
    novelty: float
    novelty_kind: str | None
    unusual: bool
    outside_seen: tuple[str, ...]
    limit_breaches: tuple[LimitBreach, ...]
    imputed: tuple[str, ...]
    latent: tuple[float, ...]
    history: HistoryUse | None = None


def predict(shots: Sequence[Shot], bundle: Bundle) -> list[Prediction]:
    """Predict for N shots in one run of the graph, in the order given."""
    output, types = _run(shots, bundle)
    return [_prediction(shot, output, types, row, bundle) for row, shot in enumerate(shots)]


def predict_with_history(shot: Shot, history: History | None, bundle: Bundle) -> Prediction:
    """Predict for a shot whose run's inspection results are known in part; without any, or with too few to say more
    than the shot's values, as `predict` does."""
    output, types = _run([shot], bundle)
    if bundle.history is None or history is None or not history.known_outcomes:
        return _prediction(shot, output, types, 0, bundle)
    alone = float(output.probability[0])
    with_history, evidence = bundle.history.graph(alone, history.outcomes)
    used = evidence >= bundle.history.thresholds.evidence
    told = HistoryUse(history.known_outcomes, used, alone)
    joined = Verdict(with_history, bundle.history.thresholds, told) if used else Verdict(alone, bundle.thresholds, told)
    return _prediction(shot, output, types, 0, bundle, joined)


@dataclass(frozen=True)
class Verdict:
    """A probability and the thresholds that it is held against."""

    probability: float
    thresholds: Thresholds | HistoryThresholds
    history: HistoryUse | None = None


def is_new_run(predictions: Sequence[Prediction]) -> bool:
    """Whether a batch looks like a production run that the model has not seen: it holds MIN_RUN_SHOTS shots or more,
    and the conditions of at least half of them are new."""
    new = sum(found.novelty_kind == "conditions" for found in predictions)
    return len(predictions) >= MIN_RUN_SHOTS and 2 * new >= len(predictions)


def _run(shots: Sequence[Shot], bundle: Bundle) -> tuple[GraphOutput, NDArray[np.float32]]:
    values = np.stack([shot.values for shot in shots])
    return bundle.graph.run(values), bundle.defect_type_graph(values) if bundle.defect_type_graph else np.empty((len(values), 0), np.float32)


def _prediction(shot: Shot, output: GraphOutput, types: NDArray[np.float32], row: int, bundle: Bundle,
                joined: Verdict | None = None) -> Prediction:
    verdict = joined or Verdict(float(output.probability[row]), bundle.thresholds)
    probability, thresholds = verdict.probability, verdict.thresholds
    defect = probability >= thresholds.decision
    found = novelty(shot.values, output, row, bundle)
    return Prediction(
        defect=defect, probability=probability, threshold=thresholds.decision,
        confidence=_confidence(probability if defect else 1 - probability, found.kind),
        advice=_advice(verdict, found.kind), defect_types=_types(probability, types[row], bundle),
        novelty=found.score, novelty_kind=found.kind, unusual=found.kind is not None, outside_seen=found.outside_seen,
        limit_breaches=limit_breaches(shot, bundle), imputed=shot.imputed, latent=tuple(float(value) for value in output.latent[row]),
        history=verdict.history)


def _confidence(chance: float, kind: str | None) -> str:
    if kind:
        return "low"  # the model has not seen such shots, so its calibration says nothing about this one
    return "high" if chance >= 0.8 else "medium" if chance >= 0.6 else "low"


def _advice(verdict: Verdict, kind: str | None) -> str:
    if kind == "shot":  # not "conditions": they are new for every shot of a run, and inspecting all hides the odd ones
        return "inspect"
    if verdict.probability < verdict.thresholds.accept_below:
        return "accept"
    return "reject" if verdict.probability >= verdict.thresholds.reject_from else "inspect"


def limit_breaches(shot: Shot, bundle: Bundle) -> tuple[LimitBreach, ...]:
    """The measured values outside the limits of good shots of the shot's product type."""
    limits = bundle.limits[bundle.product_type(shot.values)]
    found = []
    for name, (low, high) in limits.items():
        value = shot.measured[name]
        if isinstance(value, int | float) and not low <= value <= high:
            found.append(LimitBreach(name, float(value), low, high))
    return tuple(found)


def _types(probability: float, shown: NDArray[np.float32], bundle: Bundle) -> tuple[TypeProbability, ...]:
    """Probability of a defect × the chance that it shows the type, most likely first; last those that have too few
    examples to say."""
    chances = [min(float(chance), 1.0) for chance in shown]
    found = [
        TypeProbability(kind.name, dict(kind.label), probability * chance if kind.modelled else None, kind.examples)
        for kind, chance in zip(bundle.defect_types, chances, strict=True)]
    return tuple(sorted(found, key=lambda kind: 1.0 if kind.probability is None else -kind.probability))
