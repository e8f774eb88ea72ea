"""A drafted schema describes the columns, and the same file reads with it without an edit."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import TYPES, Kamp, foundry, write_csv

from shotwise_training.audit.schema_draft import comment, draft_schema, key, quoted, unit_in_name
from shotwise_training.data.csv_file import TableError, read_csv
from shotwise_training.data.table import Table, read_table


def drafted(path: Path, label: str = "판정", **options: Any) -> tuple[dict[str, Any], Table]:
    """Draft a schema for a file, and return it as TOML reads it, and the table that is read with it."""
    text = draft_schema(read_csv(path), label, **options)
    schema = path.with_suffix(".toml")
    schema.write_text(text, "utf-8")
    return tomllib.loads(text), read_table(path, schema)


def without(columns: dict[str, list[Any]], *names: str) -> dict[str, list[Any]]:
    """Return the columns without some of them."""
    return {name: cells for name, cells in columns.items() if name not in names}


def test_a_foundry_table_is_drafted(tmp_path: Path) -> None:
    """Run, time, label, categories, units, resolution, range and exclusions of a Korean table, and it reads."""
    schema, table = drafted(write_csv(tmp_path / "shots.csv", foundry()))
    assert schema["table"] == {"header_rows": 1, "run": "샷번호", "run_kind": "counter", "time": "일시"}
    assert schema["label"] == {"column": "판정", "defect": ["불량"]} and "판정" not in schema["features"]
    features = schema["features"]
    assert {name for name, spec in features.items() if "excluded" in spec} == {"일시", "샷번호"}
    assert "5 runs" in features["샷번호"]["excluded"] and "timestamp" in features["일시"]["excluded"]
    assert features["제품"]["categories"] == ["가", "나"]
    assert [spec["unit"] for spec in features.values()] == ["", "", "", "MPa", "°C", ""]
    assert [features[name]["resolution"] for name in ("주조압력(MPa)", "속도")] == [0.1, 0.001]
    assert not any(spec["controllable"] for spec in features.values())
    assert table.features.shape == (600, 4) and int(table.run.max()) == 4 and len(table.excluded) == 2


def test_the_published_layout_is_drafted_as_a_group(kamp: Kamp) -> None:
    """Types of two cavities, groups in lower case as the page words them, and the same labels as by hand."""
    schema, table = drafted(kamp.path, "Defects")
    assert schema["label"] == {"group": "Defects", "cavity_suffixes": ["_1", "_2"]}
    assert set(schema["defect_types"]) == set(TYPES)
    assert {spec["group"] for spec in schema["features"].values()} == {"process", "sensor"}
    assert {name for name, spec in schema["features"].items() if "excluded" in spec} == {"id", "Shot"}
    assert {name for name, spec in schema["features"].items() if "missing" in spec} == set(kamp.missing)
    assert table.types.shape == (kamp.rows, len(TYPES)) and int(table.run.max()) + 1 == kamp.runs
    assert table.features.shape[1] == sum("excluded" not in spec for spec in schema["features"].values())


@pytest.mark.parametrize(("names", "types"), [
    (["Crack_1", "Crack_2"], ["Crack"]), (["Crack_1", "Stain_2"], ["Crack_1", "Stain_2"]),
    (["균열", "얼룩"], ["균열", "얼룩"]), (["Crack_1", "Stain_1"], ["Crack_1", "Stain_1"])])
def test_a_group_without_cavities_is_drafted_column_by_column(tmp_path: Path, names: list[str],
                                                              types: list[str]) -> None:
    """Suffixes are cavities where every kind has them all."""
    columns = {"x": list(range(60)), "z": [0.5, 1] * 30, names[0]: [0, 0, 1] * 20, names[1]: [0, 2, 0] * 20}
    path = write_csv(tmp_path / "shots.csv", columns, groups=["Process", "Process", "결함", "결함"])
    schema, table = drafted(path, "결함")
    assert list(schema["defect_types"]) == types and table.types.shape == (60, len(types))
    assert table.defect.tolist() == [False, True, True] * 20


@pytest.mark.parametrize("planted", ["재작업", "severity"])
def test_what_gives_the_label_away_is_excluded_with_the_figure(tmp_path: Path, planted: str) -> None:
    """The line says why, and a comment above it too; without the column nothing but key and run is excluded."""
    columns = foundry()
    bad = np.array(columns["판정"]) == "불량"
    columns[planted] = list(np.where(bad, "예", "-") if planted == "재작업" else bad * 2.5)
    path = write_csv(tmp_path / "shots.csv", columns)
    schema, table = drafted(path)
    assert "gives the label away: alone it separates" in schema["features"][planted]["excluded"]
    assert "ROC-AUC 1.000" in schema["features"][planted]["excluded"]
    assert f"# {planted}: gives the label away" in path.with_suffix(".toml").read_text("utf-8")
    assert planted not in [column.name for column in table.columns]


def test_doubtful_columns_are_excluded_each_with_its_reason(tmp_path: Path) -> None:
    """Numbers with texts among them, remarks, empty columns, serial numbers and lots; a code of words is kept."""
    columns = foundry()
    columns["혼합"] = [*columns["속도"][:-1], "측정 안 됨"]
    columns["비고"] = [f"비고 {row % 40}" for row in range(600)]
    columns["빈 열"] = [""] * 600
    columns["시리얼"] = [f"SN{row}" for row in range(600)]
    columns["로트"] = [f"L{row // 100}" for row in range(600)]
    columns["코드"] = ["A1", "2", "B3"] * 200
    schema, table = drafted(write_csv(tmp_path / "shots.csv", columns))
    reasons = {name: spec.get("excluded", "") for name, spec in schema["features"].items()}
    assert "mixes numbers and 1 texts, the first in row 600: '측정 안 됨'" in reasons["혼합"]
    assert "text with 40 different values" in reasons["비고"] and "empty" in reasons["빈 열"]
    assert "row key" in reasons["시리얼"]
    assert "identifies the run: 6 runs, its values come in unbroken blocks" in reasons["로트"]
    assert schema["features"]["코드"]["categories"] == ["2", "A1", "B3"] and len(table.columns) == 5


def test_the_run_column_can_be_chosen(tmp_path: Path) -> None:
    """`run` overrules what the audit would choose, and is excluded."""
    columns = {**foundry(), "근무조": [f"{row % 3}조" for row in range(600)]}
    path = write_csv(tmp_path / "shots.csv", columns)
    schema, table = drafted(path, run="근무조")
    assert (schema["table"]["run"], schema["table"]["run_kind"]) == ("근무조", "value")
    assert "tells the runs apart" in schema["features"]["근무조"]["excluded"] and int(table.run.max()) == 2
    with pytest.raises(TableError, match="no column 조"):
        draft_schema(read_csv(path), "판정", run="조")


@pytest.mark.parametrize(("name", "values", "defect"), [
    ("y", ["NG", "OK"], ["NG"]), ("y", ["불량", "정상"], ["불량"]), ("y", ["defect", "Normal"], ["defect"]),
    ("y", ["Fail", "Pass"], ["Fail"]), ("y", ["Y", "N"], ["Y"]), ("y", ["TRUE", "FALSE"], ["TRUE"]),
    ("y", ["1", "0"], None), ("y", ["3", "0"], None), ("합격여부", ["불합격", "합격"], ["불합격"])])
def test_an_obvious_label_is_understood(tmp_path: Path, name: str, values: list[str], defect: list[str] | None) -> None:
    """The first of the two values means defective; a number does above zero."""
    columns = {**without(foundry(), "판정"), name: values * 300}
    schema, table = drafted(write_csv(tmp_path / "shots.csv", columns), name)
    assert schema["label"].get("defect") == defect and table.defect.tolist() == [True, False] * 300


@pytest.mark.parametrize(("name", "values", "defect", "message"), [
    ("y", ["A", "B"], None, "which values of y mean defective. It holds A, B; name them with --defect"),
    ("y", ["OK", "NG", "?"], None, r"It holds \?, NG, OK"), ("합격", ["Y", "N"], None, "which values of 합격"),
    ("pass", ["1", "0"], None, "which values of pass"),
    ("y", ["1", "2"], None, "every shot is defective by y. It holds"),
    ("y", ["0", "0"], None, "no shot is defective"), ("y", ["A", "B"], ["C"], "no row has C in y; it holds A, B"),
    ("y", ["NG", "OK", ""], ["NG"], r"row 3 \(line 4\): y is empty \(200 rows"),
    ("z", ["1", "0"], None, "no column y")])
def test_a_label_that_is_not_clear_is_asked_for(tmp_path: Path, name: str, values: list[str],
                                                defect: list[str] | None, message: str) -> None:
    """Nothing is guessed where a guess could turn good into bad; the message lists what the column holds."""
    columns = {**without(foundry(), "판정"), name: values * (600 // len(values))}
    with pytest.raises(TableError, match=message):
        draft_schema(read_csv(write_csv(tmp_path / "shots.csv", columns)), "y" if name == "z" else name, defect)


def test_several_values_may_mean_defective(tmp_path: Path) -> None:
    """Each is listed, as given."""
    columns = {**without(foundry(), "판정"), "y": ["기포", "양품", "균열"] * 200}
    schema, table = drafted(write_csv(tmp_path / "shots.csv", columns), "y", defect=["기포", "균열"])
    assert schema["label"]["defect"] == ["기포", "균열"] and table.defect.tolist() == [True, False, True] * 200


def test_a_table_with_nothing_to_learn_from_says_why(tmp_path: Path) -> None:
    """Every column is named with the reason that keeps it out."""
    columns = {name: cells for name, cells in foundry().items() if name in ("일시", "샷번호", "판정")}
    with pytest.raises(TableError, match="no column is left to learn from: 일시: timestamp.*; 샷번호: identifies"):
        draft_schema(read_csv(write_csv(tmp_path / "shots.csv", columns)), "판정")


def test_ranges_and_resolutions_come_from_the_cells(tmp_path: Path) -> None:
    """The plausible range reaches three spans beyond the values, and the resolution is that of the cells.

    It does not go below zero where no value does; a constant spans its own size; noise of a computation is not a
    resolution.
    """
    random = np.random.default_rng(2)
    columns = {"pos": random.choice(["10.0", "12.50", "14"], 300), "neg": random.choice(["-2", "4"], 300),
               "constant": [18.0] * 300, "noise": random.normal(size=300),
               "small": random.choice(["5e-4", "1e-3"], 300), "code": random.choice(["1", "2"], 300),
               "y": [0, 1, 0] * 100}
    path = write_csv(tmp_path / "shots.csv", columns)
    features = drafted(path, "y")[0]["features"]
    assert "resolution" not in features.pop("noise")
    assert {name: (spec["resolution"], spec["plausible"]) for name, spec in features.items()} == {
        "pos": (0.1, [0, 26]), "neg": (1, [-20, 22]), "constant": (1, [0, 72]), "small": (0.0001, [0, 0.0025]),
        "code": (1, [0, 5])}
    assert '# code: if these are codes, not measurements, set categories = ["1", "2"]' in path.with_suffix(
        ".toml").read_text("utf-8")


@pytest.mark.parametrize(("name", "expected"), [
    ("압력(bar)", "bar"), ("temp [°C]", "°C"), ("용탕온도(℃)", "°C"), ("시간 (초)", "s"), ("형체력（kN）", "kN"),
    ("속도(1단)", ""), ("(bar) 압력", ""), ("pressure", ""), ("유량(L/min)", "L/min"), ("습도 (%)", "%")])
def test_a_unit_in_the_name_is_recognised(name: str, expected: str) -> None:
    """In any brackets at the end, where it is a unit that is known; a stage number is none."""
    assert unit_in_name(name) == expected


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(ANY, ANY)
def test_any_text_survives_toml(name: str, value: str) -> None:
    """Keys and values read back as they were, whatever they hold, and a comment never leaves its line."""
    text = f"# {comment(name)}\n{key(name)} = {{ {key(value)} = {quoted(value)} }}\n# {comment(value)}\n"
    assert tomllib.loads(text) == {name: {value: value}}


def test_text_that_is_not_escaped_does_not_survive() -> None:
    """The property can fail: a quote written as it is breaks the file."""
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads('a = "say "when""')


def test_awkward_names_and_values_come_through_the_whole_way(tmp_path: Path) -> None:
    """Quotes, backslashes, brackets, a line break and a # in names and categories, from file to draft to table."""
    columns = {'a "b" \\ c': list(np.random.default_rng(1).normal(size=100).round(2)), "x.y#z\nw": ['"', "\\"] * 50,
               "[t]": ["=", "#", "'", ","] * 25, "결과": ["NG", "OK", "OK", "NG", "OK"] * 20}
    schema, table = drafted(write_csv(tmp_path / "shots.csv", columns), "결과")
    assert list(schema["features"]) == [column.name for column in table.columns] == list(columns)[:3]
    assert table.columns[1].categories == ('"', "\\")
