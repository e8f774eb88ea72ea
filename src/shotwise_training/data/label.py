"""Which shots a table calls defective, and what a bare label column probably means."""

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
SHOWN = 12  # values that a message lists


def label_named(raw: RawTable, name: str, defect: tuple[str, ...] = ()) -> Label:
    """The label that `name` means: a column, with `defect` or the value that obviously is one; else a group.

    Raises TableError where there is neither, or where nobody can know which value means defective."""
    if name in raw.names:
        return Label(column=name, defect=defect or _obvious(raw, name))
    columns_named(raw, name)
    if defect:
        raise TableError(f"{name} is a group of columns, defective where one is above zero; leave out --defect")
    return Label(group=name)


def columns_named(raw: RawTable, name: str) -> tuple[str, ...]:
    """The columns of the label `name`, a column or a group. Raises TableError where there is neither."""
    if name in raw.names:
        return (name,)
    if raw.groups is None or name not in raw.groups:
        known = [*raw.names, *(raw.groups or ())]
        raise TableError(f"{raw.file} has no column {name}{did_you_mean(name, known)}; name the column that says "
                         "whether a shot is defective")
    return label_columns(raw, Label(group=name))


def label_columns(raw: RawTable, label: Label) -> tuple[str, ...]:
    """The columns that make up the label. Raises TableError where there are none."""
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
    """(defective, labelled), each bool [N]. A shot without a filled label cell is not labelled."""
    if label.column is None or not label.defect:
        found = np.column_stack([severities(raw, name) for name in label_columns(raw, label)])
        return (found > 0).any(axis=1), ~np.isnan(found).all(axis=1)
    cells = [canonical(cell) for cell in raw.column(label.column)]
    wanted = {canonical(value.strip()) for value in label.defect}
    if len(raw) and not wanted & set(cells):
        raise TableError(f"{raw.file}: no row has {' or '.join(label.defect)} in {label.column}; "
                         f"it holds {values_of(raw, label.column)}")
    return np.array([cell in wanted for cell in cells], bool), np.array([bool(cell) for cell in cells], bool)


def severities(raw: RawTable, name: str) -> NDArray[np.float64]:
    """A numeric label column, NaN where empty. A cell is a severity, not a flag: anything above zero is a defect."""
    values, strange = as_numbers(raw.column(name))
    if strange.any():
        row = int(strange.argmax())
        raise TableError(f"{raw.place(row)}: {name} is {raw.column(name)[row]!r}, not a number; correct it (a label of "
                         "words needs `defect`, the values that mean defective)")
    return values


def require_labels(raw: RawTable, labelled: NDArray[np.bool_], label: Label) -> None:
    """Raise TableError where a row has no label: guessing that it is good would teach the model a lie."""
    if not labelled.all():
        row = int(labelled.argmin())
        raise TableError(f"{raw.place(row)}: {label.column or label.group} is empty ({(~labelled).sum()} rows have no "
                         "label); fill it in or remove the row")


def values_of(raw: RawTable, name: str) -> str:
    """The distinct values of a column, for a message."""
    values = sorted({canonical(cell) for cell in raw.column(name) if cell})
    return ", ".join(values[:SHOWN]) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def _obvious(raw: RawTable, name: str) -> tuple[str, ...]:
    """The value that means defective; () for a column of numbers, where anything above zero does."""
    numeric = not as_numbers(raw.column(name))[1].any()
    backwards = GOOD_NAME.search(name) is not None  # `pass: Y` does not mean defective
    if numeric and not backwards:
        return ()
    values = {canonical(cell).casefold(): canonical(cell) for cell in raw.column(name) if cell}
    bad = [values[word] for word in values if word in DEFECT_WORDS]
    good = [word for word in values if word in GOOD_WORDS]
    yes = [values[yes] for yes, no in YES_NO if {yes, no} == set(values) and not backwards]
    if len(values) == 2 and len(bad) == len(good) == 1:
        return (bad[0],)
    if yes:
        return (yes[0],)
    raise TableError(f"{raw.file}: which values of {name} mean defective? It holds {values_of(raw, name)}; "
                     "say it with --defect VALUE")
