"""The way from a table to a bundle, on a small table of its own, and what the real one is known for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import as_features, generate, kamp_csv

from shotwise.adapters.onnx_graph import OnnxGraph
from shotwise.bundle import Bundle, load_bundle
from shotwise.prediction import predict
from shotwise.shot import read_shot
from training import export, recipe
from training.protocol import splits
from training.table import Table, TableError, read_table

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "training/kamp.toml"
TYPES = ("Short_Shot", "Bubble", "Exfoliation", "Blow_Hole", "Stain", "Dent", "Deformation", "Contamination",
         "Impurity", "Crack", "Scratch", "Buring_Mark", "Inclusions")


@pytest.fixture(scope="module")
def small_csv(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 synthetic shots in the publisher's layout, every 20th twice; defective where the furnace was cold."""
    rows = generate(bundle, 400, seed=5)
    cold = rows[:, bundle.position["Melting_Furnace_Temp"]]
    defective = cold < np.quantile(cold, 0.3)
    path: Path = tmp_path_factory.mktemp("table") / "shots.csv"
    names = [f" {name} " for name in bundle.names] + [kind + cavity for cavity in ("_1", "_2") for kind in TYPES]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["Process"] * 17 + ["Sensor"] * 14 + ["Defects"] * 26)
        writer.writerow(["id", *names])
        for number, (row, bad) in enumerate(zip(rows, defective, strict=True)):
            values = ["" if value is None else value for value in as_features(row, bundle).values()]
            labels = [2 if bad and index == number % 13 else 0 for index in range(26)]
            for copy in range(2 if number % 20 == 0 else 1):
                writer.writerow([number * 10 + copy, *values, *labels])
    return path


def shared_rows(table: Table, protocol: str) -> int:
    """How many held-out shots have their exact twin in the training part, over all splits."""
    return sum(tuple(np.nan_to_num(row)) in {tuple(np.nan_to_num(row)) for row in table.features[train]}
               for train, held in splits(table, protocol) for row in table.features[held])


def test_twins_are_found_and_never_split(small_csv: Path) -> None:
    """The 20 repeated rows are kept once, and no training part holds a twin of a held-out shot; with the twins left
    in, as `published` has them, the same count finds some."""
    table = read_table(small_csv, SCHEMA)
    unique = table.without_twins()
    assert (len(table), len(unique)) == (420, 400)
    assert shared_rows(unique, "unique") == 0 < shared_rows(table, "published")


def test_a_severity_is_a_defect_and_names_are_stripped(small_csv: Path) -> None:
    """2 in a cell counts, and stray spaces in the header do not hide a column."""
    table = read_table(small_csv, SCHEMA)
    assert table.defect.mean() == pytest.approx(0.3, abs=0.03) and len(table.columns) == 30


def test_training_writes_a_bundle_that_serves(small_csv: Path, tmp_path: Path) -> None:
    """From the table to a verified bundle whose graph has learned what makes these shots defective."""
    shipped = {path: path.read_bytes() for path in (ROOT / "training/pipelines").rglob("*.pt")}
    recipe.train(small_csv, SCHEMA, tmp_path / "bundle")
    trained = load_bundle(tmp_path / "bundle", OnnxGraph)
    found = [predict([read_shot(sample["features"], trained)], trained)[0] for sample in trained.samples]
    assert [shot.defect for shot in found] == [sample["outcome"] == "defect" for sample in trained.samples]
    assert trained.document["figures"]["unique"]["shotwise"]["roc_auc"] > 0.9
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "bundle.pipeline"}
    assert shipped and {path: path.read_bytes() for path in shipped} == shipped
    np.testing.assert_allclose(export.load_pipeline(tmp_path / "bundle.pipeline")(trained.background).probability,
                               trained.graph.probability(trained.background), rtol=0, atol=2.5e-6)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("Cycle_Time", "Cycle", "no column Cycle_Time"), ("Crack_2", "Crack", "no column Crack_2"),
    ("Process", "Process", None)])
def test_a_table_without_a_column_is_refused_by_name(small_csv: Path, tmp_path: Path, old: str, new: str,
                                                     said: str | None) -> None:
    """The message names the column that the schema expects; an unchanged table passes."""
    path = tmp_path / "shots.csv"
    path.write_text(small_csv.read_text("utf-8-sig").replace(old, new), "utf-8")
    if said is None:
        assert len(read_table(path, SCHEMA)) == 420
    else:
        with pytest.raises(TableError, match=said):
            read_table(path, SCHEMA)


@pytest.mark.parametrize(("column", "cell", "said"), [
    (11, "n/a", "row 3: Cycle_Time is 'n/a'"), (11, "inf", "row 3: Cycle_Time is 'inf'"),
    (1, "7", "row 3: Product_Type is '7'"), (2, "", "row 3: Shot is ''"), (40, "x", "row 3: .* is 'x'"),
    (56, "0,0", "row 3 has 58 cells, the header 57")])
def test_a_cell_that_cannot_be_used_is_named(small_csv: Path, tmp_path: Path, column: int, cell: str,
                                             said: str) -> None:
    """Row and column are in the message; an empty last line is no row."""
    lines = small_csv.read_text("utf-8-sig").splitlines()
    cells = lines[4].split(",")
    cells[column] = cell
    path = tmp_path / "shots.csv"
    path.write_text("\n".join([*lines[:4], ",".join(cells), *lines[5:], "", ""]), "utf-8")
    with pytest.raises(TableError, match=said):
        read_table(path, SCHEMA)


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
