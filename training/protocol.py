"""How a figure is measured. A figure without its protocol, and without `run-rate` beside it, misleads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from training.pipeline import best_f1_threshold, fit
from training.table import Table

SEED = 42
PROTOCOLS = {
    "unique": "twins removed, stratified 5-fold; every shot is scored by a model that never saw it",
    "published": "random stratified 80/20, seed 42, twins kept: most test shots have their exact twin in training",
}


@dataclass(frozen=True)
class Scored:
    """Held-out shots of one protocol, in table order.

    probability, error (reconstruction), called (probability ≥ the fold's own threshold), defect, run_rate (the
    training defect rate of the shot's run) and run: all [N].
    """

    probability: NDArray[np.float64]
    error: NDArray[np.float32]
    called: NDArray[np.bool_]
    run_rate: NDArray[np.float64]
    run_called: NDArray[np.bool_]
    defect: NDArray[np.bool_]
    run: NDArray[np.int64]


def splits(table: Table, protocol: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(training rows, held-out rows) of `table`, which has no twins for `unique`."""
    if protocol == "unique":
        yield from StratifiedKFold(5, shuffle=True, random_state=SEED).split(table.features, table.defect)
    else:
        rows = np.arange(len(table))
        yield tuple(train_test_split(rows, test_size=0.2, stratify=table.defect, random_state=SEED))


def score(table: Table, protocol: str) -> Scored:
    """Fit on every training part and score its held-out part; thresholds come from the training part alone."""
    parts = []
    rows = []
    for train, held in splits(table, protocol):
        pipeline = fit(table.features[train], table.defect[train])
        output = pipeline(table.features[held])
        rate, rate_threshold = _run_rate(table, train)
        parts.append((output.probability, output.reconstruction_error, output.probability >= pipeline.threshold,
                      rate[table.run[held]], rate[table.run[held]] >= rate_threshold))
        rows.append(held)
    order = np.argsort(np.concatenate(rows))
    columns = [np.concatenate(column)[order] for column in zip(*parts, strict=True)]
    held = np.concatenate(rows)[order]
    return Scored(*columns, defect=table.defect[held], run=table.run[held])


def _run_rate(table: Table, train: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """The training defect rate of every run, and the threshold on it with the best training F1."""
    overall = table.defect[train].mean()
    rates = np.full(table.run.max() + 1, overall)
    for run in np.unique(table.run[train]):
        rates[run] = table.defect[train][table.run[train] == run].mean()
    return rates, best_f1_threshold(rates[table.run[train]], table.defect[train])


def figures(scored: Scored) -> dict[str, dict[str, float]]:
    """F1, precision, recall, ROC-AUC and size-weighted within-run ROC-AUC, for us and for `run-rate`."""
    return {"shotwise": _figures(scored, scored.probability, scored.called),
            "run-rate": _figures(scored, scored.run_rate, scored.run_called)}


def _figures(scored: Scored, value: NDArray[np.float64], called: NDArray[np.bool_]) -> dict[str, float]:
    found = {
        "f1": f1_score(scored.defect, called), "precision": precision_score(scored.defect, called, zero_division=0),
        "recall": recall_score(scored.defect, called), "roc_auc": roc_auc_score(scored.defect, value),
        "within_run_roc_auc": _within_run(scored, value), "n": len(called), "positives": scored.defect.sum()}
    return {name: round(float(number), 4) for name, number in found.items()}


def _within_run(scored: Scored, value: NDArray[np.float64]) -> float:
    """ROC-AUC inside each run that has both classes, weighted by its shots: does the shot tell, or the run?"""
    areas, sizes = [], []
    for run in np.unique(scored.run):
        inside = scored.run == run
        if 0 < scored.defect[inside].sum() < inside.sum():
            areas.append(roc_auc_score(scored.defect[inside], value[inside]))
            sizes.append(inside.sum())
    return float(np.average(areas, weights=sizes))
