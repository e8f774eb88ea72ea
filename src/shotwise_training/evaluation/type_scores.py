"""How well defect types are told apart, beside what the product type's past shares alone would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.protocol import Rows, gathered, splits
from shotwise_training.data.table import Table
from shotwise_training.metrics import Held, Weights, difference, figures
from shotwise_training.models.defect_types import ENOUGH, fit_types
from shotwise_training.models.pipeline import Pipeline

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TypeScores:
    """type → its held-out shots by our model, and by share: probability of a defect × the type's part of the defective
    training shots of the product type."""

    ours: Mapping[str, Held]
    by_share: Mapping[str, Held]


def score_types(table: Table, protocol: str, fitted: Callable[[Table, Rows], Pipeline]) -> TypeScores:
    """Of the types that have examples enough, in the folds of `protocol`; `fitted` gives the pipeline of a training
    part."""
    parts = [(held, *_said(fitted(table, train), table, train, held)) for train, held in splits(table, protocol)]
    rows, ours, by_share = gathered(parts)
    shown, run = table.types[rows], table.run[rows]

    def held(probability: Floats) -> dict[str, Held]:
        return {name: Held(probability[:, index], probability[:, index] >= 0.5, shown[:, index], run)
                for index, name in enumerate(table.type_labels) if table.types[:, index].sum() >= ENOUGH}

    return TypeScores(held(ours), held(by_share))


def _said(pipeline: Pipeline, table: Table, train: Rows, held: Rows) -> tuple[Floats, Floats]:
    features, known = table.features[held], table.select(train)
    defect, types = pipeline(features).probability[:, None], fit_types(known, pipeline.scaling.median)
    assert types, "jobs has no such job for a table without types"
    return defect * types(features), defect * shares(known, features)


def shares(table: Table, features: NDArray[np.float32]) -> Floats:
    """[N, T] for [N, F]: the part of the defective shots in `table` of the same product type that shows each type; of
    all defective shots where the product type has none there."""
    found = np.tile(table.types[table.defect].mean(axis=0), (len(features), 1))
    product = table.product
    for code in [] if product is None else np.unique(features[:, product]):
        same = table.defect & (table.features[:, product] == code)
        if same.any():
            found[features[:, product] == code] = table.types[same].mean(axis=0)
    return found


def type_results(scores: TypeScores, weights: Weights) -> dict[str, Any]:
    """type → ROC-AUC of ours and by share with intervals, the paired difference, and the shots that show it."""
    return {name: {"examples": int(ours.defect.sum()),
                   **{key: _area(held, weights) for key, held in (("ours", ours), ("by_share", scores.by_share[name]))},
                   "difference": difference(ours, scores.by_share[name], "roc_auc", weights)}
            for name, ours in scores.ours.items()}


def _area(held: Held, weights: Weights) -> dict[str, Any]:
    found = figures(held, weights)
    return {"roc_auc": found["roc_auc"], "interval": found["interval"]["roc_auc"]}
