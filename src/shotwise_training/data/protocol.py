"""How a figure is measured. A figure without its protocol, and without `run-rate` beside it, misleads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from shotwise_training.data.table import Table

SEED = 42
FOLDS = 5
FEWEST = 3  # of each class in a training part, from which thresholds are held out in as many folds
LARGE = 20_000  # unique shots from which one fold of the five says enough
LAST = 0.30
DELAY = 10  # shots until an inspection result is known
PROTOCOLS = {
    "published": "random stratified 80/20, seed 42, twins kept: most test shots have their exact twin in training",
    "unique": "twins removed, stratified 5-fold; every shot is scored by a model that never saw it",
    "forward": "twins removed, trained on the first 70 % of every run, scored on its last 30 %",
    "forward-history": f"as forward, but what inspection found on shots {DELAY} or more before is known",
    "new-run": "twins removed, each run scored by a model that saw the other runs only",
}
Rows = NDArray[np.int64]


def table_of(table: Table, protocol: str) -> Table:
    """The shots that a protocol is measured on: with their twins under `published` alone."""
    return table if protocol == "published" else table.without_duplicates()


def applies(table: Table, protocol: str) -> bool:
    """Whether a table has what the protocol needs: `new-run` needs runs, and all of them some shots of each class to
    train on."""
    shots = table_of(table, protocol)
    return (protocol != "new-run" or len(np.unique(table.run)) > 1) and any(True for _ in splits(shots, protocol))


def splits(table: Table, protocol: str) -> Iterator[tuple[Rows, Rows]]:
    """(training rows, held-out rows) of a table as `table_of` gives it; none with fewer than FEWEST shots of a class to
    train on, as where the one run with defects is left out."""
    for train, held in _splits(table, protocol):
        defects = int(table.defect[train].sum())
        if min(defects, len(train) - defects) >= FEWEST and len(held):
            yield train, held


def _splits(table: Table, protocol: str) -> Iterator[tuple[Rows, Rows]]:
    rows = np.arange(len(table))
    if protocol == "published":
        yield tuple(train_test_split(rows, test_size=0.2, stratify=table.defect, random_state=SEED))
    elif protocol == "unique":
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, table.defect)
        for number, fold in enumerate(folds):
            if number == 0 or len(table) < LARGE:
                yield fold
    elif protocol == "new-run":
        for run in np.unique(table.run):
            yield np.flatnonzero(table.run != run), np.flatnonzero(table.run == run)
    else:
        late = last_part(table)
        yield np.flatnonzero(~late), np.flatnonzero(late)


def gathered(parts: Iterable[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """What all folds gave, each (held-out rows, column, …), as whole columns in the order of the table."""
    rows, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    return rows[order], *(column[order] for column in columns)


def last_part(table: Table) -> NDArray[np.bool_]:
    """[N]: the last 30 % of every run, by time; of a table without runs, of the whole."""
    late = np.zeros(len(table), bool)
    for run in np.unique(table.run):
        rows = np.flatnonzero(table.run == run)
        rows = rows[np.argsort(table.order[rows], kind="stable")]
        late[rows[int(np.ceil(len(rows) * (1 - LAST))):]] = True
    return late
