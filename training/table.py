"""A table of shots, read from CSV by a schema (TOML), as arrays."""

from __future__ import annotations

import csv
import hashlib
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class TableError(ValueError):
    """The CSV and its schema do not fit together; the message names the column and what to do."""


@dataclass(frozen=True)
class Column:
    """One feature column as the schema TOML describes it; units are the schema's, `resolution` in that unit."""

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


@dataclass(frozen=True)
class Table:
    """Shots in file order.

    features: float32 [N, F], NaN = not measured, a categorical value as the position of its category.
    defect: bool [N]. types: bool [N, T], whether any cavity shows the type. run: int [N], numbered from 0.
    """

    columns: tuple[Column, ...]
    type_labels: dict[str, dict[str, str]]
    features: NDArray[np.float32]
    defect: NDArray[np.bool_]
    types: NDArray[np.bool_]
    run: NDArray[np.int64]
    sha256: str
    attribution: str

    def __len__(self) -> int:
        return len(self.defect)

    def select(self, rows: NDArray[Any]) -> Table:
        """The same table with these rows only (index or mask)."""
        return Table(self.columns, self.type_labels, self.features[rows], self.defect[rows], self.types[rows],
                     self.run[rows], self.sha256, self.attribution)

    def without_twins(self) -> Table:
        """The first of every group of rows that are equal in all values and labels."""
        keys = np.column_stack([np.nan_to_num(self.features, nan=-1e30), self.types])
        _, first = np.unique(keys, axis=0, return_index=True)
        return self.select(np.sort(first))


def read_table(csv_path: Path, schema_path: Path) -> Table:
    """Read `csv_path` as `schema_path` says. Raises TableError where a column is absent or a cell is not a number."""
    schema = tomllib.loads(schema_path.read_text("utf-8"))
    columns = read_columns(schema_path)
    raw = csv_path.read_bytes()
    lines = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
    header_rows = schema["table"]["header_rows"]
    groups, names = lines[0], [name.strip() for name in lines[header_rows - 1]]
    rows = [line for line in lines[header_rows:] if any(cell.strip() for cell in line)]
    _check_shape(csv_path.name, schema, names, rows)
    features = np.column_stack([_cells(rows, names.index(column.name), column) for column in columns])
    types = _defect_types(schema, groups, names, rows)
    return Table(columns, schema["defect_types"], features, types.any(axis=1), types,
                 _runs(schema, names, rows), hashlib.sha256(raw).hexdigest(), schema["table"]["attribution"])


def read_columns(schema_path: Path) -> tuple[Column, ...]:
    """The feature columns that a schema describes, in its order."""
    features = tomllib.loads(schema_path.read_text("utf-8"))["features"]
    return tuple(_column(name, spec) for name, spec in features.items())


def _check_shape(file: str, schema: dict[str, Any], names: list[str], rows: list[list[str]]) -> None:
    """Every column that the schema names is there, and every row has as many cells as the header."""
    label = schema["label"]
    wanted = [*schema["features"], *(kind + suffix for kind in schema["defect_types"]
                                     for suffix in label["cavity_suffixes"])]
    absent = [name for name in wanted if name not in names]
    if absent:
        raise TableError(f"{file} has no column {', '.join(absent)}; the schema names it")
    if not rows:
        raise TableError(f"{file} has no rows under its header")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise TableError(f"row {number} has {len(row)} cells, the header {len(names)}")


def _column(name: str, spec: dict[str, Any]) -> Column:
    return Column(name, {"ko": spec["ko"], "en": spec["en"]}, spec["group"], spec.get("unit", ""),
                  spec.get("resolution"), spec.get("controllable", False), spec.get("missing", False),
                  spec.get("nonnegative", False), spec.get("counter", False), tuple(spec.get("categories", ())))


def _cells(rows: list[list[str]], index: int, column: Column) -> NDArray[np.float32]:
    return np.array([_cell(row[index].strip(), column, number) for number, row in enumerate(rows, 1)], np.float32)


def _cell(text: str, column: Column, row: int) -> float:
    if not text:
        return float("nan")
    if column.categories:
        if text not in column.categories:
            raise TableError(f"row {row}: {column.name} is {text!r}; the schema allows {', '.join(column.categories)}")
        return float(column.categories.index(text))
    return _number(text, column.name, row)


def _number(text: str, column: str, row: int) -> float:
    try:
        number = float(text)
    except ValueError:
        raise TableError(f"row {row}: {column} is {text!r}, not a number") from None
    if not math.isfinite(number):
        raise TableError(f"row {row}: {column} is {text!r}; leave the cell empty where nothing was measured")
    return number


def _defect_types(schema: dict[str, Any], groups: list[str], names: list[str],
                  rows: list[list[str]]) -> NDArray[np.bool_]:
    label = schema["label"]
    found = np.zeros((len(rows), len(schema["defect_types"])), bool)
    for position, kind in enumerate(schema["defect_types"]):
        for suffix in label["cavity_suffixes"]:
            index = names.index(kind + suffix)
            if groups[index] != label["group"]:
                raise TableError(f"column {kind + suffix} stands in group {groups[index]!r}, not {label['group']!r}")
            # A cell is a severity, not a flag: anything above zero is a defect.
            found[:, position] |= np.array([_number(row[index] or "0", names[index], number) > 0
                                            for number, row in enumerate(rows, 1)])
    return found


def _runs(schema: dict[str, Any], names: list[str], rows: list[list[str]]) -> NDArray[np.int64]:
    run = schema["table"]["run"]
    counter = np.array([_number(row[names.index(run)], run, number) for number, row in enumerate(rows, 1)])
    return np.concatenate([[0], np.cumsum(np.diff(counter) < 0)]).astype(np.int64)
