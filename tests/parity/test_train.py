"""A table becomes a bundle that serves; and what the shipped bundles say of the real table is true."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shots import generate, kamp_csv
from sklearn.ensemble import HistGradientBoostingRegressor
from tables import foundry, write_csv, write_kamp

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import Bundle, load_bundle
from shotwise.errors import InvalidInput
from shotwise.prediction import predict
from shotwise.shot import read_shot
from shotwise_training.audit.schema_draft import draft_schema
from shotwise_training.data.csv_file import TableError, read_csv
from shotwise_training.data.protocol import PROTOCOLS, splits
from shotwise_training.data.table import Table, read_table
from shotwise_training.export import bundle as export
from shotwise_training.export.manifest import Figures
from shotwise_training.export.model_card import model_card
from shotwise_training.export.pipeline_files import FittedModels, load_pipeline
from shotwise_training.models.configuration import SHOTWISE
from shotwise_training.models.defect_types import fit_defect_types
from shotwise_training.models.pipeline import Pipeline, PipelineOutput, fit
from shotwise_training.train import train

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "src/shotwise_training/kamp.toml"


@pytest.fixture(scope="module")
def small_csv(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 synthetic shots in the publisher's layout, every 20th twice; defective where the furnace was cold."""
    rows = generate(bundle, 400, seed=5)
    cold = rows[:, bundle.position["Melting_Furnace_Temp"]]
    defective = cold < np.quantile(cold, 0.3)
    return write_kamp(tmp_path_factory.mktemp("table") / "shots.csv", bundle, rows, defective)


def shared_rows(table: Table, protocol: str) -> int:
    """Count test shots with an exact duplicate in the training part, over all folds."""
    return sum(tuple(np.nan_to_num(row)) in {tuple(np.nan_to_num(row)) for row in table.features[train]}
               for train, test in splits(table, protocol) for row in table.features[test])


QUICK = replace(SHOTWISE, epochs=40, forest_trees=100,
                booster=HistGradientBoostingRegressor(max_iter=60, early_stopping=False, random_state=0))


def test_duplicates_are_found_and_never_split(small_csv: Path) -> None:
    """The 20 repeated rows are kept once, and no training part holds a duplicate of a test shot.

    With the duplicates left in, as `published` has them, the same count finds some.
    """
    table = read_table(small_csv, SCHEMA)
    unique = table.without_duplicates()
    assert (len(table), len(unique)) == (420, 400)
    assert shared_rows(unique, "unique") == 0 < shared_rows(table, "published")


def test_training_writes_a_bundle_that_serves(small_csv: Path, tmp_path: Path) -> None:
    """From the table to a verified bundle whose graph has learned what makes these shots defective."""
    shipped = {path: path.read_bytes() for path in (ROOT / "src/shotwise_training/pipelines").rglob("*.pt")}
    train(small_csv, SCHEMA, tmp_path / "bundle", configuration=QUICK)
    trained = load_bundle(tmp_path / "bundle", ENGINE)
    predictions = [predict([read_shot(sample["features"], trained)], trained)[0] for sample in trained.samples]
    outcomes = [sample["outcome"] == "defect" for sample in trained.samples]
    assert [prediction.defect for prediction in predictions] == outcomes
    assert trained.manifest["figures"]["unique"]["shotwise"]["roc_auc"] > 0.9
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "bundle.pipeline"}
    assert shipped and {path: path.read_bytes() for path in shipped} == shipped
    pipeline = load_pipeline(tmp_path / "bundle.pipeline").pipeline
    np.testing.assert_allclose(pipeline(trained.background).probability,
                               trained.graph.probability(trained.background), rtol=0, atol=2.5e-6)


def test_a_table_nobody_has_seen_becomes_a_bundle_that_serves(tmp_path: Path) -> None:
    """A Korean foundry's table, read with the schema drafted for it, gives a bundle with its names and categories.

    An excluded column may be sent or left out and never counts; an unknown category is refused with the allowed ones.
    """
    path = write_csv(tmp_path / "shots.csv", foundry(), encoding="cp949")
    (tmp_path / "plant.toml").write_text(draft_schema(read_csv(path), "판정", ["불량"]), "utf-8")
    train(path, tmp_path / "plant.toml", tmp_path / "bundle", configuration=QUICK)
    trained = load_bundle(tmp_path / "bundle", ENGINE)
    features = dict(trained.samples[0]["features"])
    assert trained.excluded and not set(features) & trained.excluded_names
    with_excluded = {**features, **{column.name: "x" for column in trained.excluded}}
    without, with_them = (predict([read_shot(sent, trained)], trained)[0] for sent in (features, with_excluded))
    assert without.probability == with_them.probability
    column = next(feature for feature in trained.features if feature.categories)
    with pytest.raises(InvalidInput, match=f"must be one of {', '.join(column.categories)}"):
        read_shot({**features, column.name: "?"}, trained)
    assert {name for limits in trained.limits.values() for name in limits} <= set(trained.names)


def test_a_table_with_too_few_defects_leaves_no_bundle(small_csv: Path, tmp_path: Path) -> None:
    """49 defects are not enough: the message says how many there are and how many it takes; nothing is written."""
    lines = small_csv.read_text("utf-8-sig").splitlines()
    bad = [line for line in lines[2:] if ",2" in line[-60:]]
    good = [line for line in lines[2:] if line not in bad]
    path = tmp_path / "shots.csv"
    path.write_text("\n".join([*lines[:2], *good, *list(dict.fromkeys(bad))[:49]]), "utf-8")
    with pytest.raises(TableError, match="unique shots are defective, training needs 50"):
        train(path, SCHEMA, tmp_path / "bundle", configuration=QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["shots.csv"]


class DriftingPipeline(Pipeline):
    """A pipeline that predicts otherwise than its parameters, of which the graph is made, say."""

    def __call__(self, features: NDArray[np.float32]) -> PipelineOutput:
        """Predict with another slope."""
        return Pipeline.__call__(replace(self, slope=self.slope * 1.01), features)


def test_a_graph_that_drifts_is_not_written(small_csv: Path, tmp_path: Path) -> None:
    """The graph is compared with the pipeline before a file is written."""
    table = read_table(small_csv, SCHEMA)
    pipeline = DriftingPipeline(**vars(fit(table.without_duplicates(), QUICK)))
    models = FittedModels(pipeline, fit_defect_types(table.without_duplicates(), pipeline.scaling.median))
    with pytest.raises(export.DriftError, match="nothing was written"):
        export.write_bundle(tmp_path / "bundle", QUICK, table, models, Figures({}, {}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["shotwise", "poc_baseline"])
def test_the_shipped_card_is_written_from_the_manifest(name: str) -> None:
    """The generator writes the shipped card anew, to the letter."""
    manifest = json.loads((ROOT / "models" / name / "bundle.json").read_text("utf-8"))
    assert model_card(manifest) == (ROOT / "models" / name / "MODEL_CARD.md").read_text("utf-8")
    assert all(entry["definition"] == PROTOCOLS[protocol] for protocol, entry in manifest["figures"].items())


def test_the_card_names_the_data_it_was_trained_on(bundle: Bundle) -> None:
    """The card tells them; where the table is at hand, its hash is that one and its shots are counted anew."""
    training = bundle.manifest["training"]
    counts = training["shots"], training["unique_shots"], training["defective_unique_shots"]
    assert all(str(count) in bundle.card for count in counts)
    assert training["data_sha256"] in bundle.card and "KAMP" in bundle.card
    path = kamp_csv()
    if path is not None:
        table = read_table(path, SCHEMA)
        unique = table.without_duplicates()
        assert table.sha256 == training["data_sha256"]
        assert (len(table), len(unique), int(unique.defect.sum())) == counts
