"""CSV and schema become arrays, and every mistake in them gets a message that says what to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import generate
from tables import TYPES, Kamp, foundry, write_csv, write_kamp

from shotwise.bundle import Bundle
from shotwise_training.data.csv_file import TableError
from shotwise_training.data.table import Table, check_trainable, read_table

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "src/shotwise_training/kamp.toml"
FOUNDRY = """
[table]
run = "샷번호"
time = "일시"

[label]
column = "판정"
defect = ["불량"]

[features]
"샷번호" = { excluded = "identifies the run" }
"제품" = { categories = ["가", "나"] }
"주조압력(MPa)" = {}
"속도" = {}
"""


@pytest.fixture(scope="module")
def small_csv(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 synthetic shots in the publisher's layout, every 20th twice, every fourth defective."""
    return write_kamp(tmp_path_factory.mktemp("table") / "shots.csv", bundle, generate(bundle, 400, seed=5),
                      np.arange(400) % 4 == 0)


def read(folder: Path, columns: dict[str, list[Any]], schema: str) -> Table:
    """Read these columns with this schema."""
    (folder / "plant.toml").write_text(schema, "utf-8")
    return read_table(write_csv(folder / "shots.csv", columns), folder / "plant.toml")


def test_the_published_layout_is_read_correctly(kamp: Kamp) -> None:
    """Rows, unique rows, runs, features and types of the real table, or of a synthetic one like it."""
    table = read_table(kamp.path, SCHEMA)
    unique = table.without_duplicates()
    assert (len(table), len(unique), int(table.run.max()) + 1) == (kamp.rows, kamp.unique, kamp.runs)
    assert table.features.shape == (kamp.rows, len(table.columns)) and table.types.shape == (kamp.rows, len(TYPES))
    assert table.excluded == () and (table.order == np.arange(kamp.rows)).all()
    assert {column.name: int(np.isnan(table.features[:, index]).sum()) for index, column in enumerate(table.columns)
            if column.missing} == kamp.missing
    check_trainable(table)


def test_a_severity_is_a_defect_and_names_are_stripped(small_csv: Path) -> None:
    """2 in a cell counts, and stray spaces in the header do not hide a column."""
    table = read_table(small_csv, SCHEMA)
    assert table.without_duplicates().defect.mean() == 0.25
    assert all(column.name == column.name.strip() for column in table.columns)
    np.testing.assert_array_equal(table.types.any(axis=1), table.defect)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_korean_table_is_read(tmp_path: Path, encoding: str) -> None:
    """Korean names and values, a label by column, runs by a counter, an order by time stamps, and no types."""
    columns = foundry()
    (tmp_path / "plant.toml").write_text(FOUNDRY, "utf-8")
    table = read_table(write_csv(tmp_path / "shots.csv", columns, encoding=encoding), tmp_path / "plant.toml")
    assert [column.name for column in table.columns] == ["제품", "주조압력(MPa)", "속도"]
    assert [column.name for column in table.excluded] == ["샷번호"] and table.types.shape == (600, 0)
    assert table.defect.tolist() == [value == "불량" for value in columns["판정"]]
    assert np.bincount(table.run).tolist() == [120] * 5 and table.attribution == "shots.csv"
    assert table.features[:, 0].tolist() == [float(value == "나") for value in columns["제품"]]


def test_order_and_runs_follow_the_time_and_rows_stay_where_they_are(tmp_path: Path) -> None:
    """A file in reverse order has the same runs: a counter falls in time, not in the file."""
    columns = foundry()
    forward = read(tmp_path, columns, FOUNDRY)
    backward = read(tmp_path, {name: values[::-1] for name, values in columns.items()}, FOUNDRY)
    assert backward.order.tolist() == list(range(599, -1, -1))
    np.testing.assert_array_equal(backward.run[::-1], forward.run)
    np.testing.assert_array_equal(backward.features[::-1], forward.features)
    np.testing.assert_array_equal(backward.select(backward.order < 10).order, np.arange(9, -1, -1))


def test_a_run_may_be_a_value(tmp_path: Path) -> None:
    """Each distinct value is one run, numbered as it appears; without a run column all shots are in run 0."""
    columns = {"lot": ["B", "A", "B", "1", "1.0"], "x": [1, 2, 3, 4, 5], "y": [0, 1, 0, 1, 0]}
    schema = '[label]\ncolumn = "y"\n[features]\nx = {}\n'
    lots = '[table]\nrun = "lot"\nrun_kind = "value"\n'
    assert read(tmp_path, columns, lots + schema).run.tolist() == [0, 1, 0, 2, 2]
    assert read(tmp_path, columns, schema).run.tolist() == [0] * 5


def test_duplicates_are_equal_in_all_that_is_learned_and_lie_in_one_run(tmp_path: Path) -> None:
    """An excluded remark does not tell two shots apart, an excluded run does, and so does the label.

    A missing value equals a missing value, and -0 equals 0.
    """
    columns = {"run": ["a", "a", "b", "a", "a", "a", "a"], "x": [0, "-0", 0, 0, "", "", 2],
               "remark": list("ijklmno"), "y": [0, 0, 0, 1, 0, 0, 0]}
    schema = ('[label]\ncolumn = "y"\n[features]\nx = { missing = true }\nremark = { excluded = "a remark" }\n'
              'run = { excluded = "the run" }\n')
    assert len(read(tmp_path, columns, schema).without_duplicates()) == 4
    unique = read(tmp_path, columns, '[table]\nrun = "run"\nrun_kind = "value"\n' + schema).without_duplicates()
    assert unique.order.tolist() == [0, 2, 3, 4, 6]


@pytest.mark.parametrize(("column", "defect", "values", "expected"), [
    ("y", None, ["0", "2", "0.0", "1.5"], [False, True, False, True]),
    ("y", ["1.0"], ["1", "2", "1.0", "0"], [True, False, True, False]),
    ("y", ["NG", "rework"], ["NG", "OK", "rework", "ok"], [True, False, True, False])])
def test_a_label_column_is_read(tmp_path: Path, column: str, defect: list[str] | None, values: list[str],
                                expected: list[bool]) -> None:
    """Numbers above zero, or the values that the schema lists; 1.0 is 1."""
    schema = f'[label]\ncolumn = "{column}"\n' + (f"defect = {defect}\n" if defect else "") + "[features]\nx = {}\n"
    assert read(tmp_path, {"x": [1, 2, 3, 4], "y": values}, schema).defect.tolist() == expected


def test_a_number_that_names_a_category_may_carry_a_decimal(tmp_path: Path) -> None:
    """1.0 is category 1, as a spreadsheet writes a column with an empty cell."""
    schema = '[label]\ncolumn = "y"\n[features]\np = { categories = ["1", "2"], missing = true }\n'
    table = read(tmp_path, {"p": ["1.0", "2", "", "1"], "y": [0, 1, 0, 1]}, schema)
    np.testing.assert_array_equal(table.features[:, 0], [0, 1, np.nan, 0])


@pytest.mark.parametrize(("old", "new", "message"), [
    ("Cycle_Time", "Cycle", "no column Cycle_Time; kamp.toml names it"),
    ("Crack_2", "Crack", "no column Crack_2; kamp.toml names it"),
    ("Defects", "Faults", "no column in group Defects; its groups are Process, Sensor, Faults"),
    ("Process,Sensor", "Process,Defects", "Product_Type|Melting_Furnace_Temp is part of the label and a feature"),
    ("Process", "Process", None)])
def test_a_table_without_a_column_is_refused_by_name(small_csv: Path, tmp_path: Path, old: str, new: str,
                                                     message: str | None) -> None:
    """The message names the column or group that the schema expects; an unchanged table passes."""
    path = tmp_path / "shots.csv"
    path.write_text(small_csv.read_text("utf-8-sig").replace(old, new), "utf-8")
    if message is None:
        assert len(read_table(path, SCHEMA)) == 420
    else:
        with pytest.raises(TableError, match=message):
            read_table(path, SCHEMA)


@pytest.mark.parametrize(("column", "cell", "message"), [
    (11, "n/a", "Cycle_Time is 'n/a', not a number; correct it .*give the column categories, or exclude it with"),
    (11, "inf", "Cycle_Time is 'inf', not a finite number"), (11, "1e39", "Cycle_Time is '1e39', not a finite number"),
    (1, "7", "Product_Type is '7'; the schema allows 1, 2"), (2, "", "Shot is ''; fill it in, or set missing = true"),
    (40, "x", "Crack_1 is 'x', not a number"), (56, "0,0", "has 58 cells, the header 57")])
def test_a_cell_that_cannot_be_used_is_named(small_csv: Path, tmp_path: Path, column: int, cell: str,
                                             message: str) -> None:
    """File, row, line and column are in the message; an empty last line is no row."""
    lines = small_csv.read_text("utf-8-sig").splitlines()
    cells = lines[4].split(",")
    cells[column] = cell
    path = tmp_path / "shots.csv"
    path.write_text("\n".join([*lines[:4], ",".join(cells), *lines[5:], "", ""]), "utf-8")
    with pytest.raises(TableError, match=rf"shots.csv, row 3 \(line 5\).*({message})"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize(("change", "message"), [
    ({"판정": ["OK", "NG"] * 300}, "no row has 불량 in 판정; it holds NG, OK"),
    ({"판정": ["불량", ""] * 300}, r"row 2 \(line 3\): 판정 is empty \(300 rows have no label\)"),
    ({"샷번호": ["1", ""] * 300}, r"row 2 \(line 3\): 샷번호 is ''; the run of every row"),
    ({"일시": ["2024-01-31", "soon"] * 300}, r"row 2 \(line 3\): 일시 is 'soon', neither a timestamp nor a number"),
    ({"일시": ["2024-01-31", ""] * 300}, "일시 is '', neither")])
def test_a_column_that_the_schema_relies_on_is_checked(tmp_path: Path, change: dict[str, list[str]],
                                                       message: str) -> None:
    """Label, run and time have to be known of every row."""
    with pytest.raises(TableError, match=message):
        read(tmp_path, {**foundry(), **change}, FOUNDRY)


@pytest.mark.parametrize(("values", "labels", "message"), [
    (range(200), [0] * 200, "no shot is defective"), (range(200), [1] * 200, "no shot is good"),
    (range(200), [1] * 49 + [0] * 151, "49 unique shots are defective, training needs 50"),
    ([0] * 60 + list(range(140)), [1] * 60 + [0] * 140, "1 unique shots are defective"),
    ([7] * 200, [1] * 100 + [0] * 100, "1 unique shots are defective"), (range(200), [1] * 50 + [0] * 150, None)])
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, values: Any, labels: list[int],
                                                message: str | None) -> None:
    """Both classes need 50 unique shots; if there are fewer, the message says how many."""
    table = read(tmp_path, {"x": list(values), "y": labels}, '[label]\ncolumn = "y"\n[features]\nx = {}\n')
    if message is None:
        check_trainable(table)
    else:
        with pytest.raises(TableError, match=message):
            check_trainable(table)


def test_a_table_of_constants_is_refused(tmp_path: Path) -> None:
    """Runs keep 100 equal shots apart here, and still nothing varies; one feature that does is enough."""
    columns = {"lot": list(range(200)), "x": [7] * 200, "z": list(range(200)), "y": [0, 1] * 100}
    schema = '[table]\nrun = "lot"\nrun_kind = "value"\n[label]\ncolumn = "y"\n[features]\nx = {}\n'
    with pytest.raises(TableError, match="every feature is constant"):
        check_trainable(read(tmp_path, columns, schema))
    check_trainable(read(tmp_path, columns, schema + "z = {}\n"))


def test_a_hundred_thousand_rows_are_read_in_seconds(tmp_path: Path) -> None:
    """100,000 × 31 cells are read and their 20,000 planted duplicates are found exactly, within a generous bound."""
    random = np.random.default_rng(8)
    rows = random.normal(100, 10, (80_000, 30)).round(3)
    rows = np.concatenate([rows, rows[:20_000]])
    label = np.concatenate([labels := random.integers(2, size=80_000), labels[:20_000]])
    names = [f"x{index}" for index in range(30)]
    with (tmp_path / "shots.csv").open("w") as file:
        file.write(",".join([*names, "y"]) + "\n")
        np.savetxt(file, np.column_stack([rows, label]), fmt="%.7g", delimiter=",")
    (tmp_path / "plant.toml").write_text('[label]\ncolumn = "y"\n[features]\n'
                                         + "".join(f"{name} = {{}}\n" for name in names))
    start = time.process_time()
    table = read_table(tmp_path / "shots.csv", tmp_path / "plant.toml")
    unique = table.without_duplicates()
    assert time.process_time() - start < 30
    assert (len(table), len(unique)) == (100_000, 80_000) and (unique.order == np.arange(80_000)).all()
