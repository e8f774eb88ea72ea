"""The schema file: what it may say, and how a mistake in it is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from shotwise_training.data.csv_file import TableError
from shotwise_training.data.schema import Label, read_columns, read_schema

ROOT = Path(__file__).parents[2]
LABEL = '[label]\ncolumn = "y"\n'


def written(folder: Path, text: str) -> Path:
    """A schema file with this text."""
    path = folder / "plant.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_schema_reads_as_before() -> None:
    """A label by group with two cavities, runs by a counter."""
    schema = read_schema(ROOT / "src/shotwise_training/kamp.toml")
    assert schema.columns == read_columns(ROOT / "src/shotwise_training/kamp.toml")
    assert schema.label == Label(group="Defects", suffixes=("_1", "_2"))
    assert (schema.header_rows, schema.run, schema.run_kind, schema.time) == (2, "Shot", "counter", None)


def test_everything_but_a_label_and_a_feature_is_optional(tmp_path: Path) -> None:
    """A column's name stands in for its labels, and what is not message is the harmless choice."""
    schema = read_schema(written(tmp_path, LABEL + '[features]\n"압력" = {}\nb = { excluded = "a remark" }\n'))
    column = schema.columns[0]
    assert column.label == {"ko": "압력", "en": "압력"} and column.group == "process" and column.plausible is None
    assert not (column.controllable or column.missing or column.categories or column.excluded)
    assert schema.header_rows is schema.run is schema.time is None and schema.type_labels == {}
    assert [column.name for column in read_columns(tmp_path / "plant.toml")] == ["압력"]


@pytest.mark.parametrize(("text", "message"), [
    ("[label\n", r"plant.toml is not valid TOML: .*line 1"), ("a = 1\n[features]\nb = = 1\n", "line 3"),
    ("[tabel]\n", r"unknown key tabel .*did you mean table\?"),
    (LABEL + "[features]\na = { resolutoin = 1 }\n",
     r"\[features\] a: unknown key resolutoin .*did you mean resolution\?"),
    (LABEL + '[features]\na = { categories = "1" }\n', r"a: categories is '1'; it must be a list of texts"),
    (LABEL + "[features]\na = { categories = [1, 2] }\n", "a: categories is .1, 2.; it must be a list of texts"),
    (LABEL + '[features]\na = { categories = ["1", "1.0"] }\n', "a: categories lists a value twice"),
    (LABEL + '[features]\na = { resolution = "0.1" }\n', "a: resolution is '0.1'; it must be a number"),
    (LABEL + "[features]\na = { missing = 1 }\n", "a: missing is 1; it must be true or false"),
    (LABEL + "[features]\na = { plausible = [2, 1] }\n", "a: plausible is .2, 1.; it must be two numbers"),
    (LABEL + '[features]\na = { excluded = "" }\n', "a: excluded is ''; it must be a text that is not empty"),
    (LABEL + "[features]\na = 1\n", r"\[features\] a is 1; it must be a table"),
    (LABEL + "[features]\n", "no feature"), (LABEL + '[features]\na = { excluded = "why" }\n', "no feature"),
    (LABEL + "[features]\ny = {}\n", "y is the label and a feature"),
    ("[features]\na = {}\n", "either group or column"),
    ('[label]\ngroup = "G"\ncolumn = "y"\n[features]\na = {}\n', "either group or column"),
    ('[label]\ngroup = "G"\ndefect = ["1"]\n[features]\na = {}\n', "defect goes with column"),
    ("[table]\nheader_rows = 3\n", "header_rows is 3; it must be 1 or 2"),
    ('[table]\nrun_kind = "lot"\n', 'run_kind is .lot.; it must be "counter" or "value"')])
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file, the section, the key and what may stand there."""
    with pytest.raises(TableError, match=message) as raised:
        read_schema(written(tmp_path, text))
    assert str(raised.value).startswith("plant.toml")


def test_an_absent_schema_and_one_that_is_not_text_are_named(tmp_path: Path) -> None:
    """Neither ends in a stack trace."""
    with pytest.raises(TableError, match=r"absent.toml: No such file"):
        read_schema(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TableError, match="binary.toml is not valid TOML"):
        read_schema(tmp_path / "binary.toml")
