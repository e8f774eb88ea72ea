"""Choose the sample shots of a bundle, for people to try the model with."""

from __future__ import annotations

from typing import Any

import numpy as np

from shotwise_training.data.schema import Column
from shotwise_training.data.table import Table
from shotwise_training.export.manifest import product_masks, shortest_decimal
from shotwise_training.models.pipeline import Pipeline

SAMPLES = 3  # of each class
SEED = 7


def choose_samples(table: Table, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Choose defective shots that the model rejects and good ones that it accepts, alternating the product types.

    If a product type has no such shot, one of any product type is chosen; if there is none at all, any shot of the
    class.

    Returns
    -------
    list of dict
        The entries of `samples.json`: name, outcome, defect types, and features as a request has them.
    """
    probability = pipeline(table.features).probability
    clear_defects = table.defect & (probability >= pipeline.thresholds.reject_from)
    clear_good = ~table.defect & (probability < pipeline.thresholds.accept_below)
    products = [shots for name, shots in product_masks(table).items() if name != "all"] or [np.ones(len(table), bool)]
    random = np.random.default_rng(SEED)
    chosen: list[int] = []
    for clear, same_class in ((clear_defects, table.defect), (clear_good, ~table.defect)):
        for number in range(SAMPLES):
            candidates = (np.setdiff1d(np.flatnonzero(mask), chosen)
                          for mask in (clear & products[number % len(products)], clear, same_class))
            rows = next((rows for rows in candidates if len(rows)), None)
            if rows is not None:
                chosen.append(int(random.choice(rows)))
    return [_sample(table, row, number) for number, row in enumerate(chosen, 1)]


def _sample(table: Table, row: int, number: int) -> dict[str, Any]:
    outcome = "defect" if table.defect[row] else "normal"
    types = [name for name, shown in zip(table.type_labels, table.types[row], strict=True) if shown]
    return {"name": f"sample-{number}-{outcome}", "outcome": outcome, "defect_types": types,
            "features": {column.name: _request_value(table.features[row, index], column)
                         for index, column in enumerate(table.columns)}}


def _request_value(value: np.float32, column: Column) -> float | str | None:
    """A value as a request has it."""
    if np.isnan(value):
        return None
    if column.categories:
        return column.categories[int(value)]
    number = shortest_decimal(value)
    return int(number) if column.resolution is not None and column.resolution >= 1 else number
