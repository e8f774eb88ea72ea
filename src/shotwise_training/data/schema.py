"""What the columns of a table are: the schema TOML ↔ frozen dataclasses.

    [table]         header_rows (1 or 2; found out if absent), run (a column), run_kind ("counter": a drop begins a run;
                    "value": each value is a run), time (a column of time stamps or rising numbers), attribution
    [label]         group = "Defects" and cavity_suffixes, any cell above zero is a defect;
                    or column = "판정" and defect = ["불량"], without `defect` a number above zero is one
    [defect_types]  Bubble = { ko = "기포", en = "Bubble" }: the columns Bubble + suffix; optional
    [features]      name = { ko, en, group, unit, resolution, controllable, missing, nonnegative, counter, categories,
                    plausible = [low, high], excluded = "why it never enters the model" }, all optional
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shotwise_training.data.csv_file import TableError, canonical, did_you_mean


@dataclass(frozen=True)
class Column:
    """One column of the shot; units are the schema's, `resolution` and `plausible` in that unit.

    excluded: why it never enters the model, None for a feature.
    """

    name: str
    label: dict[str, str]
    group: str
    unit: str
    resolution: float | None
    controllable: bool
    missing: bool
    nonnegative: bool
    counter: bool
    categories: tuple[str, ...]
    plausible: tuple[float, float] | None
    excluded: str | None


@dataclass(frozen=True)
class Label:
    """Which shots are defective: any cell of `group` above zero, or `column` holding one of `defect` (without any: a
    number above zero). Exactly one of group and column is set."""

    group: str | None = None
    suffixes: tuple[str, ...] = ("",)
    column: str | None = None
    defect: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """A schema file. `file` is its name, for messages; `columns` are all columns, excluded ones too."""

    file: str
    header_rows: int | None
    run: str | None
    run_kind: str
    time: str | None
    attribution: str
    label: Label
    type_labels: dict[str, dict[str, str]]
    columns: tuple[Column, ...]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


# What a value may be: the check, and the words for a message.
TEXT = (lambda value: isinstance(value, str) and bool(value.strip()), "a text that is not empty")
ANY_TEXT = (lambda value: isinstance(value, str), "a text")
FLAG = (lambda value: isinstance(value, bool), "true or false")
STRINGS = (_strings, 'a list of texts, such as ["1", "2"]')
STEP = (lambda value: _number(value) and 0 < value < float("inf"), "a number above 0")
RANGE = (lambda value: isinstance(value, list) and len(value) == 2 and all(map(_number, value))
         and float("-inf") < value[0] < value[1] < float("inf"), "two numbers, the lower one first")
ROWS = (lambda value: type(value) is int and value in (1, 2), "1 or 2")
KIND = (lambda value: value in ("counter", "value"), '"counter" or "value"')
SECTION = (lambda value: isinstance(value, dict), "a table of keys and values")

Keys = dict[str, tuple[Callable[[Any], bool], str]]
SECTIONS: Keys = dict.fromkeys(("table", "label", "defect_types", "features"), SECTION)
TABLE: Keys = {"header_rows": ROWS, "run": TEXT, "run_kind": KIND, "time": TEXT, "attribution": ANY_TEXT}
LABEL: Keys = {"group": TEXT, "cavity_suffixes": STRINGS, "column": TEXT, "defect": STRINGS}
NAMES: Keys = {"ko": TEXT, "en": TEXT}
FEATURE: Keys = {**NAMES, "group": TEXT, "unit": ANY_TEXT, "resolution": STEP, "controllable": FLAG, "missing": FLAG,
                 "nonnegative": FLAG, "counter": FLAG, "categories": STRINGS, "plausible": RANGE, "excluded": TEXT}


def read_schema(path: Path) -> Schema:
    """Read a schema file. Raises TableError that names the file and the key, or the line of a syntax error."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}; give the schema of the table") from None
    except ValueError as error:  # TOML syntax, with its line, or bytes that are no UTF-8
        raise TableError(f"{path.name} is not valid TOML: {error}") from None
    return _schema(document, path.name)


def read_columns(schema_path: Path) -> tuple[Column, ...]:
    """The feature columns that a schema describes, in its order."""
    return tuple(column for column in read_schema(schema_path).columns if column.excluded is None)


def _schema(document: dict[str, Any], file: str) -> Schema:
    _check(document, SECTIONS, file)
    table = document.get("table", {})
    _check(table, TABLE, f"{file} [table]")
    schema = Schema(file, table.get("header_rows"), table.get("run"), table.get("run_kind", "counter"),
                    table.get("time"), table.get("attribution", ""), _label(document.get("label", {}), file),
                    _type_labels(document.get("defect_types", {}), file),
                    tuple(_column(name, spec, file) for name, spec in document.get("features", {}).items()))
    features = [column.name for column in schema.columns if column.excluded is None]
    if not features:
        raise TableError(f"{file} has no feature that is not excluded; list the columns to learn from in [features]")
    if schema.label.column in features:
        raise TableError(f"{file}: {schema.label.column} is the label and a feature; take it out of [features]")
    return schema


def _label(label: dict[str, Any], file: str) -> Label:
    _check(label, LABEL, f"{file} [label]")
    if ("group" in label) == ("column" in label):
        raise TableError(f"{file} [label] needs either group or column, to say which shots are defective")
    if "defect" in label and "column" not in label:
        raise TableError(f"{file} [label]: defect goes with column; a group is defective above zero")
    suffixes = tuple(label.get("cavity_suffixes", ())) or ("",)
    return Label(label.get("group"), suffixes, label.get("column"), tuple(label.get("defect", ())))


def _type_labels(types: dict[str, Any], file: str) -> dict[str, dict[str, str]]:
    for name, spec in types.items():
        _check(spec, NAMES, f"{file} [defect_types] {name}")
    return {name: _names(name, spec) for name, spec in types.items()}


def _names(name: str, spec: dict[str, Any]) -> dict[str, str]:
    return {language: spec.get(language, name) for language in ("ko", "en")}


def _column(name: str, spec: Any, file: str) -> Column:
    where = f"{file} [features] {name}"
    _check(spec, FEATURE, where)
    categories = tuple(spec.get("categories", ()))
    if len({canonical(category.strip()) for category in categories}) < len(categories):
        raise TableError(f"{where}: categories names one value twice (1.0 equals 1)")
    plausible = tuple(map(float, spec["plausible"])) if "plausible" in spec else None
    return Column(name, _names(name, spec), spec.get("group", "process"), spec.get("unit", ""),
                  spec.get("resolution"), spec.get("controllable", False), spec.get("missing", False),
                  spec.get("nonnegative", False), spec.get("counter", False), categories, plausible,
                  spec.get("excluded"))


def _check(content: Any, keys: Keys, where: str) -> None:
    """Every key is known and holds what it may."""
    if not isinstance(content, dict):
        raise TableError(f"{where} is {content!r}; it must be {SECTION[1]}")
    for key, value in content.items():
        if key not in keys:
            raise TableError(f"{where}: unknown key {key} (known: {', '.join(keys)}){did_you_mean(key, keys)}")
        allowed, words = keys[key]
        if not allowed(value):
            raise TableError(f"{where}: {key} is {value!r}; it must be {words}")
