"""Figures of held-out shots, each with a bootstrap interval; differences between two configurations, paired.

Every figure is computed from weights on the shots: weight one each gives the figure itself, the counts of a resample
its bootstrap replicate. One pass over the sorted shots gives all replicates at once.
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
BINS = 10
PLACES = 4

Array = NDArray[np.float64]
Weights = NDArray[np.float64]  # [B, N]: B resamples of N shots


@dataclass(frozen=True)
class Held:
    """What one configuration says of a protocol's held-out shots, in table order.

    probability: [N]. called: [N], probability ≥ the threshold that the shot's training part chose. defect: [N].
    run: [N], numbered from 0.
    """

    probability: Array
    called: NDArray[np.bool_]
    defect: NDArray[np.bool_]
    run: NDArray[np.int64]


def f1(held: Held, weights: Weights) -> Array:
    """[B]: harmonic mean of precision and recall of the calls, 0 where nothing is called."""
    hits = weights @ (held.called & held.defect)
    return _ratio(2 * hits, weights @ held.called.astype(float) + weights @ held.defect.astype(float))


def precision(held: Held, weights: Weights) -> Array:
    """[B]: the part of the calls that are defects, 0 where nothing is called."""
    return _ratio(weights @ (held.called & held.defect), weights @ held.called.astype(float))


def recall(held: Held, weights: Weights) -> Array:
    """[B]: the part of the defects that are called."""
    return _ratio(weights @ (held.called & held.defect), weights @ held.defect.astype(float))


def roc_auc(held: Held, weights: Weights) -> Array:
    """[B]: the chance that a defect gets a higher probability than a good shot, ties counting half."""
    return _auc(held.probability, held.defect, weights)


def within_run_roc_auc(held: Held, weights: Weights) -> Array:
    """[B]: ROC-AUC inside each run that has both classes, weighted by its shots: does the shot tell, or the run?"""
    total, sizes = np.zeros(len(weights)), np.zeros(len(weights))
    for run in np.unique(held.run):
        inside = held.run == run
        area = _auc(held.probability[inside], held.defect[inside], weights[:, inside])
        size = np.where(np.isnan(area), 0.0, weights[:, inside].sum(axis=1))
        total += np.nan_to_num(area) * size
        sizes += size
    return _ratio(total, sizes, otherwise=np.nan)


def average_precision(held: Held, weights: Weights) -> Array:
    """[B]: precision averaged over the defects in order of probability (equal probabilities enter together)."""
    defects, shots = _cumulated(held.probability, held.defect, weights)
    gained = np.diff(defects, axis=1, prepend=0.0)
    return _ratio((gained * _ratio(defects, shots)).sum(axis=1), defects[:, -1], otherwise=np.nan)


def calibration_error(held: Held, weights: Weights) -> Array:
    """[B]: mean difference between probability and defect rate over BINS bins of equally many shots."""
    order = np.argsort(held.probability, kind="stable")
    off = weights[:, order] * (held.probability - held.defect)[order]
    edges = np.unique(np.linspace(0, len(order), BINS + 1).astype(int)[:-1])
    return _ratio(np.abs(np.add.reduceat(off, edges, axis=1)).sum(axis=1), weights.sum(axis=1))


FIGURES: Mapping[str, Callable[[Held, Weights], Array]] = {
    "f1": f1, "precision": precision, "recall": recall, "roc_auc": roc_auc, "within_run_roc_auc": within_run_roc_auc,
    "average_precision": average_precision, "ece": calibration_error}


def resamples(count: int, number: int = RESAMPLES) -> Weights:
    """[number, count]: how often each shot was drawn. The same for every configuration, so differences are paired."""
    random = np.random.default_rng(SEED)
    return random.multinomial(count, np.full(count, 1 / count), size=number).astype(np.float64)


def figures(held: Held, weights: Weights) -> dict[str, Any]:
    """Every figure, `n`, `positives` and, under `interval`, the 95 % bootstrap interval of each figure."""
    once = np.ones((1, len(held.defect)))
    values = {name: _rounded(figure(held, once)[0]) for name, figure in FIGURES.items()}
    spread = {name: _interval(figure(held, weights)) for name, figure in FIGURES.items()}
    return {**values, "n": len(held.defect), "positives": int(held.defect.sum()), "interval": spread}


def difference(ours: Held, other: Held, name: str, weights: Weights) -> dict[str, Any]:
    """`ours` minus `other` in the figure `name`, with the 95 % interval of the paired difference."""
    once = np.ones((1, len(ours.defect)))
    figure = FIGURES[name]
    return {"difference": _rounded(figure(ours, once)[0] - figure(other, once)[0]),
            "interval": _interval(figure(ours, weights) - figure(other, weights))}


def best_f1_threshold(probability: Array, defect: NDArray[np.bool_]) -> float:
    """The probability from which calling a shot defective gives the best F1 on these shots."""
    values = np.unique(probability)
    shots, defects = (np.searchsorted(np.sort(group), values, side="left")
                      for group in (probability, probability[defect]))
    hits = defect.sum() - defects
    score = _ratio(2.0 * hits, (len(defect) - shots) + float(defect.sum()))
    return float(values[np.argmax(score)])


def _auc(score: Array, defect: NDArray[np.bool_], weights: Weights) -> Array:
    defects, shots = _cumulated(score, defect, weights)
    good = shots - defects
    # Trapezoids between neighbouring points of the ROC curve; equal scores are one point, so ties count half.
    widths = np.diff(good, axis=1, prepend=0.0)
    heights = defects - np.diff(defects, axis=1, prepend=0.0) / 2
    return _ratio((widths * heights).sum(axis=1), good[:, -1] * defects[:, -1], otherwise=np.nan)


def _cumulated(score: Array, defect: NDArray[np.bool_], weights: Weights) -> tuple[Array, Array]:
    """[B, distinct scores], from the highest score down: weight of the defects, and of all shots, so far."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    ordered = weights[:, order]
    return tuple(np.cumsum(np.add.reduceat(part, starts, axis=1), axis=1)
                 for part in (ordered * defect[order], ordered))  # type: ignore[return-value]


def _ratio(above: Array, below: Array, otherwise: float = 0.0) -> Array:
    return np.divide(above, below, out=np.full(np.shape(above), otherwise), where=np.asarray(below) != 0)


def _interval(values: Array) -> list[float | None]:
    return [_rounded(bound) for bound in np.nanpercentile(values, INTERVAL)] if np.isfinite(values).any() \
        else [None, None]


def _rounded(value: float) -> float | None:
    return round(float(value), PLACES) if np.isfinite(value) else None
