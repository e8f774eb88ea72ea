"""What every figure is compared with, in the same folds: rates that know no values, and models that anyone would try.

A contender is fitted on the training rows and gives the held-out rows a probability, and the threshold that was best on
held-out predictions of its training rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from shotwise_training.data.protocol import DELAY
from shotwise_training.data.table import Table
from shotwise_training.metrics import best_f1_threshold
from shotwise_training.models.configuration import POC_BASELINE
from shotwise_training.models.pipeline import prepare, scaling_of

WINDOW = 50  # known results that count
FOLDS = 3  # from which a contender's threshold comes
SEED = 42
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Contender = Callable[[Table, Rows, Rows], tuple[Floats, float]]


def run_rate(table: Table, train: Rows, held: Rows) -> tuple[Floats, float]:
    """No model at all: the training defect rate of the shot's run; of all runs where the run is new."""
    rates = np.full(int(table.run.max()) + 1, table.defect[train].mean())
    for run in np.unique(table.run[train]):
        rates[run] = table.defect[train][table.run[train] == run].mean()
    return rates[table.run[held]], best_f1_threshold(rates[table.run[train]], table.defect[train])


def late_rate(table: Table, train: Rows, held: Rows) -> tuple[Floats, float]:
    """No values at all: the defect rate of the WINDOW shots of the run that lie DELAY or more before."""
    rates = delayed_rates(table, float(table.defect[train].mean()))
    return rates[held], best_f1_threshold(rates[train], table.defect[train])


def delayed_rates(table: Table, otherwise: float) -> Floats:
    """[N]: the defect rate of the latest WINDOW known results of the run; `otherwise` where none is known yet."""
    rates = np.full(len(table), otherwise)
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        known = np.concatenate([[0], np.cumsum(table.defect[rows])])
        stop = np.maximum(np.arange(len(rows)) - DELAY + 1, 0)
        start = np.maximum(stop - WINDOW, 0)
        some = stop > start
        rates[rows[some]] = ((known[stop] - known[start])[some] / (stop - start)[some])
    return rates


def classifier(model: Any, *, latents: int = 0) -> Contender:
    """A scikit-learn classifier on the values (median where not measured) and as many latents as asked for."""

    def contend(table: Table, train: Rows, held: Rows) -> tuple[Floats, float]:
        read = _reader(table, train, latents)
        known, foretold = read(train), read(held)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
        inner = cross_val_predict(clone(model), known, table.defect[train], cv=folds, method="predict_proba")[:, 1]
        fitted = clone(model).fit(known, table.defect[train])
        return fitted.predict_proba(foretold)[:, 1], best_f1_threshold(inner, table.defect[train])

    return contend


def _reader(table: Table, train: Rows, latents: int) -> Callable[[Rows], NDArray[np.float32]]:
    """What a classifier reads of rows of `table`, by the medians, and the autoencoder, of the training rows."""
    if not latents:
        scaling = scaling_of(table.features[train])
        return lambda rows: scaling.impute(table.features[rows])
    prepared = prepare(table.select(train), replace(POC_BASELINE, latents=latents), SEED)
    return lambda rows: prepared.joined(prepared.scaling.impute(table.features[rows]))


RATES: Mapping[str, Contender] = {"run-rate": run_rate}
MODELS: Mapping[str, Contender] = {
    "random-forest": classifier(RandomForestClassifier(300, min_samples_leaf=8, n_jobs=-1, random_state=SEED)),
    "extra-trees": classifier(ExtraTreesClassifier(300, min_samples_leaf=3, n_jobs=-1, random_state=SEED)),
    "lightgbm": classifier(LGBMClassifier(verbose=-1, n_jobs=-1, random_state=SEED)),
    "poc": classifier(GradientBoostingClassifier(random_state=SEED), latents=12),
}
ABLATION: Mapping[str, Contender] = {
    f"poc with {latents} latents": classifier(GradientBoostingClassifier(random_state=SEED), latents=latents)
    for latents in (0, 4, 8, 16)}
