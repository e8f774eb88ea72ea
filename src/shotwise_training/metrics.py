"""Compute figures of test shots, each with a bootstrap interval, and paired differences between two models.

Every figure is a function of weights on the shots: weight one on each gives the figure itself, the counts of a resample
give a bootstrap replicate. One pass over the sorted shots computes all replicates at once. Each figure returns an array
of shape (n_resamples,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 42
INTERVAL = (2.5, 97.5)  # percentiles
BINS = 10  # of the calibration error
DECIMALS = 4

Array = NDArray[np.float64]
Weights = NDArray[np.float64]  # shape (n_resamples, n_shots): how often each resample has each shot


@dataclass(frozen=True)
class Predictions:
    """Predictions and outcomes of the test shots of a protocol, in the order of the table.

    Attributes
    ----------
    probability : ndarray of float64, shape (n_shots,)
        Probability of a defect.
    predicted : ndarray of bool, shape (n_shots,)
        Whether the probability reaches the threshold that was chosen on the shot's training part.
    defect : ndarray of bool, shape (n_shots,)
        Whether the shot was defective.
    run : ndarray of int64, shape (n_shots,)
        The run of the shot, numbered from 0.
    """

    probability: Array
    predicted: NDArray[np.bool_]
    defect: NDArray[np.bool_]
    run: NDArray[np.int64]


def f1(shots: Predictions, weights: Weights) -> Array:
    """Harmonic mean of precision and recall; 0 where no shot is predicted defective."""
    hits = weights @ (shots.predicted & shots.defect)
    return _ratio(2 * hits, weights @ shots.predicted.astype(float) + weights @ shots.defect.astype(float))


def precision(shots: Predictions, weights: Weights) -> Array:
    """Share of defects among the shots that are predicted defective; 0 where there are none."""
    return _ratio(weights @ (shots.predicted & shots.defect), weights @ shots.predicted.astype(float))


def recall(shots: Predictions, weights: Weights) -> Array:
    """Share of the defects that are predicted."""
    return _ratio(weights @ (shots.predicted & shots.defect), weights @ shots.defect.astype(float))


def roc_auc(shots: Predictions, weights: Weights) -> Array:
    """Chance that a defect gets a higher probability than a good shot, ties counting half."""
    return _auc(shots.probability, shots.defect, weights)


def within_run_roc_auc(shots: Predictions, weights: Weights) -> Array:
    """ROC-AUC inside each run that has both classes, averaged with the runs' sizes as weights.

    It shows whether a model knows more of a shot than its run: a model that gives all shots of a run the same
    probability has 0.5 here, whatever its ROC-AUC over all runs.
    """
    total, sizes = np.zeros(len(weights)), np.zeros(len(weights))
    for run in np.unique(shots.run):
        inside = shots.run == run
        area = _auc(shots.probability[inside], shots.defect[inside], weights[:, inside])
        size = np.where(np.isnan(area), 0.0, weights[:, inside].sum(axis=1))
        total += np.nan_to_num(area) * size
        sizes += size
    return _ratio(total, sizes, otherwise=np.nan)


def average_precision(shots: Predictions, weights: Weights) -> Array:
    """Precision averaged over the defects in order of probability; equal probabilities enter together."""
    defects, counts = _cumulate(shots.probability, shots.defect, weights)
    gained = np.diff(defects, axis=1, prepend=0.0)
    return _ratio((gained * _ratio(defects, counts)).sum(axis=1), defects[:, -1], otherwise=np.nan)


def calibration_error(shots: Predictions, weights: Weights) -> Array:
    """Mean absolute difference between probability and defect rate over BINS bins of equally many shots."""
    order = np.argsort(shots.probability, kind="stable")
    excess = weights[:, order] * (shots.probability - shots.defect)[order]
    edges = np.unique(np.linspace(0, len(order), BINS + 1).astype(int)[:-1])
    return _ratio(np.abs(np.add.reduceat(excess, edges, axis=1)).sum(axis=1), weights.sum(axis=1))


FIGURES: Mapping[str, Callable[[Predictions, Weights], Array]] = {
    "f1": f1, "precision": precision, "recall": recall, "roc_auc": roc_auc, "within_run_roc_auc": within_run_roc_auc,
    "average_precision": average_precision, "ece": calibration_error}


def resamples(n_shots: int, n_resamples: int = RESAMPLES) -> Weights:
    """Draw bootstrap resamples, as the number of times that each shot was drawn.

    The draws are the same at every call, hence for every model, so that differences are paired.
    """
    random = np.random.default_rng(SEED)
    return random.multinomial(n_shots, np.full(n_shots, 1 / n_shots), size=n_resamples).astype(np.float64)


def figures(shots: Predictions, weights: Weights) -> dict[str, Any]:
    """Compute every figure of FIGURES with its 95 % bootstrap interval.

    Parameters
    ----------
    shots : Predictions
        Predictions to score.
    weights : ndarray of float64, shape (n_resamples, n_shots)
        As `resamples` draws them.

    Returns
    -------
    dict
        Figure name → rounded value; None where the figure is undefined, such as a ROC-AUC of one class. Also `n`
        (shots), `positives` (defects) and `interval`: figure name → [low, high].
    """
    unit_weights = np.ones((1, len(shots.defect)))
    values = {name: _rounded(figure(shots, unit_weights)[0]) for name, figure in FIGURES.items()}
    intervals = {name: _interval(figure(shots, weights)) for name, figure in FIGURES.items()}
    return {**values, "n": len(shots.defect), "positives": int(shots.defect.sum()), "interval": intervals}


def paired_difference(ours: Predictions, other: Predictions, name: str, weights: Weights) -> dict[str, Any]:
    """Compute the figure `name` of `ours` minus that of `other`, with the 95 % interval over the same resamples."""
    unit_weights = np.ones((1, len(ours.defect)))
    figure = FIGURES[name]
    return {"difference": _rounded(figure(ours, unit_weights)[0] - figure(other, unit_weights)[0]),
            "interval": _interval(figure(ours, weights) - figure(other, weights))}


def best_f1_threshold(probability: Array, defect: NDArray[np.bool_]) -> float:
    """Find the threshold with the best F1, where shots of at least that probability are predicted defective."""
    thresholds = np.unique(probability)
    shots_below, defects_below = (np.searchsorted(np.sort(group), thresholds, side="left")
                                  for group in (probability, probability[defect]))
    hits = defect.sum() - defects_below
    scores = _ratio(2.0 * hits, (len(defect) - shots_below) + np.float64(defect.sum()))
    return float(thresholds[np.argmax(scores)])


def _auc(score: Array, defect: NDArray[np.bool_], weights: Weights) -> Array:
    defects, shots = _cumulate(score, defect, weights)
    good = shots - defects
    # Trapezoids between neighbouring points of the ROC curve; equal scores are one point, so ties count half.
    widths = np.diff(good, axis=1, prepend=0.0)
    heights = defects - np.diff(defects, axis=1, prepend=0.0) / 2
    return _ratio((widths * heights).sum(axis=1), good[:, -1] * defects[:, -1], otherwise=np.nan)


def _cumulate(score: Array, defect: NDArray[np.bool_], weights: Weights) -> tuple[Array, Array]:
    """Weights of the defects and of all shots at or above each distinct score, shape (n_resamples, n_scores)."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    ordered = weights[:, order]
    defects, shots = (np.cumsum(np.add.reduceat(part, starts, axis=1), axis=1)
                      for part in (ordered * defect[order], ordered))
    return defects, shots


def _ratio(numerator: Array, denominator: Array, otherwise: float = 0.0) -> Array:
    """The quotient; `otherwise` where the denominator is 0."""
    quotient: Array = np.divide(numerator, denominator, out=np.full(np.shape(numerator), otherwise),
                                where=np.asarray(denominator) != 0)
    return quotient


def _interval(replicates: Array) -> list[float | None]:
    if not np.isfinite(replicates).any():
        return [None, None]
    return [_rounded(bound) for bound in np.nanpercentile(replicates, INTERVAL)]


def _rounded(value: float) -> float | None:
    return round(float(value), DECIMALS) if np.isfinite(value) else None
