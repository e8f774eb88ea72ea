"""Read which shots of a table are defective, and recognise what the values of a label column mean."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from shotwise_training.data.csv_file import RawTable, TableError, as_numbers, canonical, did_you_mean
from shotwise_training.data.schema import Label

DEFECT_WORDS = frozenset({"ng", "nok", "불량", "불량품", "불합격", "부적합", "defect", "defective", "fail", "failed",
                          "reject", "rejected", "bad"})
GOOD_WORDS = frozenset({"ok", "good", "양품", "양호", "정상", "합격", "적합", "normal", "pass", "passed", "accept",
                        "accepted"})
YES_NO = (("y", "n"), ("yes", "no"), ("true", "false"), ("t", "f"), ("예", "아니오"))
GOOD_NAME = re.compile(r"pass|good|accept|\bok\b|양품|양호|정상|(?<!불)합격|(?<!부)적합", re.IGNORECASE)
MAX_LISTED = 12  # values that a message lists before it counts the rest


def label_named(raw: RawTable, name: str, defect: tuple[str, ...] = ()) -> Label:
    """Make a label from the name of a column or of a group of columns.

    Parameters
    ----------
    raw : RawTable
        The table.
    name : str
        Name of a column or, if there is no such column, of a group.
    defect : tuple of str
        Values of the column that mean defective; () to recognise an obvious one, such as NG.

    Raises
    ------
    TableError
        If there is no such column or group, or if no value obviously means defective.
    """
    if name in raw.names:
        return Label(column=name, defect=defect or _obvious_defect_values(raw, name))
    columns_named(raw, name)
    if defect:
        raise TableError(f"{name} is a group of columns, defective where one is above zero; leave out --defect")
    return Label(group=name)


def columns_named(raw: RawTable, name: str) -> tuple[str, ...]:
    """List the columns that `name` stands for, itself or those of a group; raise TableError if it is neither."""
    if name in raw.names:
        return (name,)
    if raw.groups is None or name not in raw.groups:
        existing = [*raw.names, *(raw.groups or ())]
        raise TableError(f"{raw.file} has no column {name}{did_you_mean(name, existing)}; name the column that says "
                         "whether a shot is defective")
    return label_columns(raw, Label(group=name))


def label_columns(raw: RawTable, label: Label) -> tuple[str, ...]:
    """List the columns that make up the label; raise TableError if there are none."""
    if label.column is not None:
        raw.column(label.column)
        return (label.column,)
    if raw.groups is None:
        raise TableError(f"{raw.file} has one header row and so no group {label.group}; give the label by column")
    columns = tuple(name for name, group in zip(raw.names, raw.groups, strict=True) if group == label.group)
    if not columns:
        groups = ", ".join(dict.fromkeys(raw.groups))
        raise TableError(f"{raw.file} has no column in group {label.group}; its groups are {groups}")
    return columns


def read_label(raw: RawTable, label: Label) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Read which shots of a table are defective.

    Returns
    -------
    defective : ndarray of bool, shape (n_shots,)
        Whether each shot is defective.
    labelled : ndarray of bool, shape (n_shots,)
        False where every cell of the label is empty.

    Raises
    ------
    TableError
        If a cell cannot be read, or if no row has a value that means defective.
    """
    if label.column is None or not label.defect:
        severity = np.column_stack([severities(raw, name) for name in label_columns(raw, label)])
        return np.any(severity > 0, axis=1), ~np.all(np.isnan(severity), axis=1)
    cells = [canonical(cell) for cell in raw.column(label.column)]
    defect_values = {canonical(value.strip()) for value in label.defect}
    if len(raw) and not defect_values & set(cells):
        raise TableError(f"{raw.file}: no row has {' or '.join(label.defect)} in {label.column}; "
                         f"it holds {values_of(raw, label.column)}")
    return np.array([cell in defect_values for cell in cells], bool), np.array([bool(cell) for cell in cells], bool)


def severities(raw: RawTable, name: str) -> NDArray[np.float64]:
    """Read a numeric label column, shape (n_shots,), NaN where empty; raise TableError if a cell is not a number.

    The numbers are severities, not flags: anything above zero is a defect.
    """
    severity, not_numbers = as_numbers(raw.column(name))
    if not_numbers.any():
        row = int(not_numbers.argmax())
        raise TableError(f"{raw.place(row)}: {name} is {raw.column(name)[row]!r}, not a number; correct it (a label of "
                         "texts needs `defect`, the values that mean defective)")
    return severity


def require_labels(raw: RawTable, labelled: NDArray[np.bool_], label: Label) -> None:
    """Raise TableError if a row has no label; taking it for good would train the model on a guess."""
    if not labelled.all():
        row = int(labelled.argmin())
        raise TableError(f"{raw.place(row)}: {label.column or label.group} is empty ({(~labelled).sum()} rows have no "
                         "label); fill it in or remove the row")


def values_of(raw: RawTable, name: str) -> str:
    """List the distinct values of a column, for a message."""
    values = sorted({canonical(cell) for cell in raw.column(name) if cell})
    listed = ", ".join(values[:MAX_LISTED])
    return f"{listed} and {len(values) - MAX_LISTED} more" if len(values) > MAX_LISTED else listed


def _obvious_defect_values(raw: RawTable, name: str) -> tuple[str, ...]:
    """The value that obviously means defective; () for a column of numbers, where anything above zero does."""
    numeric = not as_numbers(raw.column(name))[1].any()
    names_good_shots = GOOD_NAME.search(name) is not None  # in a column `pass`, Y does not mean defective
    if numeric and not names_good_shots:
        return ()
    written = {canonical(cell).casefold(): canonical(cell) for cell in raw.column(name) if cell}
    defect_values = [written[word] for word in written if word in DEFECT_WORDS]
    good_values = [word for word in written if word in GOOD_WORDS]
    yes_values = [written[yes] for yes, no in YES_NO if {yes, no} == set(written) and not names_good_shots]
    if len(written) == 2 and len(defect_values) == len(good_values) == 1:
        return (defect_values[0],)
    if yes_values:
        return (yes_values[0],)
    raise TableError(f"{raw.file}: which values of {name} mean defective? It holds {values_of(raw, name)}; "
                     "name them with --defect VALUE")
