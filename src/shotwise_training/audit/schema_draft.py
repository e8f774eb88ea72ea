"""A first schema for a table: what its columns look like, and what the audit says must stay out of the model.

    facts, audit → label → [table], [label], [defect_types] → one line per column, the doubtful ones excluded with why

The draft is TOML that `read_table` takes as it is on the same file. What no file can tell (which values an operator
can set, what a column is called on a screen) is for a person to fill in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from shotwise_training.audit.audit import Audit, audit
from shotwise_training.data.column_profile import MAX_CATEGORIES, ColumnProfile, all_facts
from shotwise_training.data.csv_file import RawTable, TableError, canonical
from shotwise_training.data.label import label_columns, label_named, read_label, require_labels, values_of
from shotwise_training.data.schema import Label

FEW_CODES = 6
SPANS = 3  # plausible: the range seen ± this many times its span
FINEST = 6  # decimals; more are noise of a computation, not a gauge's resolution
LOWERED = frozenset({"process", "sensor"})  # the groups that the page has words for
UNIT = re.compile(r"[(\[{（［]\s*([^()\[\]{}（）［］]+?)\s*[)\]}）］]\s*$")
UNITS = {"℃": "°C", "°c": "°C", "도": "°", "℉": "°F", "초": "s", "sec": "s", "분": "min", "ℓ": "L", "㎜": "mm",
         "㎝": "cm", "㎏": "kg", "㎫": "MPa", "㎪": "kPa", "㎐": "Hz", "㎾": "kW", "㎧": "m/s", "kgf/cm2": "kgf/cm²"}
KNOWN_UNITS = frozenset({
    *UNITS.values(), "C", "K", "Pa", "hPa", "bar", "mbar", "psi", "µm", "um", "m", "inch", "mm/s", "cm/s", "m/min",
    "ms", "h", "N", "kN", "MN", "tf", "ton", "t", "g", "mg", "%", "%RH", "ppm", "V", "mV", "kV", "A", "mA", "W", "rpm",
    "RPM", "l", "cc", "ml", "mL", "L/min", "l/min", "LPM", "lpm", "g/s", "kg/s", "cm3", "cm³", "J", "kJ", "dB", "deg"})
HEAD = """\
# A schema for {file}, drafted from its values. Check before training:
# - set controllable = true for what an operator can set; nothing else is ever advised to change
# - ko and en are what a screen calls the column; its own name stands where they are absent
# - a column with `excluded` stays out of the model, and says why; delete `excluded` only where the reason is wrong
# - plausible is the range seen ± {spans} times its span; a value outside is refused
"""


def draft(raw: RawTable, label: str, defect: Sequence[str] | None = None, run: str | None = None) -> str:
    """The schema of `raw` as TOML. `label` names a column or a group, `defect` the values of the column that mean
    defective, `run` the column that tells runs apart. Raises TableError where the label cannot be read."""
    meant = label_named(raw, label, tuple(defect or ()))
    _require_two_classes(raw, meant)
    facts = all_facts(raw)
    found = audit(raw, meant, facts=facts)
    name, kind = _run(raw, found, facts, run)
    labels = label_columns(raw, meant)
    reasons = _reasons(found, facts, name, labels)
    columns = [column for column in facts if column.name not in labels]
    if all(column.name in reasons for column in columns):
        raise TableError(f"{raw.file}: no column is left to learn from: "
                         + "; ".join(f"{column.name}: {reasons[column.name]}" for column in columns))
    return "\n".join([
        HEAD.format(file=comment(raw.file), spans=SPANS), *_table(raw, facts, name, kind), "", *_label(raw, meant), "",
        "[features]", *(_feature(column, _group(raw, column.name), reasons.get(column.name)) for column in columns),
        ""])


def quoted(text: str) -> str:
    """A TOML basic string that reads back as `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def key(text: str) -> str:
    """A TOML key that reads back as `text`."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else quoted(text)


def comment(text: str) -> str:
    """Text that is safe behind a #: on one line, without control characters."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)


def _require_two_classes(raw: RawTable, label: Label) -> None:
    defect, labelled = read_label(raw, label)
    require_labels(raw, labelled, label)
    if defect.all() or not defect.any():
        word = "every" if defect.all() else "no"
        held = f" It holds {values_of(raw, label.column)};" if label.column else ""
        raise TableError(f"{raw.file}: {word} shot is defective by {label.column or label.group}.{held} "
                         "say which values mean defective with --defect VALUE, or give a table with both")


def _run(raw: RawTable, found: Audit, facts: Sequence[ColumnProfile], run: str | None) -> tuple[str | None, str]:
    """The column that tells runs apart, and how: the one given, else what the audit trusts most."""
    if run is None:
        return (found.runs[0].column, found.runs[0].kind) if found.runs else (None, "counter")
    cells = raw.column(run)
    if not all(cells):
        raise TableError(f"{raw.place(cells.index(''))}: {run} is empty; a run column needs a value in every row")
    return run, "counter" if next(fact for fact in facts if fact.name == run).restarts else "value"


def _reasons(found: Audit, facts: Sequence[ColumnProfile], run: str | None, labels: Sequence[str]) -> dict[str, str]:
    """column → why it stays out of the model; the first reason is the gravest."""
    reasons: dict[str, str] = {leak.column: f"gives the label away: {leak.text}" for leak in found.leaks}
    for runs in found.runs:
        how = "its values come in unbroken blocks" if runs.kind == "value" else "it restarts with each"
        reasons.setdefault(runs.column, f"identifies the run: {len(runs.sizes)} runs, {how}")
    for column in facts:
        reason = _own_reason(column)
        if reason and column.name not in labels:
            reasons.setdefault(column.name, reason)
    if run is not None:
        reasons.setdefault(run, "tells the runs apart, not the shots")
    return reasons


def _own_reason(column: ColumnProfile) -> str | None:
    """Why a column is of no use to a model, whatever the label."""
    if column.kind == "empty":
        return "empty in every row"
    if column.kind == "time":
        return f"time stamp: {column.distinct} values, it identifies the run"
    if column.row_key:
        return "row key: every row has its own"
    if column.counter:
        return "counter: it rises with time and so identifies the run"
    if column.kind == "mixed" and not _chosen(column):
        row = next(row for row, cell in enumerate(column.cells) if cell and np.isnan(column.numbers[row]))
        return f"mixes numbers and {column.texts} texts, the first in row {row + 1}: {column.cells[row]!r}"
    if column.kind == "text" and not _chosen(column):
        return f"text with {column.distinct} different values"
    return None


def _chosen(column: ColumnProfile) -> bool:
    """Whether a column with texts is a choice out of a few; a few texts among many numbers are mistakes."""
    filled = len(column.cells) - column.missing
    return column.distinct <= MAX_CATEGORIES and column.distinct < filled and 2 * column.texts >= filled


def _table(raw: RawTable, facts: Sequence[ColumnProfile], run: str | None, kind: str) -> list[str]:
    lines = ["[table]", f"header_rows = {1 if raw.groups is None else 2}"]
    if run is not None:
        lines += [f"run = {quoted(run)}", f"run_kind = {quoted(kind)}"]
    stamps = [column for column in facts if column.kind == "time" and not column.missing]
    if stamps:
        lines.append(f"time = {quoted(max(stamps, key=lambda column: column.distinct).name)}")
    return lines


def _label(raw: RawTable, label: Label) -> list[str]:
    if label.column is not None:
        values = [f"defect = [{', '.join(map(quoted, label.defect))}]"] if label.defect else []
        return ["[label]", f"column = {quoted(label.column)}", *values]
    kinds, suffixes = _cavities(label_columns(raw, label))
    listed = [f"cavity_suffixes = [{', '.join(map(quoted, suffixes))}]"] if suffixes else []
    return ["[label]", f"group = {quoted(label.group or '')}", *listed, "",
            "[defect_types]", *(f"{key(kind)} = {{ ko = {quoted(kind)}, en = {quoted(kind)} }}" for kind in kinds)]


def _cavities(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """(kinds, suffixes) where every kind of defect has one column per cavity (Crack_1, Crack_2); else each column is a
    kind of its own."""
    cut = [re.fullmatch(r"(.+)(_\d+)", name) for name in names]
    pairs = [(match[1], match[2]) for match in cut if match]
    kinds, suffixes = (list(dict.fromkeys(part)) for part in zip(*pairs, strict=True)) if pairs else ([], [])
    whole = {kind + suffix for kind in kinds for suffix in suffixes} == set(names)
    return (kinds, suffixes) if whole and len(suffixes) > 1 else (list(names), [])


def _group(raw: RawTable, name: str) -> str:
    group = (raw.groups[raw.names.index(name)] if raw.groups else "") or "process"
    return group.lower() if group.lower() in LOWERED else group


def _feature(column: ColumnProfile, group: str, reason: str | None) -> str:
    """One column as a line of TOML, with a comment above where it is excluded."""
    parts = [f"group = {quoted(group)}", f"unit = {quoted(unit(column.name))}"]
    if reason is None and column.kind in ("text", "mixed"):
        categories = sorted({canonical(cell) for cell in column.cells if cell})
        parts.append(f"categories = [{', '.join(map(quoted, categories))}]")
    elif reason is None:
        parts += _measured(column)
    parts.append("controllable = false")
    if column.missing:
        parts.append("missing = true")
    if reason:
        parts.append(f"excluded = {quoted(reason)}")
    line = f"{key(column.name)} = {{ {', '.join(parts)} }}"
    note = reason or _doubt(column)
    return f"# {comment(column.name)}: {comment(note)}\n{line}" if note else line


def _doubt(column: ColumnProfile) -> str | None:
    """Few whole numbers may be the codes of a product or a die rather than a measure."""
    values = sorted({canonical(cell) for cell in column.cells if cell})
    if column.kind != "number" or not 2 <= len(values) <= FEW_CODES or not all(map(str.isdigit, values)):
        return None
    return f"if these are codes and no measure, say categories = [{', '.join(map(quoted, values))}]"


def _measured(column: ColumnProfile) -> list[str]:
    """Resolution and plausible range of a column of numbers."""
    low, high = float(np.nanmin(column.numbers)), float(np.nanmax(column.numbers))
    span = (high - low) or abs(high) or 1.0
    floor = 0.0 if low >= 0 else -np.inf
    bounds = [round(max(low - SPANS * span, floor), FINEST), round(high + SPANS * span, FINEST)]
    decimals = max(map(_decimals, set(column.cells) - {""}))
    step = [f"resolution = {_number(10.0 ** -decimals if decimals else 1)}"] if decimals <= FINEST else []
    return [*step, f"plausible = [{', '.join(map(_number, bounds))}]"] if bounds[0] < bounds[1] < np.inf else step


def _decimals(cell: str) -> int:
    """How many decimals a cell shows: 0.170 → 2, 695.0 → 0, 5e-4 → 4."""
    digits, _, exponent = cell.lower().partition("e")
    return max(len(digits.partition(".")[2].rstrip("0")) - int(exponent or 0), 0)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def unit(name: str) -> str:
    """The unit at the end of a column's name, `압력(bar)` or `temp [°C]`; empty where it is none that is known."""
    match = UNIT.search(name)
    written = match[1] if match else ""
    found = UNITS.get(written, UNITS.get(written.lower(), written))
    return found if found in KNOWN_UNITS else ""
