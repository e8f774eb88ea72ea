"""What a bundle cannot be made of is refused before the minutes of training; every other table becomes one that serves.

The models are small, so that the end of a training is reached in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import GradientBoostingClassifier
from tables import foundry, write_csv

from shotwise.adapters.onnx import ENGINE
from shotwise.attribution.explanation import explain
from shotwise.bundle import Bundle, load_bundle
from shotwise.handlers.replies import importance_reply
from shotwise.prediction import predict
from shotwise.shot import read_shot
from shotwise_training.data.csv_file import TableError
from shotwise_training.data.table import Table, check_trainable, read_table
from shotwise_training.export.bundle import write_bundle
from shotwise_training.export.manifest import Figures
from shotwise_training.export.pipeline_files import FittedModels
from shotwise_training.models.configuration import POC_BASELINE
from shotwise_training.models.defect_types import fit_defect_types
from shotwise_training.models.history import can_fit_history_head
from shotwise_training.models.pipeline import fit
from shotwise_training.train import train

Columns = dict[str, list[Any]]
SMALL = replace(POC_BASELINE, name="shotwise", keep_duplicates=False, history=True, epochs=20,
                booster=GradientBoostingClassifier(n_estimators=3, max_depth=3, random_state=0))
LABEL = '[label]\ncolumn = "판정"\ndefect = ["불량"]\n[features]\n'
RUNS = '[table]\nrun = "run"\nrun_kind = "value"\n'
PRODUCT = '"제품" = { categories = ["가", "나"], missing = true }\n'
PRESSURE, SPEED = "주조압력(MPa)", "속도"
NUMBERS = "".join(f'"{name}" = {{ missing = true }}\n' for name in (PRESSURE, SPEED))
FEATURES = PRODUCT + NUMBERS


def change(columns: Columns, name: str, of: Callable[[dict[str, Any]], Any]) -> Columns:
    """Compute a column anew from the other cells of its row."""
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return {**columns, name: [of(row) for row in rows]}


def is_defect(row: dict[str, Any]) -> bool:
    """Whether the label of a row is that of a defect."""
    return bool(row["판정"] == "불량")


def read(folder: Path, columns: Columns, schema: str = LABEL + FEATURES) -> Table:
    """Write columns and schema to files and read the table."""
    (folder / "schema.toml").write_text(schema, "utf-8")
    return read_table(write_csv(folder / "shots.csv", columns), folder / "schema.toml")


def to_bundle(table: Table, folder: Path) -> Bundle:
    """Do what follows the scoring in a training, and load the bundle."""
    check_trainable(table)
    unique = table.without_duplicates()
    pipeline = fit(unique, SMALL)
    models = FittedModels(pipeline, fit_defect_types(unique, pipeline.scaling.median))
    write_bundle(folder / "bundle", SMALL, table, models, Figures({}, {}))
    return load_bundle(folder / "bundle", ENGINE)


def serve(bundle: Bundle) -> None:
    """Predict and explain every sample, and the first as a shot of each product."""
    features = [dict(sample["features"]) for sample in bundle.samples]
    product = next((feature for feature in bundle.features if feature.name == bundle.product_feature), None)
    features += [{**features[0], product.name: category} for category in (product.categories if product else ())]
    assert len(features) >= 6
    for values in features:
        shot = read_shot(values, bundle)
        predict([shot], bundle)
        importance_reply(explain(shot, bundle, ("setpoints", "signals")), None, [], bundle, "ko")


@pytest.mark.parametrize(("name", "cell", "absent"), [
    ("제품", lambda row: "가", {"나": {PRESSURE, SPEED}}),
    ("판정", lambda row: "불량" if row["제품"] == "나" else row["판정"], {"나": {PRESSURE, SPEED}}),
    (SPEED, lambda row: "" if row["제품"] == "나" else row[SPEED], {"나": {SPEED}}),
    (SPEED, lambda row: "" if row["제품"] == "나" and not is_defect(row) else row[SPEED], {"나": {SPEED}}),
    (SPEED, lambda row: row[SPEED] if is_defect(row) else "", {"가": {SPEED}, "나": {SPEED}, "all": {SPEED}}),
    (SPEED, lambda row: 2.4, {"가": {SPEED}, "나": {SPEED}, "all": {SPEED}})],
    ids=["one product", "a product without good shots", "a product without a value",
         "a product whose good shots have no value", "a value of defects alone", "a constant"])
def test_a_limit_that_nothing_shows_is_absent(tmp_path: Path, name: str, cell: Callable[[dict[str, Any]], Any],
                                              absent: dict[str, set[str]]) -> None:
    """A product without a good measurement of a value has no limit of it; the bundle is written, loads and serves."""
    bundle = to_bundle(read(tmp_path, change(foundry(), name, cell)), tmp_path)
    for product in ("가", "나", "all"):
        expected = {PRESSURE, SPEED} - absent.get(product, set())
        assert set(bundle.limits[product]) == set(bundle.typical[product]) == expected
    serve(bundle)


def as_switch(row: dict[str, Any]) -> int:
    """A value that is one of two."""
    return int(float(row[SPEED]) > 2.4)


@pytest.mark.parametrize(("schema", "cell"), [
    (LABEL + f'"{PRESSURE}" = {{}}\n', as_switch), (RUNS + LABEL + f'"{SPEED}" = {{}}\n', as_switch),
    (RUNS + LABEL + PRODUCT, as_switch), (LABEL + FEATURES, lambda row: 1e29 * float(row[SPEED]))],
    ids=["one feature", "two different shots", "a category alone", "large numbers"])
def test_few_and_odd_values_serve(tmp_path: Path, schema: str, cell: Callable[[dict[str, Any]], Any]) -> None:
    """One feature, shots that are one of two, and numbers of any size give a bundle that serves."""
    columns = change(foundry(), "run", lambda row: row["일시"])
    serve(to_bundle(read(tmp_path, change(columns, SPEED, cell), schema), tmp_path))


def test_small_numbers_keep_their_digits(tmp_path: Path) -> None:
    """A leak rate of 2e-6 has limits that most good shots are inside, and a plausible range that holds them."""
    columns = change(foundry(), SPEED, lambda row: f"{float(row[SPEED]) * 1e-6:.12f}")
    bundle = to_bundle(read(tmp_path, columns), tmp_path)
    low, high = bundle.limits["all"][SPEED]
    feature = bundle.features[bundle.position[SPEED]]
    assert 1.5e-6 < low < 2.2e-6 < 2.6e-6 < high < 3.2e-6
    assert feature.plausible[0] < feature.seen[0] < feature.seen[1] < feature.plausible[1]
    serve(bundle)


@pytest.mark.parametrize(("name", "cell", "message"), [
    (SPEED, lambda row: "", "속도 was never measured; exclude it"),
    ("제품", lambda row: "", "제품 was never measured; exclude it"),
    (SPEED, lambda row: 2e38, "속도 has values beyond 1e.30")])
def test_what_cannot_become_a_bundle_is_refused_at_the_start(
        tmp_path: Path, name: str, cell: Callable[[dict[str, Any]], Any], message: str) -> None:
    """Before anything is fitted, with a sentence that names the column and what to do."""
    table = change(foundry(), name, cell)
    read(tmp_path, table)
    steps: list[str] = []
    with pytest.raises(TableError, match=message):
        train(tmp_path / "shots.csv", tmp_path / "schema.toml", tmp_path / "bundle", SMALL,
              lambda done, total, step: steps.append(step))
    assert steps == [] and not (tmp_path / "bundle").exists()


@pytest.mark.slow
def test_runs_without_late_defects_have_no_history_head(tmp_path: Path) -> None:
    """Where the first 70 % of the shots would do for a head and all of them do not, training ends without one."""
    columns = foundry()
    columns["판정"] = ["불량" if row < 420 and row % 3 == 0 else "양품" for row in range(len(columns["판정"]))]
    table = read(tmp_path, columns)
    assert not can_fit_history_head(table)
    manifest = train(tmp_path / "shots.csv", tmp_path / "schema.toml", tmp_path / "bundle", SMALL)
    assert "shotwise" in manifest["figures"]["forward-history"] and manifest["history"] is None
    serve(load_bundle(tmp_path / "bundle", ENGINE))


@pytest.mark.slow
def test_a_plant_with_one_product_trains(tmp_path: Path) -> None:
    """From the table to the bundle with the configuration that is served, though the schema names a second product."""
    read(tmp_path, change(foundry(400), "제품", lambda row: "가"))
    manifest = train(tmp_path / "shots.csv", tmp_path / "schema.toml", tmp_path / "bundle")
    assert manifest["limits"]["나"] == {} and len(manifest["limits"]["가"]) == 2
    serve(load_bundle(tmp_path / "bundle", ENGINE))
