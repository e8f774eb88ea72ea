"""Read a schema: a TOML file that describes the columns of a table.

Sections and keys; all but a label and one feature are optional.

- `[table]`: `header_rows` (1 or 2; detected if absent), `run` (a column), `run_kind` ("counter": a drop begins a run;
  "value": each value is a run), `time` (a column of timestamps or rising numbers), `attribution`
- `[label]`: `group` = "Defects" and `cavity_suffixes`, where any cell above zero is a defect; or `column` = "판정" and
  `defect` = ["불량"], where without `defect` a number above zero is one
- `[defect_types]`: `Bubble = { ko = "기포", en = "Bubble" }` for the columns Bubble + suffix
- `[features]`: `name = { ko, en, group, unit, resolution, controllable, missing, nonnegative, counter, categories,
  plausible = [low, high], excluded = "why it never enters the model" }`
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
    """One column of the table, as the schema describes it.

    Attributes
    ----------
    name : str
        Column name in the file.
    label : dict of str to str
        Language (ko, en) → name for readers.
    group : str
        `process` or `sensor`, or a group of the plant's own.
    unit : str
        Unit of `resolution`, `plausible` and the values; empty if there is none.
    resolution : float or None
        Smallest step that the machine shows; None if unknown.
    controllable : bool
        Whether an operator can set it.
    missing : bool
        Whether a cell may be empty.
    nonnegative : bool
        Whether it cannot fall below zero.
    counter : bool
        Whether it counts shots or parts; it then has no limits of good shots.
    categories : tuple of str
        Allowed values of a categorical column; () for a number.
    plausible : tuple of float or None
        (low, high), outside which a value is refused; None to derive it from the values.
    excluded : str or None
        Why it never enters the model; None for a feature.
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
    """What makes a shot defective. Exactly one of `group` and `column` is set.

    Attributes
    ----------
    group : str or None
        Group of columns; a shot is defective if any of its cells in them is above zero.
    suffixes : tuple of str
        Endings that tell the cavities of one defect type apart, such as `_1`.
    column : str or None
        Column that says whether a shot is defective.
    defect : tuple of str
        Values of `column` that mean defective; () means any number above zero.
    """

    group: str | None = None
    suffixes: tuple[str, ...] = ("",)
    column: str | None = None
    defect: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """The content of a schema file.

    Attributes
    ----------
    file : str
        File name, for messages.
    header_rows : int or None
        1 or 2; None to detect it.
    run : str or None
        Column that tells production runs apart; None if there is none.
    run_kind : str
        `counter` (a drop begins a run) or `value` (each value is a run).
    time : str or None
        Column that orders the shots; None for the order of the file.
    attribution : str
        Source of the data, for the model card.
    label : Label
        What makes a shot defective.
    type_labels : dict of str to dict of str to str
        Defect type → language (ko, en) → label.
    columns : tuple of Column
        All columns in order, excluded ones too.
    """

    file: str
    header_rows: int | None
    run: str | None
    run_kind: str
    time: str | None
    attribution: str
    label: Label
    type_labels: dict[str, dict[str, str]]
    columns: tuple[Column, ...]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


# Each rule: a check of a value, and a description of the allowed values for the message.
TEXT = (lambda value: isinstance(value, str) and bool(value.strip()), "a text that is not empty")
ANY_TEXT = (lambda value: isinstance(value, str), "a text")
FLAG = (lambda value: isinstance(value, bool), "true or false")
STRINGS = (_is_list_of_texts, 'a list of texts, such as ["1", "2"]')
STEP = (lambda value: _is_number(value) and 0 < value < float("inf"), "a number above 0")
RANGE = (lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
         and float("-inf") < value[0] < value[1] < float("inf"), "two numbers, the lower one first")
ROWS = (lambda value: type(value) is int and value in (1, 2), "1 or 2")
KIND = (lambda value: value in ("counter", "value"), '"counter" or "value"')
SECTION = (lambda value: isinstance(value, dict), "a table of keys and values")

Rules = dict[str, tuple[Callable[[Any], bool], str]]
SECTIONS: Rules = dict.fromkeys(("table", "label", "defect_types", "features"), SECTION)
TABLE: Rules = {"header_rows": ROWS, "run": TEXT, "run_kind": KIND, "time": TEXT, "attribution": ANY_TEXT}
LABEL: Rules = {"group": TEXT, "cavity_suffixes": STRINGS, "column": TEXT, "defect": STRINGS}
NAMES: Rules = {"ko": TEXT, "en": TEXT}
FEATURE: Rules = {**NAMES, "group": TEXT, "unit": ANY_TEXT, "resolution": STEP, "controllable": FLAG, "missing": FLAG,
                  "nonnegative": FLAG, "counter": FLAG, "categories": STRINGS, "plausible": RANGE, "excluded": TEXT}


def read_schema(path: Path) -> Schema:
    """Read a schema file; raise TableError with the file and the key, or the line of a syntax error."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}; name the schema of the table") from None
    except ValueError as error:  # a syntax error, with its line, or not UTF-8
        raise TableError(f"{path.name} is not valid TOML: {error}") from None
    return _schema(content, path.name)


def read_columns(schema_path: Path) -> tuple[Column, ...]:
    """List the feature columns that a schema describes, in its order, without the excluded ones."""
    return tuple(column for column in read_schema(schema_path).columns if column.excluded is None)


def _schema(content: dict[str, Any], file: str) -> Schema:
    _check(content, SECTIONS, file)
    table = content.get("table", {})
    _check(table, TABLE, f"{file} [table]")
    schema = Schema(file, table.get("header_rows"), table.get("run"), table.get("run_kind", "counter"),
                    table.get("time"), table.get("attribution", ""), _label(content.get("label", {}), file),
                    _type_labels(content.get("defect_types", {}), file),
                    tuple(_column(name, spec, file) for name, spec in content.get("features", {}).items()))
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
    return {name: _labels(name, spec) for name, spec in types.items()}


def _labels(name: str, spec: dict[str, Any]) -> dict[str, str]:
    return {language: spec.get(language, name) for language in ("ko", "en")}


def _column(name: str, spec: Any, file: str) -> Column:
    where = f"{file} [features] {name}"
    _check(spec, FEATURE, where)
    categories = tuple(spec.get("categories", ()))
    if len({canonical(category.strip()) for category in categories}) < len(categories):
        raise TableError(f"{where}: categories lists a value twice (1.0 equals 1)")
    low, high = map(float, spec.get("plausible", (0, 0)))
    plausible = (low, high) if "plausible" in spec else None
    return Column(name, _labels(name, spec), spec.get("group", "process"), spec.get("unit", ""),
                  spec.get("resolution"), spec.get("controllable", False), spec.get("missing", False),
                  spec.get("nonnegative", False), spec.get("counter", False), categories, plausible,
                  spec.get("excluded"))


def _check(content: Any, rules: Rules, where: str) -> None:
    """Raise TableError if a key is unknown or its value is not allowed."""
    if not isinstance(content, dict):
        raise TableError(f"{where} is {content!r}; it must be {SECTION[1]}")
    for key, value in content.items():
        if key not in rules:
            raise TableError(f"{where}: unknown key {key} (known: {', '.join(rules)}){did_you_mean(key, rules)}")
        is_allowed, description = rules[key]
        if not is_allowed(value):
            raise TableError(f"{where}: {key} is {value!r}; it must be {description}")
