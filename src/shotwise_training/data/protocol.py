"""Protocols: which shots a model is fitted on, and which shots its figures are measured on.

A figure misleads without its protocol, and without that of `run-rate` beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from shotwise_training.data.table import Table

SEED = 42
FOLDS = 5
MIN_CLASS_SHOTS = 3  # of each class in a training part, because thresholds come from a 3-fold cross-validation of it
ONE_FOLD_FROM = 20_000  # with this many unique shots the first of the five folds is precise enough
LATE_SHARE = 0.30  # the last part of every run, which `forward` holds out
DELAY = 10  # shots until an inspection result is known
PROTOCOLS = {
    "published": "random stratified 80/20, seed 42, repeated rows kept: most test shots have an exact duplicate in "
                 "training",
    "unique": "repeated rows removed, stratified 5-fold; every shot is scored by a model that never saw it",
    "forward": "repeated rows removed, trained on the first 70 % of every run, scored on its last 30 %",
    "forward-history": f"as forward, with the inspection results of the run that are {DELAY} or more shots old",
    "new-run": "repeated rows removed, each run scored by a model that saw only the other runs",
}
Rows = NDArray[np.int64]


def protocol_shots(table: Table, protocol: str) -> Table:
    """Return the shots that a protocol is measured on; only `published` keeps repeated rows."""
    return table if protocol == "published" else table.without_duplicates()


def applies(table: Table, protocol: str) -> bool:
    """Whether a table has what the protocol needs.

    `new-run` needs more than one run, and every protocol needs a split with enough shots of each class to train on.
    """
    shots = protocol_shots(table, protocol)
    return (protocol != "new-run" or len(np.unique(table.run)) > 1) and any(True for _ in splits(shots, protocol))


def splits(table: Table, protocol: str) -> Iterator[tuple[Rows, Rows]]:
    """Yield the (training rows, test rows) of every fold of a protocol.

    Folds with fewer than MIN_CLASS_SHOTS training shots of a class are left out, such as the fold that holds out the
    only run with defects.

    Parameters
    ----------
    table : Table
        As `protocol_shots` returns it for the same protocol.
    protocol : str
        A key of PROTOCOLS.
    """
    for train, test in _splits(table, protocol):
        defects = int(table.defect[train].sum())
        if min(defects, len(train) - defects) >= MIN_CLASS_SHOTS and len(test):
            yield train, test


def _splits(table: Table, protocol: str) -> Iterator[tuple[Rows, Rows]]:
    rows = np.arange(len(table))
    if protocol == "published":
        yield tuple(train_test_split(rows, test_size=0.2, stratify=table.defect, random_state=SEED))
    elif protocol == "unique":
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, table.defect)
        for number, fold in enumerate(folds):
            if number == 0 or len(table) < ONE_FOLD_FROM:
                yield fold
    elif protocol == "new-run":
        for run in np.unique(table.run):
            yield np.flatnonzero(table.run != run), np.flatnonzero(table.run == run)
    else:
        late = late_shots(table)
        yield np.flatnonzero(~late), np.flatnonzero(late)


def gather_folds(folds: Iterable[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Concatenate the outputs of all folds, in the order of the table.

    Parameters
    ----------
    folds : iterable of tuple of ndarray
        (test rows, output, …) of each fold; each array has one entry per test row.

    Returns
    -------
    tuple of ndarray
        The test rows of all folds, ascending, and the outputs in the same order.
    """
    rows, *outputs = (np.concatenate(parts) for parts in zip(*folds, strict=True))
    order = np.argsort(rows, kind="stable")
    return rows[order], *(output[order] for output in outputs)


def late_shots(table: Table) -> NDArray[np.bool_]:
    """Mark the last 30 % of every run by time, shape (n_shots,); a table without runs counts as one run."""
    late = np.zeros(len(table), bool)
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        late[rows[int(np.ceil(len(rows) * (1 - LATE_SHARE))):]] = True
    return late
