"""Read a CSV file into columns of text, with the line numbers that an error message needs.

It reads any foundry's export: UTF-8 (with or without a byte order mark), UTF-16 with one, or CP949; separated by comma,
semicolon or tab; with one header row or two. Of two, the first names groups of columns: a group's name is repeated, or
followed by blank cells (`Process, Process, Sensor` or `Process, , Sensor`). Reading leaves cells as text; every caller
converts a column to numbers by `as_numbers`.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEPARATORS = (",", ";", "\t")
FLOAT32_MAX = float(np.finfo(np.float32).max)  # a larger number would be infinite in the model's float32
ZIP_SIGNATURE = b"PK\x03\x04"  # how an Excel workbook begins


class TableError(ValueError):
    """A table or its schema cannot be used; the message names the place and says what to do."""


@dataclass(frozen=True)
class RawTable:
    """The cells of a CSV file as text, column by column.

    Attributes
    ----------
    file : str
        File name, for messages.
    sha256 : str
        Hash of the file's bytes.
    groups : tuple of str or None
        Group of every column, from the first of two header rows; None with one header row.
    names : tuple of str
        Column names, stripped and unique.
    cells : tuple of tuple of str
        Stripped cells, by column and row; an empty cell is an empty text.
    lines : tuple of int
        The line of the file on which each row ends, from 1.
    problems : tuple of str
        Messages about the faults that a tolerant reading passed over.
    """

    file: str
    sha256: str
    groups: tuple[str, ...] | None
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of one column; raise TableError if the file has no such column."""
        if name not in self.names:
            raise TableError(f"{self.file} has no column {name}{did_you_mean(name, self.names)}")
        return self.cells[self.names.index(name)]

    def place(self, row: int) -> str:
        """Locate a row (from 0) for a message: its number below the header, and its line in the file, both from 1."""
        return f"{self.file}, row {row + 1} (line {self.lines[row]})"


def read_csv(path: Path, header_rows: int | None = None, *, tolerant: bool = False) -> RawTable:
    """Read a file as `parse_csv` does; raise TableError if it cannot be opened."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}; name the CSV of shots") from None
    return parse_csv(content, path.name, header_rows, tolerant=tolerant)


def parse_csv(content: bytes, file: str, header_rows: int | None = None, *, tolerant: bool = False) -> RawTable:
    """Read the bytes of a CSV file.

    Parameters
    ----------
    content : bytes
        The bytes of the file.
    file : str
        File name, for messages.
    header_rows : int or None
        1 or 2; None to detect it.
    tolerant : bool
        Whether to leave out rows of the wrong length, number repeated column names and accept a file without rows,
        and report each under `problems` instead of raising.

    Raises
    ------
    TableError
        If the file is not a CSV at all or, unless `tolerant`, has one of these faults.
    """
    rows, lines = _rows(_decode(content, file), file)
    count = header_rows or _header_rows(rows)
    if len(rows) < count:
        raise TableError(f"{file} has {len(rows)} line, but the schema says header_rows = {count}")
    if all(is_number(cell) for cell in rows[count - 1] if cell):
        raise TableError(f"{file} has no header: line {lines[count - 1]} holds numbers; put the column names there")
    problems: list[str] = []
    names = _names(rows[count - 1], file, problems)
    groups = _groups(rows[0], len(names), file) if count == 2 else None
    complete = _complete_rows(list(zip(rows[count:], lines[count:], strict=True)), len(names), file, problems)
    if problems and not tolerant:
        raise TableError(problems[0])
    cells = tuple(zip(*(row for row, _ in complete), strict=True)) or ((),) * len(names)
    digest = hashlib.sha256(content).hexdigest()
    return _without_blank_columns(RawTable(file, digest, groups, names, cells, tuple(line for _, line in complete),
                                           tuple(problems)))


def as_numbers(cells: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Convert a column to numbers.

    Parameters
    ----------
    cells : sequence of str, length n_rows
        Cells as text.

    Returns
    -------
    numbers : ndarray of float64, shape (n_rows,)
        NaN where a cell is empty or is not a finite number within the range of float32.
    not_numbers : ndarray of bool, shape (n_rows,)
        True where a cell is filled but is not such a number.
    """
    try:
        numbers = np.fromiter(map(float, (cell or "nan" for cell in cells)), np.float64, len(cells))
        plain = "_" not in "".join(cells)  # Python reads 1_000 as a number; no foundry means one by it
    except ValueError:
        plain = False
    if not plain:
        numbers = np.array([_number(cell) for cell in cells], np.float64)
    numbers[~(np.abs(numbers) <= FLOAT32_MAX)] = np.nan
    not_numbers = np.isnan(numbers)
    not_numbers[not_numbers] = [bool(cells[int(row)]) for row in np.flatnonzero(not_numbers)]
    return numbers, not_numbers


def is_number(text: str) -> bool:
    """Whether a cell holds a finite number."""
    return not math.isnan(_number(text))


def canonical(text: str) -> str:
    """Normalise a category for comparison: `1.0` becomes `1`, since spreadsheets add the decimal; `01` is unchanged."""
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"[+-]?\d+\.\d*", text) else text


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the closest allowed one, or nothing if none is close."""
    closest = difflib.get_close_matches(name, list(allowed), 1)
    return f"; did you mean {closest[0]}?" if closest else ""


def _number(text: str) -> float:
    try:
        number = math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
    return number if abs(number) <= FLOAT32_MAX else math.nan


def _decode(content: bytes, file: str) -> str:
    if not content.strip():
        raise TableError(f"{file} is empty")
    if content.startswith(ZIP_SIGNATURE):
        raise TableError(f"{file} is a workbook or an archive, not a CSV; save the sheet as CSV")
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp949"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise TableError(f"{file} is not text in UTF-8 or CP949; save the table as CSV UTF-8")


def _rows(text: str, file: str) -> tuple[list[list[str]], list[int]]:
    """The rows with at least one filled cell, and the line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            stripped = [cell.strip() for cell in row]
            if any(stripped):
                rows.append(stripped)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise TableError(f"{file}, line {reader.line_num}: {error}; check the quotes there") from None
    if not rows:
        raise TableError(f"{file} is empty")
    return rows, lines


def _separator(text: str) -> str:
    """The separator that cuts the first line into the most cells; the comma if none does."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=lambda separator: len(next(csv.reader([first], delimiter=separator), [])))


def _header_rows(rows: list[list[str]]) -> int:
    """Detect the number of header rows.

    There are two if the first line looks like groups (each name repeated or followed by blanks) and the second like
    column names (distinct, none of them a number); else one.
    """
    if len(rows) < 2 or not rows[0][0]:
        return 1
    first, second = _fill_blanks(rows[0]), rows[1]
    blocks = [name for name, _ in itertools.groupby(first)]
    grouped = len(blocks) == len(set(blocks)) < len(first) <= len(second) and not any(map(is_number, first))
    named = all(second) and len(set(second)) == len(second) and not any(map(is_number, second))
    return 2 if grouped and named else 1


def _fill_blanks(groups: list[str]) -> list[str]:
    """Repeat each group name over the blanks after it, which is how a merged cell is exported."""
    filled: list[str] = []
    for cell in groups:
        filled.append(cell or (filled[-1] if filled else cell))
    return filled


def _groups(row: list[str], width: int, file: str) -> tuple[str, ...]:
    if len(row) > width:
        raise TableError(f"{file}: the line of group names has {len(row)} cells, the line of column names {width}")
    return tuple(_fill_blanks(row + [""] * (width - len(row))))


def _names(row: list[str], file: str, problems: list[str]) -> tuple[str, ...]:
    """Unique column names: a column without a name is named by its position, a repeated name gets a number."""
    named = [name or f"column {position}" for position, name in enumerate(row, 1)]
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        problems.append(f"{file} names a column more than once: {', '.join(repeated)}; rename all but one")
    names: list[str] = []
    for name in named:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        names.append(name if name not in names else next(new for new in numbered if new not in named + names))
    return tuple(names)


def _complete_rows(rows: list[tuple[list[str], int]], width: int, file: str,
                   problems: list[str]) -> list[tuple[list[str], int]]:
    """The rows with as many cells as the header; the others are reported as a problem."""
    if not rows:
        problems.append(f"{file} has no rows under its header")
    wrong = [(number, line, len(row)) for number, (row, line) in enumerate(rows, 1) if len(row) != width]
    if wrong:
        number, line, cells = wrong[0]
        more = f" ({len(wrong)} rows are like this)" if len(wrong) > 1 else ""
        problems.append(f"{file}, row {number} (line {line}) has {cells} cells, the header {width}{more}; correct it")
    return [pair for pair in rows if len(pair[0]) == width] if wrong else rows


def _without_blank_columns(raw: RawTable) -> RawTable:
    """Drop columns that have neither a name nor a filled cell, which a spreadsheet adds at the right edge."""
    keep = [index for index, name in enumerate(raw.names) if name != f"column {index + 1}" or any(raw.cells[index])]
    if len(keep) == len(raw.names):
        return raw
    groups = None if raw.groups is None else tuple(raw.groups[index] for index in keep)
    return RawTable(raw.file, raw.sha256, groups, tuple(raw.names[index] for index in keep),
                    tuple(raw.cells[index] for index in keep), raw.lines, raw.problems)
