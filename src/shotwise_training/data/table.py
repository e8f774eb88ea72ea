"""Read a table of shots from a CSV file, as a schema (TOML) describes it, into arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.csv_file import RawTable, TableError, as_numbers, canonical, is_number, read_csv
from shotwise_training.data.duplicates import group_equal_rows
from shotwise_training.data.label import label_columns, read_label, require_labels, severities
from shotwise_training.data.schema import Column, Schema, read_schema
from shotwise_training.data.timestamps import column_seconds, to_seconds

MIN_CLASS_SHOTS = 50  # unique shots of each class; with fewer, the figures of five folds are meaningless
MAX_MAGNITUDE = 1e30  # of a value; sums of larger ones leave the range of float32
NAN_STAND_IN = -1e30  # takes the place of NaN in comparisons, because NaN equals nothing


@dataclass(frozen=True)
class Table:
    """Shots with their features and defect types, in the order of the file.

    Attributes
    ----------
    columns : tuple of Column
        The feature columns, in the order of `features`.
    excluded : tuple of Column
        Columns of the schema that never enter the model.
    type_labels : dict of str to dict of str to str
        Defect type → language (ko, en) → label, in the order of `types`.
    features : ndarray of float32, shape (n_shots, n_features)
        NaN where a value was not measured; a category is coded by its position in the schema.
    defect : ndarray of bool, shape (n_shots,)
        Whether the shot is defective.
    types : ndarray of bool, shape (n_shots, n_types)
        Whether any cavity shows the defect type.
    run : ndarray of int64, shape (n_shots,)
        Number of the shot's run, from 0; all zeros without a run column.
    order : ndarray of int64, shape (n_shots,)
        Position of the shot in time, or in the file if there is no time column.
    sha256 : str
        Hash of the CSV file.
    attribution : str
        Source of the data, or the file name.
    duplicates_within_run : bool
        Whether only equal rows of the same run are duplicates: true if there is a run column that is not a feature.
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
    duplicates_within_run: bool

    def __len__(self) -> int:
        return len(self.defect)

    @property
    def product(self) -> int | None:
        """Index of the product type, the first categorical feature; limits and samples are given per product type."""
        return next((index for index, column in enumerate(self.columns) if column.categories), None)

    def select(self, rows: NDArray[Any]) -> Table:
        """Return the same table with some rows only, chosen by index or by mask."""
        return replace(self, features=self.features[rows], defect=self.defect[rows], types=self.types[rows],
                       run=self.run[rows], order=self.order[rows])

    def without_duplicates(self) -> Table:
        """Return the first of every group of rows that are equal in all values and labels."""
        labels = [self.types, self.defect, *([self.run] if self.duplicates_within_run else [])]
        rows = np.column_stack([np.nan_to_num(self.features, nan=NAN_STAND_IN), *labels]).astype(np.float64)
        return self.select(group_equal_rows(rows)[0])


def read_table(csv_path: Path, schema_path: Path) -> Table:
    """Read a table of shots.

    Parameters
    ----------
    csv_path : Path
        The CSV file.
    schema_path : Path
        The TOML file that describes its columns.

    Raises
    ------
    TableError
        If a cell, a column or the schema cannot be used; the message names file, row and column, and what to do.
    """
    schema = read_schema(schema_path)
    raw = read_csv(csv_path, schema.header_rows)
    _check_names(raw, schema)
    defect, labelled = read_label(raw, schema.label)
    require_labels(raw, labelled, schema.label)
    columns = tuple(column for column in schema.columns if column.excluded is None)
    excluded = tuple(column for column in schema.columns if column.excluded is not None)
    order = _time_order(raw, schema.time)
    return Table(columns, excluded, schema.type_labels, np.column_stack([_feature(raw, column) for column in columns]),
                 defect, _defect_types(raw, schema), _runs(raw, schema, order), order, raw.sha256,
                 schema.attribution or raw.file,
                 schema.run is not None and schema.run not in [column.name for column in columns])


def check_trainable(table: Table) -> None:
    """Raise TableError if no bundle can be made of the table, which would show after minutes only.

    That is too few unique shots of a class, no feature that varies, or a feature that was never measured or whose
    values are beyond what can be computed with.
    """
    unique = table.without_duplicates()
    for outcome, count in (("defective", int(unique.defect.sum())), ("good", int((~unique.defect).sum()))):
        if count == 0:
            raise TableError(f"no shot is {outcome}; training needs both classes, {MIN_CLASS_SHOTS} unique shots of "
                             "each")
        if count < MIN_CLASS_SHOTS:
            raise TableError(f"{count} unique shots are {outcome}, training needs {MIN_CLASS_SHOTS}; rows that repeat "
                             "another are counted once. Collect more")
    for column, values in zip(unique.columns, unique.features.T, strict=True):
        if np.isnan(values).all():
            raise TableError(f"{column.name} was never measured; exclude it with a reason in the schema")
        if np.nanmax(np.abs(values)) > MAX_MAGNITUDE:
            raise TableError(f"{column.name} has values beyond {MAX_MAGNITUDE:g}, which no gauge shows; correct them, "
                             "or exclude it with a reason in the schema")
    comparable = np.nan_to_num(unique.features, nan=NAN_STAND_IN)
    if (comparable == comparable[0]).all():
        raise TableError("every feature is constant; there is nothing to learn from")


def _check_names(raw: RawTable, schema: Schema) -> None:
    """Check that the file has every column of the schema, and the defect types in the label's group."""
    types = [kind + suffix for kind in schema.type_labels for suffix in schema.label.suffixes]
    named = [*(column.name for column in schema.columns), *types, schema.run, schema.time, schema.label.column]
    absent = list(dict.fromkeys(name for name in named if name is not None and name not in raw.names))
    if absent:
        raise TableError(f"{raw.file} has no column {', '.join(absent)}; {schema.file} names it")
    labels = label_columns(raw, schema.label)
    outside = [name for name in types if schema.label.group is not None and name not in labels]
    if outside:
        group = raw.groups[raw.names.index(outside[0])] if raw.groups else ""
        raise TableError(f"column {outside[0]} is in group {group!r}, not {schema.label.group!r}")
    leaking = [column.name for column in schema.columns if column.excluded is None and column.name in labels]
    if leaking:
        raise TableError(f"{schema.file}: {leaking[0]} is part of the label and a feature; take it out of [features]")


def _feature(raw: RawTable, column: Column) -> NDArray[np.float32]:
    """Values of one feature, shape (n_shots,)."""
    cells = raw.column(column.name)
    values = _category_codes(raw, column) if column.categories else _numbers(raw, column.name)
    if not column.missing and np.isnan(values).any():
        row = int(np.isnan(values).argmax())
        raise TableError(f"{raw.place(row)}: {column.name} is {cells[row]!r}; fill it in, or set missing = true for "
                         "the column")
    return values.astype(np.float32)


def _category_codes(raw: RawTable, column: Column) -> NDArray[np.float64]:
    code_of: dict[str, float] = {canonical(category.strip()): code for code, category in enumerate(column.categories)}
    code_of[""] = np.nan
    cells = [canonical(cell) for cell in raw.column(column.name)]
    for row, cell in enumerate(cells):
        if cell not in code_of:
            raise TableError(f"{raw.place(row)}: {column.name} is {cell!r}; the schema allows "
                             f"{', '.join(column.categories)}; correct it or add it to categories")
    return np.array([code_of[cell] for cell in cells], np.float64)


def _numbers(raw: RawTable, name: str) -> NDArray[np.float64]:
    numbers, not_numbers = as_numbers(raw.column(name))
    if not_numbers.any():
        row = int(not_numbers.argmax())
        raise TableError(f"{raw.place(row)}: {name} is {raw.column(name)[row]!r}, {_advice(raw.column(name)[row])}")
    return numbers


def _advice(cell: str) -> str:
    """What is wrong with a cell that is not a finite number, and what to do."""
    try:
        float(cell)
    except ValueError:
        return ("not a number; correct it (empty where nothing was measured), give the column categories, or exclude "
                "it with a reason")
    return "not a finite number (or too large for one); correct it, or leave the cell empty where nothing was measured"


def _defect_types(raw: RawTable, schema: Schema) -> NDArray[np.bool_]:
    types = np.zeros((len(raw), len(schema.type_labels)), bool)
    for index, kind in enumerate(schema.type_labels):
        for suffix in schema.label.suffixes:
            types[:, index] |= severities(raw, kind + suffix) > 0
    return types


def _time_order(raw: RawTable, time: str | None) -> NDArray[np.int64]:
    """The position of every row in time; rows of the same moment stay in the order of the file."""
    if time is None:
        return np.arange(len(raw), dtype=np.int64)
    cells = raw.column(time)
    seconds = column_seconds(cells)
    moments = as_numbers(cells)[0] if seconds is None else seconds
    if np.isnan(moments).any():
        row = next((row for row, cell in enumerate(cells) if to_seconds(cell) is None and not is_number(cell)),
                   int(np.isnan(moments).argmax()))
        raise TableError(f"{raw.place(row)}: {time} is {cells[row]!r}, neither a timestamp nor a number; "
                         "the time of every row has to be known")
    order = np.empty(len(raw), np.int64)
    order[np.argsort(moments, kind="stable")] = np.arange(len(raw))
    return order


def _runs(raw: RawTable, schema: Schema, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of each row's run: in the order of time for a counter, of first appearance for a value."""
    if schema.run is None:
        return np.zeros(len(raw), np.int64)
    cells = raw.column(schema.run)
    if not all(cells):
        row = cells.index("")
        raise TableError(f"{raw.place(row)}: {schema.run} is ''; the run of every row has to be known")
    if schema.run_kind == "value":
        number_of: dict[str, int] = {}
        return np.array([number_of.setdefault(canonical(cell), len(number_of)) for cell in cells], np.int64)
    counter = _numbers(raw, schema.run)[np.argsort(order)]
    return np.concatenate([[0], np.cumsum(np.diff(counter) < 0)]).astype(np.int64)[order]
