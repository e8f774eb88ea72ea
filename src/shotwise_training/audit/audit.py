"""Audit a table before anything is trained on it: what would make a figure look better than it is.

Stages: profile every column → read the label → find row keys and repeated rows → find runs and timestamps → find the
columns that leak the label. It needs numpy alone. What is wrong with a file is reported instead of raised; only a file
that cannot be read at all, or a label that does not exist, is a TableError.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.audit.leakage import Leak, find_leak
from shotwise_training.data.column_profile import ColumnProfile, profile_columns
from shotwise_training.data.csv_file import RawTable, TableError, read_csv
from shotwise_training.data.duplicates import group_equal_rows
from shotwise_training.data.label import columns_named, label_columns, label_named, read_label
from shotwise_training.data.schema import Label, Schema, read_schema

TEST_SHARE = 0.2
SEED = 42
JSON_KEYS = {"duplicates": "twins", "timestamps": "time_stamps"}  # where they differ: programs outside read these keys


@dataclass(frozen=True)
class Duplicates:
    """Rows that repeat an earlier row in everything but row keys.

    Attributes
    ----------
    rows : number of such rows.
    following : number of them that repeat the row directly before.
    unique : number of rows that are left without them.
    shared : share of the test rows of a random 80/20 split that have a duplicate in the training part.
    """

    rows: int
    following: int
    unique: int
    shared: float


@dataclass(frozen=True)
class Runs:
    """A column that tells production runs apart.

    Attributes
    ----------
    column : its name.
    kind : counter (it restarts with each run) or value (each value stands in one unbroken block).
    sizes : rows of each run.
    defect_rates : share of defective shots of each run; () without a label.
    """

    column: str
    kind: str
    sizes: tuple[int, ...]
    defect_rates: tuple[float, ...]


@dataclass(frozen=True)
class MixedColumn:
    """A column of numbers and texts.

    Attributes
    ----------
    column : its name.
    numbers : number of cells that hold a number.
    texts : number of cells that hold a text.
    first : the first text.
    row : the row of the first text, from 1.
    """

    column: str
    numbers: int
    texts: int
    first: str
    row: int


@dataclass(frozen=True)
class TimestampColumn:
    """A column of timestamps.

    Attributes
    ----------
    column : its name.
    first : earliest timestamp, as the file writes it.
    last : latest timestamp, as the file writes it.
    distinct : number of different timestamps.
    """

    column: str
    first: str
    last: str
    distinct: int


@dataclass(frozen=True)
class Audit:
    """The findings of an audit.

    Attributes
    ----------
    file : file name.
    sha256 : hash of the file.
    rows : number of shots.
    columns : number of columns.
    label : column or group of the label, None if none was given.
    defective : number of defective shots, None if the label cannot be read.
    unlabelled : number of shots with an empty label, None if the label cannot be read.
    row_keys : columns with a value of its own in every row.
    duplicates : repeated rows.
    runs : columns that tell the runs apart, the most trustworthy first.
    counters : columns that rise by small steps, with or without a restart.
    timestamps : columns of timestamps.
    leaks : columns that leak the label.
    constants : columns with a single value.
    missing : column → number of empty cells, for columns that have any.
    mixed : columns that mix numbers and texts.
    excluded : columns that the schema keeps out of the model anyway.
    problems : what has to be repaired first, as messages.
    """

    file: str
    sha256: str
    rows: int
    columns: int
    label: str | None
    defective: int | None
    unlabelled: int | None
    row_keys: tuple[str, ...]
    duplicates: Duplicates
    runs: tuple[Runs, ...]
    counters: tuple[str, ...]
    timestamps: tuple[TimestampColumn, ...]
    leaks: tuple[Leak, ...]
    constants: tuple[str, ...]
    missing: dict[str, int]
    mixed: tuple[MixedColumn, ...]
    excluded: tuple[str, ...]
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values for JSON, under the keys of `shotwise audit --json`."""
        return {JSON_KEYS.get(name, name): value for name, value in dataclasses.asdict(self).items()}


def audit_file(csv_path: Path, label: str | None = None, schema_path: Path | None = None,
               defect: tuple[str, ...] = ()) -> Audit:
    """Audit a CSV file.

    Parameters
    ----------
    csv_path : the file.
    label : column or group that says which shots are defective; if None, the schema says it.
    schema_path : schema of the table, which also says what it keeps out of the model.
    defect : values of the label that mean defective.
    """
    if schema_path is None:
        return audit_table(read_csv(csv_path, tolerant=True), label, defect)
    schema = read_schema(schema_path)
    return audit_table(read_csv(csv_path, schema.header_rows, tolerant=True), label or schema.label, defect, schema)


def audit_table(raw: RawTable, label: str | Label | None = None, defect: tuple[str, ...] = (),
                schema: Schema | None = None, profiles: Sequence[ColumnProfile] | None = None) -> Audit:
    """Audit a table that was read already, as `audit_file` does; `profiles` are its column profiles if known."""
    profiles = profiles or profile_columns(raw)
    problems = [*raw.problems, *_absent_columns(raw, schema)]
    labels, outcome = _outcome(raw, label, defect, problems)
    columns = [column for column in profiles if column.name not in labels]
    first, group = group_equal_rows(np.column_stack(
        [np.zeros(len(raw), np.int64), *(column.codes for column in profiles if not column.row_key)]))
    return Audit(
        raw.file, raw.sha256, len(raw), len(raw.names),
        label=(label.column or label.group) if isinstance(label, Label) else label,
        defective=None if outcome is None else int((outcome[0] & outcome[1]).sum()),
        unlabelled=None if outcome is None else int((~outcome[1]).sum()),
        row_keys=tuple(column.name for column in columns if column.row_key),
        duplicates=_duplicates(first, group), runs=_runs(columns, outcome),
        counters=tuple(column.name for column in columns if column.counter), timestamps=_timestamps(columns),
        leaks=_leaks(columns, first, outcome),
        constants=tuple(column.name for column in columns if column.constant),
        missing={column.name: column.missing for column in profiles if column.missing}, mixed=_mixed(profiles),
        excluded=tuple(column.name for column in schema.columns if column.excluded) if schema else (),
        problems=tuple(problems))


def _absent_columns(raw: RawTable, schema: Schema | None) -> list[str]:
    """A message about the columns that the schema names and the file does not have."""
    named = [column.name for column in schema.columns] if schema else []
    absent = [name for name in named if name not in raw.names]
    return [f"{raw.file} has no column {', '.join(absent)}; the schema names it"] if absent else []


Outcome = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # (defective, labelled), each [N]


def _outcome(raw: RawTable, label: str | Label | None, defect: tuple[str, ...],
             problems: list[str]) -> tuple[tuple[str, ...], Outcome | None]:
    """The columns of the label, and which shots are defective if that can be read; if not, a problem says why."""
    if label is None:
        return (), None
    columns = label_columns(raw, label) if isinstance(label, Label) else columns_named(raw, label)
    try:
        return columns, read_label(raw, label if isinstance(label, Label) else label_named(raw, label, defect))
    except TableError as error:
        problems.append(str(error))
        return columns, None


def _duplicates(first: NDArray[np.int64], group: NDArray[np.int64]) -> Duplicates:
    rows = len(group)
    test, training = np.split(np.random.default_rng(SEED).permutation(rows), [round(rows * TEST_SHARE)])
    shared = float(np.isin(group[test], group[training]).mean()) if len(test) else 0.0
    return Duplicates(rows - len(first), int((np.diff(group) == 0).sum()), len(first), round(shared, 4))


def _runs(columns: list[ColumnProfile], outcome: Outcome | None) -> tuple[Runs, ...]:
    """Restarting counters first: they say more surely than a value where a run begins."""
    counters = [_run(column, "counter", np.cumsum(np.diff(column.numbers, prepend=column.numbers[0]) < 0), outcome)
                for column in columns if column.restarts]
    return (*counters, *(_run(column, "value", np.cumsum(np.diff(column.codes, prepend=column.codes[0]) != 0), outcome)
                         for column in columns if column.blocks))


def _run(column: ColumnProfile, kind: str, run: NDArray[np.int64], outcome: Outcome | None) -> Runs:
    sizes = np.bincount(run)
    rates = () if outcome is None else np.bincount(run, weights=outcome[0]) / sizes
    return Runs(column.name, kind, tuple(map(int, sizes)), tuple(round(float(rate), 4) for rate in rates))


def _timestamps(columns: list[ColumnProfile]) -> tuple[TimestampColumn, ...]:
    return tuple(TimestampColumn(column.name, column.cells[int(np.nanargmin(column.numbers))],
                                 column.cells[int(np.nanargmax(column.numbers))], column.distinct)
                 for column in columns if column.kind == "time")


def _leaks(columns: list[ColumnProfile], first: NDArray[np.int64], outcome: Outcome | None) -> tuple[Leak, ...]:
    """Judge the unique rows that have a label; a row key, with a value of its own in every row, tells nothing."""
    if outcome is None:
        return ()
    rows = first[outcome[1][first]]
    leaks = (find_leak(column, rows, outcome[0][rows]) for column in columns if not column.row_key)
    return tuple(leak for leak in leaks if leak)


def _mixed(columns: Sequence[ColumnProfile]) -> tuple[MixedColumn, ...]:
    mixed = []
    for column in columns:
        if column.kind == "mixed":
            row = next(row for row, cell in enumerate(column.cells) if cell and np.isnan(column.numbers[row]))
            numbers = len(column.cells) - column.missing - column.texts
            mixed.append(MixedColumn(column.name, numbers, column.texts, column.cells[row], row + 1))
    return tuple(mixed)
