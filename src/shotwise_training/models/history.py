"""The history head: what inspection found on the shots before, joined with what the pipeline says of this one.

The pipeline's probability counts as WEIGHT results, and each known result of the run halves its own weight every
HALF_LIFE shots: the mean of a beta-binomial with exponential forgetting (West & Harrison 1997, chapter 14). A result
nearer than DELAY shots counts as if it were DELAY back, since nothing nearer was ever measured, and with less than
ENOUGH of the evidence that it was calibrated on the head says nothing. One slope and one intercept calibrate it. They
and the thresholds come from shots that lie after those that the pipeline of this fit has seen, as the shots to be
judged will: never from shots that it knows.
HALF_LIFE and WEIGHT were chosen inside the first 70 % of every run of the KAMP table (decision 0012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotwise.bundle import HistoryThresholds
from shotwise_training.data.protocol import DELAY, last_part
from shotwise_training.data.table import Table
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.configuration import Configuration
from shotwise_training.models.distillation import log_odds
from shotwise_training.models.pipeline import band, calibration, fit, sigmoid

HALF_LIFE = 10.0  # shots
WEIGHT = 1.0  # known results that the pipeline's probability counts for
LEAST = 20  # shots of each class to calibrate on
ENOUGH = 0.5  # of the mean summed weight of the results of the shots that it is calibrated on

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """A fitted head. slope, intercept: of the calibration on log-odds. thresholds: of its own probability."""

    slope: float
    intercept: float
    thresholds: HistoryThresholds

    def __call__(self, probability: Floats, defects: Floats, results: Floats) -> Floats:
        """Of N shots: the pipeline's probability, and what `known_results` gives → probability [N], the pipeline's own
        where the results are too few."""
        joined = sigmoid(self.slope * log_odds(_joined(probability, defects, results)) + self.intercept)
        return np.where(results >= self.thresholds.evidence, joined, probability)


def enough_for_history(table: Table) -> bool:
    """Whether both parts that a head is fitted on show enough shots of each class."""
    late = last_part(table)
    return all(min(part.sum(), (~part).sum()) >= LEAST for part in (table.defect[late], table.defect[~late]))


def fit_history(table: Table, configuration: Configuration) -> History:
    """From the last part of every run in `table`, foretold by a pipeline of the part before. The table has
    `enough_for_history`."""
    late = last_part(table)
    defect = table.defect[late]
    probability = fit(table.select(np.flatnonzero(~late)), configuration)(table.features[late]).probability
    defects, results = known_results(table)
    joined = log_odds(_joined(probability, defects[late], results[late]))
    slope, intercept = calibration(joined, defect)
    found = sigmoid(slope * joined + intercept)
    decision = best_f1_threshold(found, defect)
    evidence = ENOUGH * float(results[late].mean())
    return History(slope, intercept, HistoryThresholds(decision, *band(found, decision), evidence))


def known_results(table: Table) -> tuple[Floats, Floats]:
    """[N] each: the weighted count of defects, and of results, among the shots of the run DELAY or more before."""
    kept = 0.5 ** (1 / HALF_LIFE)
    found = np.zeros((2, len(table)))
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        for place in range(DELAY, len(rows)):
            new = np.array([table.defect[rows[place - DELAY]], 1.0]) * kept**DELAY
            found[:, rows[place]] = found[:, rows[place - 1]] * kept + new
    return found[0], found[1]


def _joined(probability: Floats, defects: Floats, results: Floats) -> Floats:
    return (defects + WEIGHT * probability) / (results + WEIGHT)
