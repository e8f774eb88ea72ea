"""Fit the history head: it combines a shot's probability with inspection results of earlier shots of its run.

The pipeline's probability counts as PRIOR_WEIGHT results, and each known result of the run halves its own weight every
HALF_LIFE shots: the mean of a beta-binomial with exponential forgetting. A result fewer than DELAY shots back counts as
if it were DELAY back, because the head was not fitted on any nearer. With less than MIN_EVIDENCE_SHARE of the evidence
that it was calibrated on, the head returns the pipeline's probability unchanged.

The head is calibrated by one slope and one intercept. They and the thresholds are fitted on shots later than those that
the pipeline was fitted on, because the shots to be predicted are later too. HALF_LIFE and PRIOR_WEIGHT were chosen
inside the first 70 % of every run of the KAMP table (decision 0012).

References
----------
West, M., Harrison, J. (1997). Bayesian Forecasting and Dynamic Models, chapter 14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import HistoryThresholds
from shotwise_training.data.protocol import DELAY, late_shots
from shotwise_training.data.table import Table
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.distillation import log_odds
from shotwise_training.models.pipeline import calibrate, fit, inspection_band, sigmoid

HALF_LIFE = 10.0  # shots
PRIOR_WEIGHT = 1.0  # number of known results that the pipeline's probability counts as
MIN_CLASS_SHOTS = 20  # shots of each class to calibrate on
MIN_EVIDENCE_SHARE = 0.5  # of the mean evidence (summed weight of results) of the shots that it is calibrated on

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HistoryHead:
    """A fitted history head.

    Attributes
    ----------
    slope, intercept : float
        Calibration, applied to log-odds.
    thresholds : HistoryThresholds
        Thresholds of the combined probability.
    """

    slope: float
    intercept: float
    thresholds: HistoryThresholds

    def __call__(self, probability: Floats, defects: Floats, results: Floats) -> Floats:
        """Combine the pipeline's probability with known inspection results.

        Parameters
        ----------
        probability : ndarray of float64, shape (n_shots,)
            Probability from the pipeline.
        defects, results : ndarray of float64, shape (n_shots,)
            As `known_results` returns them.

        Returns
        -------
        ndarray of float64, shape (n_shots,)
            Combined probability; that of the pipeline where there are too few results.
        """
        combined = sigmoid(self.slope * log_odds(_posterior_mean(probability, defects, results)) + self.intercept)
        return np.where(results >= self.thresholds.evidence, combined, probability)


def can_fit_history_head(table: Table) -> bool:
    """Whether the last part of the runs and the part before have enough shots of each class."""
    late = late_shots(table)
    return all(min(defect.sum(), (~defect).sum()) >= MIN_CLASS_SHOTS
               for defect in (table.defect[late], table.defect[~late]))


def fit_history_head(table: Table, configuration: Configuration) -> HistoryHead:
    """Fit a history head on the last part of every run, predicted by a pipeline fitted on the part before.

    Parameters
    ----------
    table : Table
        Training shots for which `can_fit_history_head` holds.
    configuration : Configuration
        How the pipeline is fitted.
    """
    late = late_shots(table)
    defect = table.defect[late]
    probability = fit(table.select(np.flatnonzero(~late)), configuration)(table.features[late]).probability
    defects, results = known_results(table)
    margin = log_odds(_posterior_mean(probability, defects[late], results[late]))
    slope, intercept = calibrate(margin, defect)
    combined = sigmoid(slope * margin + intercept)
    decision = best_f1_threshold(combined, defect)
    evidence = MIN_EVIDENCE_SHARE * float(results[late].mean())
    return HistoryHead(slope, intercept, HistoryThresholds(decision, *inspection_band(combined, decision), evidence))


def known_results(table: Table) -> tuple[Floats, Floats]:
    """Sum the weights of the known inspection results of each shot: those of its run, DELAY or more shots back.

    Returns
    -------
    defects : ndarray of float64, shape (n_shots,)
        Weighted count of the defects.
    results : ndarray of float64, shape (n_shots,)
        Weighted count of all results; a result of age a weighs 0.5 ** (a / HALF_LIFE).
    """
    decay = 0.5 ** (1 / HALF_LIFE)
    counts = np.zeros((2, len(table)))
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        for position in range(DELAY, len(rows)):
            newly_known = np.array([table.defect[rows[position - DELAY]], 1.0]) * decay**DELAY
            counts[:, rows[position]] = counts[:, rows[position - 1]] * decay + newly_known
    return counts[0], counts[1]


def _posterior_mean(probability: Floats, defects: Floats, results: Floats) -> Floats:
    return (defects + PRIOR_WEIGHT * probability) / (results + PRIOR_WEIGHT)
