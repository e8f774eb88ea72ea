"""Draft a first schema for a table from its values and from what the audit found.

Stages: column profiles and audit → label → sections [table], [label] and [defect_types] → one line per column, the
doubtful ones excluded with a reason. `read_table` accepts the draft unedited. What the values cannot tell (which of
them an operator can set, what a column is called on the page) is left for a person to fill in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from shotwise_training.audit.audit import audit_table
from shotwise_training.audit.findings import Audit
from shotwise_training.data.column_profile import MAX_CATEGORIES, ColumnProfile, profile_columns
from shotwise_training.data.csv_file import RawTable, TableError, canonical
from shotwise_training.data.label import label_columns, label_named, read_label, require_labels, values_of
from shotwise_training.data.schema import Label

MAX_CODES = 6  # a column with at most this many distinct whole numbers may hold codes
PLAUSIBLE_SPANS = 3  # plausible: the range seen ± this many times its span
MAX_DECIMALS = 6  # more decimals come from a computation, not from a gauge
LOWERCASE_GROUPS = frozenset({"process", "sensor"})  # the groups that the page translates
UNIT = re.compile(r"[(\[{（［]\s*([^()\[\]{}（）［］]+?)\s*[)\]}）］]\s*$")
UNITS = {"℃": "°C", "°c": "°C", "도": "°", "℉": "°F", "초": "s", "sec": "s", "분": "min", "ℓ": "L", "㎜": "mm",
         "㎝": "cm", "㎏": "kg", "㎫": "MPa", "㎪": "kPa", "㎐": "Hz", "㎾": "kW", "㎧": "m/s", "kgf/cm2": "kgf/cm²"}
KNOWN_UNITS = frozenset({
    *UNITS.values(), "C", "K", "Pa", "hPa", "bar", "mbar", "psi", "µm", "um", "m", "inch", "mm/s", "cm/s", "m/min",
    "ms", "h", "N", "kN", "MN", "tf", "ton", "t", "g", "mg", "%", "%RH", "ppm", "V", "mV", "kV", "A", "mA", "W", "rpm",
    "RPM", "l", "cc", "ml", "mL", "L/min", "l/min", "LPM", "lpm", "g/s", "kg/s", "cm3", "cm³", "J", "kJ", "dB", "deg"})
HEAD = """\
# A schema for {file}, drafted from its values. Check before training:
# - set controllable = true for what an operator can set; only such columns are proposed for change
# - ko and en are the column's names on the page; without them its name here is shown
# - excluded keeps a column out of the model and states the reason; delete it only where the reason is wrong
# - plausible is the observed range ± {spans} times its span; values outside are refused
"""


def draft_schema(raw: RawTable, label: str, defect: Sequence[str] | None = None, run: str | None = None) -> str:
    """Write a schema for a table as TOML.

    Parameters
    ----------
    raw : RawTable
        The table.
    label : str
        Column or group that says which shots are defective.
    defect : sequence of str or None
        Values of the label column that mean defective; None to recognise obvious ones, such as NG.
    run : str or None
        Column that tells the runs apart; None for the most reliable one that the audit finds.

    Raises
    ------
    TableError
        If the label cannot be read, all shots are of one class, or no column is left to learn from.
    """
    label_found = label_named(raw, label, tuple(defect or ()))
    _require_two_classes(raw, label_found)
    profiles = profile_columns(raw)
    audit = audit_table(raw, label_found, profiles=profiles)
    run_column, run_kind = _run(raw, audit, profiles, run)
    labels = label_columns(raw, label_found)
    reasons = _exclusion_reasons(audit, profiles, run_column, labels)
    columns = [column for column in profiles if column.name not in labels]
    if all(column.name in reasons for column in columns):
        raise TableError(f"{raw.file}: no column is left to learn from: "
                         + "; ".join(f"{column.name}: {reasons[column.name]}" for column in columns))
    return "\n".join([
        HEAD.format(file=comment(raw.file), spans=PLAUSIBLE_SPANS),
        *_table_section(raw, profiles, run_column, run_kind), "", *_label_section(raw, label_found), "", "[features]",
        *(_feature_line(column, _group(raw, column.name), reasons.get(column.name)) for column in columns), ""])


def quoted(text: str) -> str:
    """Quote a text as a TOML basic string that reads back as the text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def key(text: str) -> str:
    """Write a text as a TOML key that reads back as the text."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else quoted(text)


def comment(text: str) -> str:
    """Make a text safe for a comment: one line, without control characters."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)


def _require_two_classes(raw: RawTable, label: Label) -> None:
    defect, labelled = read_label(raw, label)
    require_labels(raw, labelled, label)
    if defect.all() or not defect.any():
        which = "every" if defect.all() else "no"
        values = f" It holds {values_of(raw, label.column)};" if label.column else ""
        raise TableError(f"{raw.file}: {which} shot is defective by {label.column or label.group}.{values} "
                         "say which values mean defective with --defect VALUE, or give a table with both")


def _run(raw: RawTable, audit: Audit, profiles: Sequence[ColumnProfile], run: str | None) -> tuple[str | None, str]:
    """The column that tells the runs apart, and its kind; without `run`, the most reliable one in the audit."""
    if run is None:
        return (audit.runs[0].column, audit.runs[0].kind) if audit.runs else (None, "counter")
    cells = raw.column(run)
    if not all(cells):
        raise TableError(f"{raw.place(cells.index(''))}: {run} is empty; a run column needs a value in every row")
    return run, "counter" if next(column for column in profiles if column.name == run).restarts else "value"


def _exclusion_reasons(audit: Audit, profiles: Sequence[ColumnProfile], run: str | None,
                       labels: Sequence[str]) -> dict[str, str]:
    """Column → why it stays out of the model, by the most serious of several reasons."""
    reasons: dict[str, str] = {leak.column: f"gives the label away: {leak.text}" for leak in audit.leaks}
    for runs in audit.runs:
        how = "its values come in unbroken blocks" if runs.kind == "value" else "it restarts with each"
        reasons.setdefault(runs.column, f"identifies the run: {len(runs.sizes)} runs, {how}")
    for column in profiles:
        reason = _own_reason(column)
        if reason and column.name not in labels:
            reasons.setdefault(column.name, reason)
    if run is not None:
        reasons.setdefault(run, "tells the runs apart, not the shots")
    return reasons


def _own_reason(column: ColumnProfile) -> str | None:
    """Why a column is of no use to a model, whatever the label; None if it may be."""
    if column.kind == "empty":
        return "empty in every row"
    if column.kind == "time":
        return f"timestamp: {column.distinct} values, it identifies the run"
    if column.row_key:
        return "row key: every row has its own"
    if column.counter:
        return "counter: it rises with time and so identifies the run"
    if column.kind == "mixed" and not _is_categorical(column):
        row = next(row for row, cell in enumerate(column.cells) if cell and np.isnan(column.numbers[row]))
        return f"mixes numbers and {column.texts} texts, the first in row {row + 1}: {column.cells[row]!r}"
    if column.kind == "text" and not _is_categorical(column):
        return f"text with {column.distinct} different values"
    return None


def _is_categorical(column: ColumnProfile) -> bool:
    """Whether a column with texts holds categories; a few texts among many numbers are mistakes instead."""
    filled = len(column.cells) - column.missing
    return column.distinct <= MAX_CATEGORIES and column.distinct < filled and 2 * column.texts >= filled


def _table_section(raw: RawTable, profiles: Sequence[ColumnProfile], run: str | None, run_kind: str) -> list[str]:
    lines = ["[table]", f"header_rows = {1 if raw.groups is None else 2}"]
    if run is not None:
        lines += [f"run = {quoted(run)}", f"run_kind = {quoted(run_kind)}"]
    timestamps = [column for column in profiles if column.kind == "time" and not column.missing]
    if timestamps:
        lines.append(f"time = {quoted(max(timestamps, key=lambda column: column.distinct).name)}")
    return lines


def _label_section(raw: RawTable, label: Label) -> list[str]:
    if label.column is not None:
        values = [f"defect = [{', '.join(map(quoted, label.defect))}]"] if label.defect else []
        return ["[label]", f"column = {quoted(label.column)}", *values]
    kinds, suffixes = _types_and_cavities(label_columns(raw, label))
    suffix_line = [f"cavity_suffixes = [{', '.join(map(quoted, suffixes))}]"] if suffixes else []
    return ["[label]", f"group = {quoted(label.group or '')}", *suffix_line, "",
            "[defect_types]", *(f"{key(kind)} = {{ ko = {quoted(kind)}, en = {quoted(kind)} }}" for kind in kinds)]


def _types_and_cavities(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the label columns into defect types and cavity suffixes (Crack_1, Crack_2).

    If not every type has a column for every cavity, each column is a type of its own and there are no suffixes.
    """
    matches = [re.fullmatch(r"(.+)(_\d+)", name) for name in names]
    pairs = [(match[1], match[2]) for match in matches if match]
    kinds, suffixes = (list(dict.fromkeys(part)) for part in zip(*pairs, strict=True)) if pairs else ([], [])
    complete = {kind + suffix for kind in kinds for suffix in suffixes} == set(names)
    return (kinds, suffixes) if complete and len(suffixes) > 1 else (list(names), [])


def _group(raw: RawTable, name: str) -> str:
    group = (raw.groups[raw.names.index(name)] if raw.groups else "") or "process"
    return group.lower() if group.lower() in LOWERCASE_GROUPS else group


def _feature_line(column: ColumnProfile, group: str, reason: str | None) -> str:
    """One column as a line of TOML, with a comment above if it is excluded or may be a code."""
    parts = [f"group = {quoted(group)}", f"unit = {quoted(unit_in_name(column.name))}"]
    if reason is None and column.kind in ("text", "mixed"):
        categories = sorted({canonical(cell) for cell in column.cells if cell})
        parts.append(f"categories = [{', '.join(map(quoted, categories))}]")
    elif reason is None:
        parts += _resolution_and_range(column)
    parts.append("controllable = false")
    if column.missing:
        parts.append("missing = true")
    if reason:
        parts.append(f"excluded = {quoted(reason)}")
    line = f"{key(column.name)} = {{ {', '.join(parts)} }}"
    note = reason or _advice(column)
    return f"# {comment(column.name)}: {comment(note)}\n{line}" if note else line


def _advice(column: ColumnProfile) -> str | None:
    """Advice for a column of few whole numbers, which may be codes (of a product, of a die), not measurements."""
    values = sorted({canonical(cell) for cell in column.cells if cell})
    if column.kind != "number" or not 2 <= len(values) <= MAX_CODES or not all(map(str.isdigit, values)):
        return None
    return f"if these are codes, not measurements, set categories = [{', '.join(map(quoted, values))}]"


def _resolution_and_range(column: ColumnProfile) -> list[str]:
    """The keys `resolution` and `plausible` of a column of numbers."""
    low, high = float(np.nanmin(column.numbers)), float(np.nanmax(column.numbers))
    span = (high - low) or abs(high) or 1.0
    floor = 0.0 if low >= 0 else -np.inf
    bounds = [round(max(low - PLAUSIBLE_SPANS * span, floor), MAX_DECIMALS),
              round(high + PLAUSIBLE_SPANS * span, MAX_DECIMALS)]
    decimals = max(map(_decimals, set(column.cells) - {""}))
    resolution = [f"resolution = {_number(10.0 ** -decimals if decimals else 1)}"] if decimals <= MAX_DECIMALS else []
    if not bounds[0] < bounds[1] < np.inf:
        return resolution
    return [*resolution, f"plausible = [{', '.join(map(_number, bounds))}]"]


def _decimals(cell: str) -> int:
    """How many decimals a cell shows: 0.170 → 2, 695.0 → 0, 5e-4 → 4."""
    digits, _, exponent = cell.lower().partition("e")
    return max(len(digits.partition(".")[2].rstrip("0")) - int(exponent or 0), 0)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def unit_in_name(name: str) -> str:
    """Read the unit at the end of a column's name, `압력(bar)` or `temp [°C]`; empty if it is not a known one."""
    match = UNIT.search(name)
    written = match[1] if match else ""
    unit = UNITS.get(written, UNITS.get(written.lower(), written))
    return unit if unit in KNOWN_UNITS else ""
