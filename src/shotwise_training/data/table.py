"""A table of shots, read from CSV by a schema (TOML), as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.csv_file import RawTable, TableError, as_numbers, canonical, is_number, read_csv
from shotwise_training.data.duplicates import equal_rows
from shotwise_training.data.label import label_columns, read_label, require_labels, severities
from shotwise_training.data.schema import Column, Schema, read_schema
from shotwise_training.data.timestamps import all_seconds, seconds

ENOUGH = 50  # unique shots of either class; with fewer, no figure of the five folds means anything
MISSING = -1e30  # stands for NaN where rows are compared


@dataclass(frozen=True)
class Table:
    """Shots in file order.

    features: float32 [N, F], NaN = not measured, a categorical value as the position of its category.
    defect: bool [N]. types: bool [N, T], whether any cavity shows the type. run: int [N], numbered from 0; all zeros
    without a run column. order: int [N], position in time; file order without a time column. columns: of the features;
    excluded: known columns that never enter the model. run_apart: the run is no feature, yet twins lie in one run.
    """

    columns: tuple[Column, ...]
    excluded: tuple[Column, ...]
    type_labels: dict[str, dict[str, str]]
    features: NDArray[np.float32]
    defect: NDArray[np.bool_]
    types: NDArray[np.bool_]
    run: NDArray[np.int64]
    order: NDArray[np.int64]
    sha256: str
    attribution: str
    run_apart: bool

    def __len__(self) -> int:
        return len(self.defect)

    @property
    def product(self) -> int | None:
        """The product type: the first categorical feature; limits, samples and shares go by it."""
        return next((index for index, column in enumerate(self.columns) if column.categories), None)

    def select(self, rows: NDArray[Any]) -> Table:
        """The same table with these rows only (index or mask)."""
        return replace(self, features=self.features[rows], defect=self.defect[rows], types=self.types[rows],
                       run=self.run[rows], order=self.order[rows])

    def without_duplicates(self) -> Table:
        """The first of every group of rows that are equal in all values and labels."""
        labels = [self.types, self.defect, *([self.run] if self.run_apart else [])]
        rows = np.column_stack([np.nan_to_num(self.features, nan=MISSING), *labels]).astype(np.float64)
        return self.select(equal_rows(rows)[0])


def read_table(csv_path: Path, schema_path: Path) -> Table:
    """Read `csv_path` as `schema_path` says. Raises TableError that names file, row and column, and what to do."""
    schema = read_schema(schema_path)
    raw = read_csv(csv_path, schema.header_rows)
    _check_names(raw, schema)
    defect, labelled = read_label(raw, schema.label)
    require_labels(raw, labelled, schema.label)
    features = tuple(column for column in schema.columns if column.excluded is None)
    excluded = tuple(column for column in schema.columns if column.excluded is not None)
    order = _order(raw, schema.time)
    return Table(features, excluded, schema.type_labels, np.column_stack([_values(raw, column) for column in features]),
                 defect, _defect_types(raw, schema), _runs(raw, schema, order), order, raw.sha256,
                 schema.attribution or raw.file,
                 schema.run is not None and schema.run not in [column.name for column in features])


def check_trainable(table: Table) -> None:
    """Raise TableError where nothing can be learned: too few unique shots of a class, or no feature that varies."""
    unique = table.without_duplicates()
    for word, count in (("defective", int(unique.defect.sum())), ("good", int((~unique.defect).sum()))):
        if count == 0:
            raise TableError(f"no shot is {word}; training needs both classes, {ENOUGH} unique shots of each")
        if count < ENOUGH:
            raise TableError(f"{count} unique shots are {word}, training needs {ENOUGH}; rows that repeat another are "
                             "counted once. Collect more")
    measured = np.nan_to_num(unique.features, nan=MISSING)
    if (measured == measured[0]).all():
        raise TableError("every feature is constant; there is nothing to learn from")


def _check_names(raw: RawTable, schema: Schema) -> None:
    """Every column that the schema names is there, in the group that it names."""
    types = [kind + suffix for kind in schema.type_labels for suffix in schema.label.suffixes]
    named = [*(column.name for column in schema.columns), *types, schema.run, schema.time, schema.label.column]
    absent = list(dict.fromkeys(name for name in named if name is not None and name not in raw.names))
    if absent:
        raise TableError(f"{raw.file} has no column {', '.join(absent)}; {schema.file} names it")
    labels = label_columns(raw, schema.label)
    strays = [name for name in types if schema.label.group is not None and name not in labels]
    if strays:
        group = raw.groups[raw.names.index(strays[0])] if raw.groups else ""
        raise TableError(f"column {strays[0]} stands in group {group!r}, not {schema.label.group!r}")
    learned = [column.name for column in schema.columns if column.excluded is None and column.name in labels]
    if learned:
        raise TableError(f"{schema.file}: {learned[0]} is part of the label and a feature; take it out of [features]")


def _values(raw: RawTable, column: Column) -> NDArray[np.float32]:
    """One feature [N]."""
    cells = raw.column(column.name)
    values = _codes(raw, column) if column.categories else _numbers(raw, column.name)
    if not column.missing and np.isnan(values).any():
        row = int(np.isnan(values).argmax())
        raise TableError(f"{raw.place(row)}: {column.name} is {cells[row]!r}; fill it in, or say missing = true of the "
                         "column")
    return values.astype(np.float32)


def _codes(raw: RawTable, column: Column) -> NDArray[np.float64]:
    position = {canonical(category.strip()): index for index, category in enumerate(column.categories)}
    position[""] = np.nan
    cells = [canonical(cell) for cell in raw.column(column.name)]
    for row, cell in enumerate(cells):
        if cell not in position:
            raise TableError(f"{raw.place(row)}: {column.name} is {cell!r}; the schema allows "
                             f"{', '.join(column.categories)}; correct it or add it to categories")
    return np.array([position[cell] for cell in cells], np.float64)


def _numbers(raw: RawTable, name: str) -> NDArray[np.float64]:
    values, strange = as_numbers(raw.column(name))
    if strange.any():
        row = int(strange.argmax())
        raise TableError(f"{raw.place(row)}: {name} is {raw.column(name)[row]!r}, {_advice(raw.column(name)[row])}")
    return values


def _advice(cell: str) -> str:
    """What is wrong with a cell that is no finite number, and what to do."""
    try:
        float(cell)
    except ValueError:
        return ("not a number; correct it (empty where nothing was measured), give the column categories, or say why "
                "it is excluded")
    return "not a finite number (or too large for one); correct it, or leave the cell empty where nothing was measured"


def _defect_types(raw: RawTable, schema: Schema) -> NDArray[np.bool_]:
    found = np.zeros((len(raw), len(schema.type_labels)), bool)
    for position, kind in enumerate(schema.type_labels):
        for suffix in schema.label.suffixes:
            found[:, position] |= severities(raw, kind + suffix) > 0
    return found


def _order(raw: RawTable, time: str | None) -> NDArray[np.int64]:
    """The position of every row in time; rows of one moment stay in file order."""
    if time is None:
        return np.arange(len(raw), dtype=np.int64)
    moments = all_seconds(raw.column(time))
    moments = as_numbers(raw.column(time))[0] if moments is None else moments
    if np.isnan(moments).any():
        cells = raw.column(time)
        row = next((row for row, cell in enumerate(cells) if seconds(cell) is None and not is_number(cell)),
                   int(np.isnan(moments).argmax()))
        raise TableError(f"{raw.place(row)}: {time} is {cells[row]!r}, neither a time stamp nor a number; "
                         "the time of every row has to be known")
    order = np.empty(len(raw), np.int64)
    order[np.argsort(moments, kind="stable")] = np.arange(len(raw))
    return order


def _runs(raw: RawTable, schema: Schema, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The run of every row, numbered in the order of time (a counter) or of first appearance (a value)."""
    if schema.run is None:
        return np.zeros(len(raw), np.int64)
    cells = raw.column(schema.run)
    if not all(cells):
        row = cells.index("")
        raise TableError(f"{raw.place(row)}: {schema.run} is ''; the run of every row has to be known")
    if schema.run_kind == "value":
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(canonical(cell), len(numbers)) for cell in cells], np.int64)
    counter = _numbers(raw, schema.run)[np.argsort(order)]
    return np.concatenate([[0], np.cumsum(np.diff(counter) < 0)]).astype(np.int64)[order]
