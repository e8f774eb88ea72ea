"""Baselines, scored in the same folds as the configurations: defect rates that ignore the values, and standard models.

A baseline is fitted on the training rows. It gives each test row a probability, with the threshold of the best F1 on
the training rows (where a classifier predicts them out of fold).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from shotwise_training.data.protocol import DELAY, Rows
from shotwise_training.data.table import Table
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.configuration import POC_BASELINE
from shotwise_training.models.pipeline import prepare
from shotwise_training.models.scaling import fit_scaling

WINDOW = 50  # latest known results that `late_rate` averages
FOLDS = 3  # of the cross-validation that a classifier's threshold comes from
SEED = 42
Floats = NDArray[np.float64]
# (table, training rows, test rows) → (probability of each test row, threshold)
Baseline: TypeAlias = Callable[[Table, Rows, Rows], tuple[Floats, float]]


def run_rate(table: Table, train: Rows, test: Rows) -> tuple[Floats, float]:
    """Predict the training defect rate of the shot's run; of all runs if the run is new. No value is read."""
    rates = np.full(int(table.run.max()) + 1, table.defect[train].mean())
    for run in np.unique(table.run[train]):
        rates[run] = table.defect[train][table.run[train] == run].mean()
    return rates[table.run[test]], best_f1_threshold(rates[table.run[train]], table.defect[train])


def late_rate(table: Table, train: Rows, test: Rows) -> tuple[Floats, float]:
    """Predict the defect rate of the run's latest WINDOW known results, DELAY or more shots old. No value is read."""
    rates = delayed_rates(table, float(table.defect[train].mean()))
    return rates[test], best_f1_threshold(rates[train], table.defect[train])


def delayed_rates(table: Table, default: float) -> Floats:
    """Compute for each shot the defect rate of the latest WINDOW known results of its run, shape (n_shots,).

    Parameters
    ----------
    table : Table
        The shots.
    default : float
        The rate of shots without known results.
    """
    rates = np.full(len(table), default)
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        defects_before = np.concatenate([[0], np.cumsum(table.defect[rows])])
        stop = np.maximum(np.arange(len(rows)) - DELAY + 1, 0)
        start = np.maximum(stop - WINDOW, 0)
        any_known = stop > start
        rates[rows[any_known]] = ((defects_before[stop] - defects_before[start])[any_known]
                                  / (stop - start)[any_known])
    return rates


def classifier(model: Any, *, latents: int = 0) -> Baseline:
    """Make a baseline from a scikit-learn classifier of the values, missing ones replaced by the median.

    Parameters
    ----------
    model : classifier
        Unfitted.
    latents : int
        Number of autoencoder latents that it reads beside the values.
    """

    def fit_and_predict(table: Table, train: Rows, test: Rows) -> tuple[Floats, float]:
        inputs_of = _input_reader(table, train, latents)
        train_inputs, test_inputs = inputs_of(train), inputs_of(test)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
        held_out = cross_val_predict(clone(model), train_inputs, table.defect[train], cv=folds,
                                     method="predict_proba")[:, 1]
        fitted = clone(model).fit(train_inputs, table.defect[train])
        return fitted.predict_proba(test_inputs)[:, 1], best_f1_threshold(held_out, table.defect[train])

    return fit_and_predict


def _input_reader(table: Table, train: Rows, latents: int) -> Callable[[Rows], NDArray[np.float32]]:
    """A function from rows to a classifier's inputs; medians and autoencoder are fitted on the training rows."""
    if not latents:
        scaling = fit_scaling(table.features[train])
        return lambda rows: scaling.impute(table.features[rows])
    prepared = prepare(table.select(train), replace(POC_BASELINE, latents=latents), SEED)
    return lambda rows: prepared.booster_input(prepared.scaling.impute(table.features[rows]))


RATES: Mapping[str, Baseline] = {"run-rate": run_rate}
MODELS: Mapping[str, Baseline] = {
    "random-forest": classifier(RandomForestClassifier(300, min_samples_leaf=8, n_jobs=-1, random_state=SEED)),
    "extra-trees": classifier(ExtraTreesClassifier(300, min_samples_leaf=3, n_jobs=-1, random_state=SEED)),
    "lightgbm": classifier(LGBMClassifier(verbose=-1, n_jobs=-1, random_state=SEED)),
    "poc": classifier(GradientBoostingClassifier(random_state=SEED), latents=12),
}
ABLATION: Mapping[str, Baseline] = {
    f"poc with {latents} latents": classifier(GradientBoostingClassifier(random_state=SEED), latents=latents)
    for latents in (0, 4, 8, 16)}
