"""Write an audit as text: one line for each finding, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shotwise_training.audit.findings import Audit, Duplicates, Runs

MAX_LISTED = 12  # entries of a list before the rest is only counted


def audit_text(audit: Audit) -> str:
    """Write the findings, the most serious first."""
    return "\n".join([_headline(audit), *(f"- {line}" for line in _findings(audit))])


def _headline(audit: Audit) -> str:
    size = f"{audit.file}: {audit.rows} rows, {audit.columns} columns"
    if audit.label is None:
        return f"{size}. No label was given, so columns that give it away were not searched for."
    if audit.defective is None:
        return f"{size}. The label {audit.label} could not be read."
    share = audit.defective / max(audit.rows - (audit.unlabelled or 0), 1)
    return f"{size}. {audit.defective} shots are defective by {audit.label} ({share:.1%})."


def _findings(audit: Audit) -> Iterator[str]:
    for problem in audit.problems:
        yield f"PROBLEM: {problem}"
    for leak in audit.leaks:
        advice = " (the schema excludes it)" if leak.column in audit.excluded else "; exclude it"
        yield f"gives the label away: {leak.column}: {leak.text}{advice}"
    if audit.unlabelled:
        yield f"without a label: {audit.unlabelled} rows; fill it in or remove them"
    yield from _duplicates(audit.duplicates)
    for runs in audit.runs:
        yield _runs(runs)
    for column in audit.timestamps:
        yield (f"timestamp, which identifies the run: {column.column}, {column.first} to {column.last}, "
               f"{column.distinct} values")
    named = audit.row_keys + tuple(runs.column for runs in audit.runs)
    yield from _list("counters, which identify the run", [name for name in audit.counters if name not in named])
    yield from _list("row keys, which say nothing about a shot", audit.row_keys)
    for mixed in audit.mixed:
        yield (f"numbers and texts mixed: {mixed.column}: {mixed.numbers} numbers, {mixed.texts} texts, the first in "
               f"row {mixed.row}: {mixed.first!r}; correct them, list categories, or exclude the column")
    yield from _list("empty cells", [f"{name} {count}" for name, count in audit.missing.items()])
    yield from _list("constant", audit.constants)


def _duplicates(duplicates: Duplicates) -> Iterator[str]:
    if duplicates.rows:
        yield (f"duplicates: {duplicates.rows} rows repeat an earlier row in everything but row keys, "
               f"{duplicates.following} of them the row just before; {duplicates.unique} are unique. A random 80/20 "
               f"split would put a duplicate of {duplicates.shared:.0%} of the test rows into training: keep each once")


def _runs(runs: Runs) -> str:
    how = "restarts" if runs.kind == "counter" else "its values come in unbroken blocks"
    rates = [f" ({rate:.0%} defective)" for rate in runs.defect_rates] or [""] * len(runs.sizes)
    sizes = [f"{size} rows{rate}" for size, rate in zip(runs.sizes, rates, strict=True)]
    return f"{len(runs.sizes)} runs by {runs.column} ({how}): {_shortened(sizes)}"


def _list(title: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        yield f"{title}: {_shortened(entries)}"


def _shortened(entries: Sequence[str]) -> str:
    rest = len(entries) - MAX_LISTED
    return ", ".join(entries[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")
