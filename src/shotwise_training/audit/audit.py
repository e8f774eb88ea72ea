"""An audit of a table before anything is trained on it: what would make a figure look better than it is.

    facts of every column → label → row keys, twins → runs and time stamps → columns that give the label away

It needs numpy alone, and reports what is wrong with a file instead of failing; a file that cannot be read at all, or a
label that is not there, is a TableError.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shotwise_training.audit.leakage import Leak, find_leak
from shotwise_training.data.column_profile import ColumnProfile, all_facts
from shotwise_training.data.csv_file import RawTable, TableError, read_csv
from shotwise_training.data.duplicates import equal_rows
from shotwise_training.data.label import columns_named, label_columns, label_named, read_label
from shotwise_training.data.schema import Label, Schema, read_schema

HELD_OUT = 0.2
SEED = 42


@dataclass(frozen=True)
class Twins:
    """rows: that repeat an earlier row in everything but row keys. following: of those, that repeat the row directly
    before. unique: rows that are left. shared: of a random 80/20 split, the share of test rows with a twin in
    training."""

    rows: int
    following: int
    unique: int
    shared: float


@dataclass(frozen=True)
class Runs:
    """What tells the runs apart: kind "counter" (`column` restarts with each) or "value" (its values come in unbroken
    blocks). sizes in rows; defect_rates of each, empty without a label."""

    column: str
    kind: str
    sizes: tuple[int, ...]
    defect_rates: tuple[float, ...]


@dataclass(frozen=True)
class Mixed:
    """A column of numbers and texts; `row` (from 1) holds `first`, the first text."""

    column: str
    numbers: int
    texts: int
    first: str
    row: int


@dataclass(frozen=True)
class Stamp:
    """A column of time stamps; first and last as the file writes them."""

    column: str
    first: str
    last: str
    distinct: int


@dataclass(frozen=True)
class Audit:
    """What was found. label: the column or group, None if none was given. defective: shots; None where the label cannot
    be read. unlabelled: shots whose label is empty. counters: rise by small steps, with or without restart. missing:
    empty cells of every column that has any. excluded: columns that the schema keeps out of the model anyway.
    problems: what has to be repaired first."""

    file: str
    sha256: str
    rows: int
    columns: int
    label: str | None
    defective: int | None
    unlabelled: int | None
    row_keys: tuple[str, ...]
    twins: Twins
    runs: tuple[Runs, ...]
    counters: tuple[str, ...]
    time_stamps: tuple[Stamp, ...]
    leaks: tuple[Leak, ...]
    constants: tuple[str, ...]
    missing: dict[str, int]
    mixed: tuple[Mixed, ...]
    excluded: tuple[str, ...]
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return dataclasses.asdict(self)


def audit_file(csv_path: Path, label: str | None = None, schema_path: Path | None = None,
               defect: tuple[str, ...] = ()) -> Audit:
    """Audit a file. `label` names a column or a group, `defect` its values that mean defective; without `label` they
    come from the schema, which also says what it keeps out of the model."""
    if schema_path is None:
        return audit(read_csv(csv_path, tolerant=True), label, defect)
    schema = read_schema(schema_path)
    return audit(read_csv(csv_path, schema.header_rows, tolerant=True), label or schema.label, defect, schema)


def audit(raw: RawTable, label: str | Label | None = None, defect: tuple[str, ...] = (),
          schema: Schema | None = None, facts: tuple[ColumnProfile, ...] | None = None) -> Audit:
    """Audit a table; `facts` spares computing them where the caller has them."""
    facts = facts or all_facts(raw)
    problems = [*raw.problems, *_absent(raw, schema)]
    labels, outcome = _outcome(raw, label, defect, problems)
    values = [column for column in facts if column.name not in labels]
    compared = np.column_stack([np.zeros(len(raw), np.int64), *(fact.codes for fact in facts if not fact.row_key)])
    first, group = equal_rows(compared)
    return Audit(
        raw.file, raw.sha256, len(raw), len(raw.names),
        (label.column or label.group) if isinstance(label, Label) else label,
        None if outcome is None else int((outcome[0] & outcome[1]).sum()),
        None if outcome is None else int((~outcome[1]).sum()),
        tuple(column.name for column in values if column.row_key), _twins(first, group),
        _runs(values, outcome), tuple(column.name for column in values if column.counter), _stamps(values),
        _leaks(values, first, outcome), tuple(column.name for column in values if column.constant),
        {column.name: column.missing for column in facts if column.missing}, _mixed(facts),
        tuple(column.name for column in schema.columns if column.excluded) if schema else (), tuple(problems))


def _absent(raw: RawTable, schema: Schema | None) -> list[str]:
    """What the schema names and the file does not have."""
    named = [column.name for column in schema.columns] if schema else []
    absent = [name for name in named if name not in raw.names]
    return [f"{raw.file} has no column {', '.join(absent)}; the schema names it"] if absent else []


Outcome = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # (defective, labelled), each [N]


def _outcome(raw: RawTable, label: str | Label | None, defect: tuple[str, ...],
             problems: list[str]) -> tuple[tuple[str, ...], Outcome | None]:
    """The columns of the label, and which shots are defective where that can be read. Raises TableError where the
    label is not there at all."""
    if label is None:
        return (), None
    columns = label_columns(raw, label) if isinstance(label, Label) else columns_named(raw, label)
    try:
        return columns, read_label(raw, label if isinstance(label, Label) else label_named(raw, label, defect))
    except TableError as error:
        problems.append(str(error))
        return columns, None


def _twins(first: NDArray[np.int64], group: NDArray[np.int64]) -> Twins:
    rows = len(group)
    test, training = np.split(np.random.default_rng(SEED).permutation(rows), [round(rows * HELD_OUT)])
    shared = float(np.isin(group[test], group[training]).mean()) if len(test) else 0.0
    return Twins(rows - len(first), int((np.diff(group) == 0).sum()), len(first), round(shared, 4))


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


def _stamps(columns: list[ColumnProfile]) -> tuple[Stamp, ...]:
    return tuple(Stamp(column.name, column.cells[int(np.nanargmin(column.numbers))],
                       column.cells[int(np.nanargmax(column.numbers))], column.distinct)
                 for column in columns if column.kind == "time")


def _leaks(columns: list[ColumnProfile], first: NDArray[np.int64], outcome: Outcome | None) -> tuple[Leak, ...]:
    """Of rows without twins that have a label; what has a value of its own in every row tells nothing."""
    if outcome is None:
        return ()
    rows = first[outcome[1][first]]
    found = (find_leak(column, rows, outcome[0][rows]) for column in columns if not column.row_key)
    return tuple(leak for leak in found if leak)


def _mixed(columns: tuple[ColumnProfile, ...]) -> tuple[Mixed, ...]:
    found = []
    for column in columns:
        if column.kind == "mixed":
            row = next(row for row, cell in enumerate(column.cells) if cell and np.isnan(column.numbers[row]))
            numbers = len(column.cells) - column.missing - column.texts
            found.append(Mixed(column.name, numbers, column.texts, column.cells[row], row + 1))
    return tuple(found)
