"""Predict whether a shot is defective, with what confidence, and what to do with the part."""

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
HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.8, 0.6  # calibrated probability that the class is right


@dataclass(frozen=True)
class LimitBreach:
    """A value outside the limits of good shots of its product type; all numbers in the feature's unit."""

    feature: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TypeProbability:
    """How probable it is that a shot shows a type of defect.

    Attributes
    ----------
    type : str
        Name of the defect type.
    label : dict of language to str
        Name for readers.
    probability : float or None
        None if too few training shots show the type.
    examples : int
        Number of training shots that show the type.
    """

    type: str
    label: dict[str, str]
    probability: float | None
    examples: int


@dataclass(frozen=True)
class HistoryUse:
    """How inspection results of the run entered a prediction.

    Attributes
    ----------
    known_outcomes : int
        Number of known inspection results.
    used : bool
        Whether they were enough to be used.
    probability_alone : float
        Probability from the shot's own values alone, which is the one that attribution explains.
    """

    known_outcomes: int
    used: bool
    probability_alone: float


@dataclass(frozen=True)
class Prediction:
    """What the model predicts for one shot.

    Attributes
    ----------
    defect : bool
        Whether the probability reaches the threshold.
    probability : float
        Calibrated probability of a defect.
    threshold : float
        Probability from which a shot counts as defective.
    confidence : str
        `high`, `medium` or `low`, by the calibrated probability that the class is right; `low` for an unusual shot.
    advice : str
        What to do with the part: `accept`, `inspect` or `reject`.
    defect_types : tuple of TypeProbability
        Defect types, the most probable first.
    novelty, novelty_kind, outside_seen
        `score`, `kind` and `outside_seen` of `shotwise.novelty.Novelty`.
    unusual : bool
        Whether `novelty_kind` is not None.
    limit_breaches : tuple of LimitBreach
        Values outside the limits of good shots.
    imputed : tuple of str
        Features that were not measured.
    latent : tuple of float
        The 12 latent features.
    history : HistoryUse or None
        None if no inspection result was known.
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
    """Predict for all shots in one run of the graph; the predictions are in the order of the shots."""
    output, type_shares = _run(shots, bundle)
    return [_prediction(shot, output, type_shares, row, bundle) for row, shot in enumerate(shots)]


def predict_with_history(shot: Shot, history: History | None, bundle: Bundle) -> Prediction:
    """Predict for a shot from its values and from known inspection results of its run.

    Without known results, or with too few to be used, the probability is that of `predict`.
    """
    output, type_shares = _run([shot], bundle)
    if bundle.history is None or history is None or not history.known_outcomes:
        return _prediction(shot, output, type_shares, 0, bundle)
    alone = float(output.probability[0])
    with_history, evidence = bundle.history.graph(alone, history.outcomes)
    used = evidence >= bundle.history.thresholds.evidence
    history_use = HistoryUse(history.known_outcomes, used, alone)
    verdict = _Verdict(with_history, bundle.history.thresholds, history_use) if used \
        else _Verdict(alone, bundle.thresholds, history_use)
    return _prediction(shot, output, type_shares, 0, bundle, verdict)


@dataclass(frozen=True)
class _Verdict:
    """A probability with the thresholds that belong to it."""

    probability: float
    thresholds: Thresholds | HistoryThresholds
    history: HistoryUse | None = None


def is_new_run(predictions: Sequence[Prediction]) -> bool:
    """Return whether a batch looks like a production run unlike all training runs.

    It does if it has at least MIN_RUN_SHOTS shots and the conditions of at least half of them are new.
    """
    new_conditions = sum(prediction.novelty_kind == "conditions" for prediction in predictions)
    return len(predictions) >= MIN_RUN_SHOTS and 2 * new_conditions >= len(predictions)


def limit_breaches(shot: Shot, bundle: Bundle) -> tuple[LimitBreach, ...]:
    """List the measured values outside the limits of good shots of the shot's product type."""
    breaches = []
    for name, (low, high) in bundle.limits[bundle.product_type(shot.values)].items():
        value = shot.measured[name]
        if isinstance(value, int | float) and not low <= value <= high:
            breaches.append(LimitBreach(name, float(value), low, high))
    return tuple(breaches)


def _run(shots: Sequence[Shot], bundle: Bundle) -> tuple[GraphOutput, NDArray[np.float32]]:
    """Run the graphs. Return the output, and the share of each type among defects, shape (n_shots, n_types)."""
    values = np.stack([shot.values for shot in shots])
    type_shares = bundle.defect_type_graph(values) if bundle.defect_type_graph \
        else np.empty((len(values), 0), np.float32)
    return bundle.graph.run(values), type_shares


def _prediction(shot: Shot, output: GraphOutput, type_shares: NDArray[np.float32], row: int, bundle: Bundle,
                verdict: _Verdict | None = None) -> Prediction:
    verdict = verdict or _Verdict(float(output.probability[row]), bundle.thresholds)
    probability, thresholds = verdict.probability, verdict.thresholds
    defect = probability >= thresholds.decision
    novel = novelty(shot.values, output, row, bundle)
    return Prediction(
        defect=defect, probability=probability, threshold=thresholds.decision,
        confidence=_confidence(probability if defect else 1 - probability, novel.kind),
        advice=_advice(verdict, novel.kind),
        defect_types=_type_probabilities(probability, type_shares[row], bundle),
        novelty=novel.score, novelty_kind=novel.kind, unusual=novel.kind is not None, outside_seen=novel.outside_seen,
        limit_breaches=limit_breaches(shot, bundle), imputed=shot.imputed,
        latent=tuple(float(latent) for latent in output.latent[row]), history=verdict.history)


def _confidence(probability_right: float, novelty_kind: str | None) -> str:
    if novelty_kind:
        return "low"  # calibrated on other shots, so the probability says nothing about this one
    return "high" if probability_right >= HIGH_CONFIDENCE else \
        "medium" if probability_right >= MEDIUM_CONFIDENCE else "low"


def _advice(verdict: _Verdict, novelty_kind: str | None) -> str:
    # Not for "conditions": they are new for all shots of a run, and inspecting them all would hide the odd ones.
    if novelty_kind == "shot":
        return "inspect"
    if verdict.probability < verdict.thresholds.accept_below:
        return "accept"
    return "reject" if verdict.probability >= verdict.thresholds.reject_from else "inspect"


def _type_probabilities(probability: float, shares: NDArray[np.float32], bundle: Bundle) -> tuple[TypeProbability, ...]:
    """Multiply the probability of a defect by the share of each type among such defective shots.

    The most probable type comes first, types with too few examples last.
    """
    capped_shares = [min(float(share), 1.0) for share in shares]
    type_probabilities = [
        TypeProbability(defect_type.name, dict(defect_type.label),
                        probability * share if defect_type.modelled else None, defect_type.examples)
        for defect_type, share in zip(bundle.defect_types, capped_shares, strict=True)]
    return tuple(sorted(type_probabilities,
                        key=lambda entry: 1.0 if entry.probability is None else -entry.probability))
