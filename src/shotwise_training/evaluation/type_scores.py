"""Score the predictions of defect types, and compare them with the product type's past shares alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.protocol import Rows, gather_folds, splits
from shotwise_training.data.table import Table
from shotwise_training.metrics import Predictions, Weights, figures, paired_difference
from shotwise_training.models.defect_types import MIN_EXAMPLES, fit_defect_types
from shotwise_training.models.pipeline import Pipeline

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TypeScores:
    """Predictions of the defect types for the test shots of a protocol.

    Attributes
    ----------
    ours : mapping of str to Predictions
        Defect type → predictions of our model.
    by_share : mapping of str to Predictions
        Defect type → predictions by share: the probability of a defect × the type's share of the defective training
        shots of the product type.
    """

    ours: Mapping[str, Predictions]
    by_share: Mapping[str, Predictions]


def score_types(table: Table, protocol: str, fit_pipeline: Callable[[Table, Rows], Pipeline]) -> TypeScores:
    """Predict the defect types that have enough examples, in the folds of a protocol.

    Parameters
    ----------
    table : Table
        As `protocol_shots` returns it, with defect types.
    protocol : str
        A key of PROTOCOLS.
    fit_pipeline : callable
        Returns the pipeline of a fold, given the table and the training rows.
    """
    folds = [(test, *_predict_types(fit_pipeline(table, train), table, train, test))
             for train, test in splits(table, protocol)]
    rows, ours, by_share = gather_folds(folds)
    types, run = table.types[rows], table.run[rows]

    def predictions(probability: Floats) -> dict[str, Predictions]:
        return {name: Predictions(probability[:, index], probability[:, index] >= 0.5, types[:, index], run)
                for index, name in enumerate(table.type_labels) if table.types[:, index].sum() >= MIN_EXAMPLES}

    return TypeScores(predictions(ours), predictions(by_share))


def _predict_types(pipeline: Pipeline, table: Table, train: Rows, test: Rows) -> tuple[Floats, Floats]:
    """The probabilities of the types by our model and by share, each of shape (n_shots, n_types)."""
    features, training = table.features[test], table.select(train)
    types = fit_defect_types(training, pipeline.scaling.median)
    assert types, "plan_jobs plans no such job for a table without defect types"
    defect = pipeline(features).probability[:, None]
    return defect * types(features), defect * type_shares(training, features)


def type_shares(training: Table, features: NDArray[np.float32]) -> Floats:
    """Look up the share of past defects of the shot's product type that show each defect type.

    Parameters
    ----------
    training : Table
        Past shots.
    features : ndarray of float32, shape (n_shots, n_features)
        The shots to look up.

    Returns
    -------
    ndarray of float64, shape (n_shots, n_types)
        A product type without past defects gets the shares of all defective shots.
    """
    shares = np.tile(training.types[training.defect].mean(axis=0), (len(features), 1))
    product = training.product
    for code in [] if product is None else np.unique(features[:, product]):
        defective = training.defect & (training.features[:, product] == code)
        if defective.any():
            shares[features[:, product] == code] = training.types[defective].mean(axis=0)
    return shares


def type_figures(scores: TypeScores, weights: Weights) -> dict[str, Any]:
    """Compute the figures of every defect type.

    Returns
    -------
    dict
        Defect type → `ours` and `by_share` (ROC-AUC with interval), `difference` (paired) and `examples` (shots that
        show the type).
    """
    return {name: {"examples": int(ours.defect.sum()),
                   "ours": _area(ours, weights), "by_share": _area(scores.by_share[name], weights),
                   "difference": paired_difference(ours, scores.by_share[name], "roc_auc", weights)}
            for name, ours in scores.ours.items()}


def _area(shots: Predictions, weights: Weights) -> dict[str, Any]:
    values = figures(shots, weights)
    return {"roc_auc": values["roc_auc"], "interval": values["interval"]["roc_auc"]}
