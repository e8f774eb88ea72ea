"""The way from a table to a bundle, on a small table of its own, and what the real one is known for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import generate, kamp_csv
from sklearn.ensemble import HistGradientBoostingRegressor
from tables import write_kamp

from shotwise.adapters.onnx_graph import OnnxGraph
from shotwise.bundle import Bundle, load_bundle
from shotwise.prediction import predict
from shotwise.shot import read_shot
from training import export, recipe
from training.configuration import SHOTWISE
from training.protocol import splits
from training.table import Table, read_table

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "training/kamp.toml"


@pytest.fixture(scope="module")
def small_csv(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 synthetic shots in the publisher's layout, every 20th twice; defective where the furnace was cold."""
    rows = generate(bundle, 400, seed=5)
    cold = rows[:, bundle.position["Melting_Furnace_Temp"]]
    defective = cold < np.quantile(cold, 0.3)
    return write_kamp(tmp_path_factory.mktemp("table") / "shots.csv", bundle, rows, defective)


def shared_rows(table: Table, protocol: str) -> int:
    """How many held-out shots have their exact twin in the training part, over all splits."""
    return sum(tuple(np.nan_to_num(row)) in {tuple(np.nan_to_num(row)) for row in table.features[train]}
               for train, held in splits(table, protocol) for row in table.features[held])


QUICK = replace(SHOTWISE, made_up=400, taught=HistGradientBoostingRegressor(
    max_iter=60, early_stopping=False, random_state=0))


def test_twins_are_found_and_never_split(small_csv: Path) -> None:
    """The 20 repeated rows are kept once, and no training part holds a twin of a held-out shot; with the twins left
    in, as `published` has them, the same count finds some."""
    table = read_table(small_csv, SCHEMA)
    unique = table.without_twins()
    assert (len(table), len(unique)) == (420, 400)
    assert shared_rows(unique, "unique") == 0 < shared_rows(table, "published")


def test_training_writes_a_bundle_that_serves(small_csv: Path, tmp_path: Path) -> None:
    """From the table to a verified bundle whose graph has learned what makes these shots defective."""
    shipped = {path: path.read_bytes() for path in (ROOT / "training/pipelines").rglob("*.pt")}
    recipe.train(small_csv, SCHEMA, tmp_path / "bundle", configuration=QUICK)
    trained = load_bundle(tmp_path / "bundle", OnnxGraph)
    found = [predict([read_shot(sample["features"], trained)], trained)[0] for sample in trained.samples]
    assert [shot.defect for shot in found] == [sample["outcome"] == "defect" for sample in trained.samples]
    assert trained.document["figures"]["unique"]["shotwise"]["roc_auc"] > 0.9
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "bundle.pipeline"}
    assert shipped and {path: path.read_bytes() for path in shipped} == shipped
    np.testing.assert_allclose(export.load_pipeline(tmp_path / "bundle.pipeline")(trained.background).probability,
                               trained.graph.probability(trained.background), rtol=0, atol=2.5e-6)


def test_the_card_tells_the_data_it_was_trained_on(bundle: Bundle, shots: Any) -> None:
    """The numbers of the real table are those in the card; where the table is at hand they are counted anew."""
    training = bundle.document["training"]
    assert (training["shots"], training["unique_shots"], training["defective_unique_shots"]) == (7535, 4617, 1073)
    assert training["data_sha256"] in bundle.card and "KAMP" in bundle.card
    path = kamp_csv()
    if path is not None:
        table = read_table(path, SCHEMA)
        unique = table.without_twins()
        assert table.sha256 == training["data_sha256"]
        assert (len(table), len(unique), int(unique.defect.sum())) == (7535, 4617, 1073)
    assert len(shots.features) in (7535, 500)
