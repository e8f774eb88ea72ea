"""The forest learns what the values tell of the defect types, and is compared with past shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from test_protocol import QUICK, column, made_table

from shotwise.adapters.onnx import OnnxDefectTypes
from shotwise_training.data.table import Table
from shotwise_training.evaluation.evaluate import evaluate, plan_jobs
from shotwise_training.evaluation.summary import summarise
from shotwise_training.evaluation.type_scores import type_shares
from shotwise_training.export.graph import types_graph
from shotwise_training.models.defect_types import fit_defect_types
from shotwise_training.models.scaling import fit_scaling


def typed_table() -> Table:
    """Make shots that show the first type where the first value is high, else the second; a third has two examples."""
    table = made_table(runs=4, shots=200, copies=1)
    high = table.features[:, 0] > np.median(table.features[:, 0])
    types = np.stack([table.defect & high, table.defect & ~high, np.zeros(len(table), bool)], axis=1)
    types[np.flatnonzero(table.defect)[:2], 2] = True
    names = {name: {"ko": name, "en": name} for name in ("high", "low", "rare")}
    return replace(table, types=types, type_labels=names)


def test_the_forest_learns_which_type_it_is() -> None:
    """Each defective shot is likelier to show its own type; the graph says the same, also where a value is missing."""
    table = typed_table()
    types = fit_defect_types(table, fit_scaling(table.features).median)
    assert types
    chances = types(table.features)
    own = table.types[table.defect][:, :2]
    assert ((chances[table.defect][:, :2].argmax(axis=1) == own.argmax(axis=1)).mean()) > 0.95
    rows = table.features.copy()
    rows[::3, 1] = np.nan
    served = OnnxDefectTypes(types_graph(types).SerializeToString())(rows)
    np.testing.assert_allclose(served, types(rows), atol=1e-5)


def test_one_type_and_none() -> None:
    """A single type is certain of a defective shot; a table without types has no forest and no figures of them."""
    table = typed_table()
    median = fit_scaling(table.features).median
    single = fit_defect_types(replace(table, types=table.defect[:, None], type_labels={"any": {}}), median)
    assert single and single(table.features).shape == (len(table), 1) and (single(table.features) == 1).all()
    assert OnnxDefectTypes(types_graph(single).SerializeToString())(table.features).shape == (len(table), 1)
    assert fit_defect_types(made_table(), median) is None
    assert not [job for job in plan_jobs(made_table(), ["unique"], [QUICK], models=False) if job.name == "defect types"]


def test_shares_are_those_of_the_product_in_training() -> None:
    """By the product's defective training shots; a product that has none there gets the shares of all."""
    table = typed_table()
    first = replace(column("a"), categories=("x", "y", "z"))
    product = np.where(table.types[:, 0], 0, 1).astype(np.float32)
    table = replace(table, columns=(first, *table.columns[1:]),
                    features=np.column_stack([product, table.features[:, 1:]]))
    rows = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32)
    shares = type_shares(table, rows)
    assert shares[0, 0] == 1 and shares[1, 0] == 0
    np.testing.assert_allclose(shares[2], table.types[table.defect].mean(axis=0))


def test_types_are_scored_in_the_same_folds() -> None:
    """Our model beats the shares where the values tell the type, and does not where the types are shuffled.

    Only types with enough examples are scored.
    """
    table = typed_table()
    types = forward_types(table)
    assert set(types) == {"high", "low"}
    for scores in types.values():
        assert scores["ours"]["roc_auc"] > scores["by_share"]["roc_auc"] and scores["difference"]["interval"][0] > 0
    shuffled = table.types[np.random.default_rng(1).permutation(len(table))] & table.defect[:, None]
    shuffled_types = forward_types(replace(table, types=shuffled))
    assert all(scores["difference"]["interval"][0] <= 0 for scores in shuffled_types.values())


def forward_types(table: Table) -> dict[str, Any]:
    """Score the types under `forward`, which has one fold."""
    return dict(summarise(evaluate(plan_jobs(table, ["forward"], [QUICK], models=False)))["types"]["forward"])
