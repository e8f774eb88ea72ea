"""The findings of an audit, as data classes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from shotwise_training.audit.leakage import Leak

JSON_KEYS = {"duplicates": "twins", "timestamps": "time_stamps"}  # field → its key in JSON, where they differ


@dataclass(frozen=True)
class Duplicates:
    """Rows that repeat an earlier row in everything but row keys.

    Attributes
    ----------
    rows : int
        Number of these rows.
    following : int
        Number of these rows that repeat the row directly before.
    unique : int
        Number of rows that remain when they are removed.
    shared : float
        Share of the test rows of a random 80/20 split that have a duplicate in the training part.
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
    column : str
        Column name.
    kind : str
        `counter` (it restarts with each run) or `value` (the rows of each value form one unbroken block).
    sizes : tuple of int
        Number of rows of each run.
    defect_rates : tuple of float
        Share of defective shots of each run; () without a label.
    """

    column: str
    kind: str
    sizes: tuple[int, ...]
    defect_rates: tuple[float, ...]


@dataclass(frozen=True)
class MixedColumn:
    """A column that mixes numbers and texts.

    Attributes
    ----------
    column : str
        Column name.
    numbers, texts : int
        Number of cells that hold a number, and that hold a text.
    first : str
        The first text.
    row : int
        Row of the first text, from 1.
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
    column : str
        Column name.
    first, last : str
        Earliest and latest timestamp, as the file writes them.
    distinct : int
        Number of different timestamps.
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
    file : str
        File name.
    sha256 : str
        Hash of the file.
    rows, columns : int
        Number of shots and of columns.
    label : str or None
        Column or group of the label; None if none was given.
    defective, unlabelled : int or None
        Number of defective shots, and of shots with an empty label; None if the label cannot be read.
    row_keys : tuple of str
        Columns with a different value in every row.
    duplicates : Duplicates
        Repeated rows.
    runs : tuple of Runs
        Columns that tell the runs apart, the most reliable first.
    counters : tuple of str
        Columns that rise by small steps, with or without a restart.
    timestamps : tuple of TimestampColumn
        Columns of timestamps.
    leaks : tuple of Leak
        Columns that leak the label.
    constants : tuple of str
        Columns with a single value.
    missing : dict of str to int
        Column → number of empty cells, for columns that have any.
    mixed : tuple of MixedColumn
        Columns that mix numbers and texts.
    excluded : tuple of str
        Columns that the schema keeps out of the model anyway.
    problems : tuple of str
        Messages about what has to be repaired first.
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
