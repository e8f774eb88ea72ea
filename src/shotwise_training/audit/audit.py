"""Audit a table before training: find what would make a model look better than it is.

Stages: profile every column → read the label → find row keys and repeated rows → find runs and timestamps → find the
columns that leak the label. It needs only numpy. Faults of a file are reported instead of raised; TableError is raised
only if the file cannot be read at all, or if the label does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shotwise_training.audit.findings import Audit, Duplicates, MixedColumn, Runs, TimestampColumn
from shotwise_training.audit.leakage import Leak, find_leak
from shotwise_training.data.column_profile import ColumnProfile, profile_columns
from shotwise_training.data.csv_file import RawTable, TableError, read_csv
from shotwise_training.data.duplicates import group_equal_rows
from shotwise_training.data.label import columns_named, label_columns, label_named, read_label
from shotwise_training.data.schema import Label, Schema, read_schema

TEST_SHARE = 0.2
SEED = 42


def audit_file(csv_path: Path, label: str | None = None, schema_path: Path | None = None,
               defect: tuple[str, ...] = ()) -> Audit:
    """Audit a CSV file.

    Parameters
    ----------
    csv_path : Path
        The CSV file.
    label : str or None
        Column or group that says which shots are defective; None for the label of the schema.
    schema_path : Path or None
        Schema of the table, whose excluded columns are listed in the findings.
    defect : tuple of str
        Values of the label that mean defective.
    """
    if schema_path is None:
        return audit_table(read_csv(csv_path, tolerant=True), label, defect)
    schema = read_schema(schema_path)
    return audit_table(read_csv(csv_path, schema.header_rows, tolerant=True), label or schema.label, defect, schema)


def audit_table(raw: RawTable, label: str | Label | None = None, defect: tuple[str, ...] = (),
                schema: Schema | None = None, profiles: Sequence[ColumnProfile] | None = None) -> Audit:
    """Audit a table that was read already, as `audit_file` does; `profiles` saves profiling its columns again."""
    profiles = profiles or profile_columns(raw)
    problems = [*raw.problems, *_absent_columns(raw, schema)]
    labels, outcome = _outcome(raw, label, defect, problems)
    columns = [column for column in profiles if column.name not in labels]
    unique_rows, group = group_equal_rows(np.column_stack(
        [np.zeros(len(raw), np.int64), *(column.codes for column in profiles if not column.row_key)]))
    return Audit(
        raw.file, raw.sha256, len(raw), len(raw.names),
        label=(label.column or label.group) if isinstance(label, Label) else label,
        defective=None if outcome is None else int((outcome.defective & outcome.labelled).sum()),
        unlabelled=None if outcome is None else int((~outcome.labelled).sum()),
        row_keys=tuple(column.name for column in columns if column.row_key),
        duplicates=_duplicates(unique_rows, group), runs=_runs(columns, outcome),
        counters=tuple(column.name for column in columns if column.counter), timestamps=_timestamps(columns),
        leaks=_leaks(columns, unique_rows, outcome),
        constants=tuple(column.name for column in columns if column.constant),
        missing={column.name: column.missing for column in profiles if column.missing}, mixed=_mixed(profiles),
        excluded=tuple(column.name for column in schema.columns if column.excluded) if schema else (),
        problems=tuple(problems))


def _absent_columns(raw: RawTable, schema: Schema | None) -> list[str]:
    """A message about the columns that the schema names but the file lacks."""
    named = [column.name for column in schema.columns] if schema else []
    absent = [name for name in named if name not in raw.names]
    return [f"{raw.file} has no column {', '.join(absent)}; the schema names it"] if absent else []


class _Outcome(NamedTuple):
    """Which rows are defective, and which have a label; bool, each of shape (n_shots,)."""

    defective: NDArray[np.bool_]
    labelled: NDArray[np.bool_]


def _outcome(raw: RawTable, label: str | Label | None, defect: tuple[str, ...],
             problems: list[str]) -> tuple[tuple[str, ...], _Outcome | None]:
    """The columns of the label, and the outcome of every row; None, with a new problem, if it cannot be read."""
    if label is None:
        return (), None
    columns = label_columns(raw, label) if isinstance(label, Label) else columns_named(raw, label)
    try:
        return columns, _Outcome(*read_label(
            raw, label if isinstance(label, Label) else label_named(raw, label, defect)))
    except TableError as error:
        problems.append(str(error))
        return columns, None


def _duplicates(unique_rows: NDArray[np.int64], group: NDArray[np.int64]) -> Duplicates:
    rows = len(group)
    test, training = np.split(np.random.default_rng(SEED).permutation(rows), [round(rows * TEST_SHARE)])
    shared = float(np.isin(group[test], group[training]).mean()) if len(test) else 0.0
    following = int((np.diff(group) == 0).sum())
    return Duplicates(rows - len(unique_rows), following, len(unique_rows), round(shared, 4))


def _runs(columns: list[ColumnProfile], outcome: _Outcome | None) -> tuple[Runs, ...]:
    """Columns that tell runs apart: first restarting counters, the more reliable sign of a new run, then values."""
    counters = [_run(column, "counter", np.cumsum(np.diff(column.numbers, prepend=column.numbers[0]) < 0), outcome)
                for column in columns if column.restarts]
    return (*counters, *(_run(column, "value", np.cumsum(np.diff(column.codes, prepend=column.codes[0]) != 0), outcome)
                         for column in columns if column.blocks))


def _run(column: ColumnProfile, kind: str, run: NDArray[np.int64], outcome: _Outcome | None) -> Runs:
    sizes = np.bincount(run)
    rates = () if outcome is None else np.bincount(run, weights=outcome.defective) / sizes
    return Runs(column.name, kind, tuple(map(int, sizes)), tuple(round(float(rate), 4) for rate in rates))


def _timestamps(columns: list[ColumnProfile]) -> tuple[TimestampColumn, ...]:
    return tuple(TimestampColumn(column.name, column.cells[int(np.nanargmin(column.numbers))],
                                 column.cells[int(np.nanargmax(column.numbers))], column.distinct)
                 for column in columns if column.kind == "time")


def _leaks(columns: list[ColumnProfile], unique_rows: NDArray[np.int64],
           outcome: _Outcome | None) -> tuple[Leak, ...]:
    """Leaks among the unique rows that have a label; row keys cannot leak, since no two rows share a value."""
    if outcome is None:
        return ()
    rows = unique_rows[outcome.labelled[unique_rows]]
    leaks = (find_leak(column, rows, outcome.defective[rows]) for column in columns if not column.row_key)
    return tuple(leak for leak in leaks if leak)


def _mixed(columns: Sequence[ColumnProfile]) -> tuple[MixedColumn, ...]:
    mixed = []
    for column in columns:
        if column.kind == "mixed":
            row = next(row for row, cell in enumerate(column.cells) if cell and np.isnan(column.numbers[row]))
            numbers = len(column.cells) - column.missing - column.texts
            mixed.append(MixedColumn(column.name, numbers, column.texts, column.cells[row], row + 1))
    return tuple(mixed)
