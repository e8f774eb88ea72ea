"""An audit as text for people: one finding a paragraph, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from shotwise_training.audit.audit import Audit, Runs

SHOWN = 12  # entries of a list that are spelled out


def audit_text(found: Audit) -> str:
    """The findings in the order in which they matter."""
    return "\n".join([_head(found), *(f"- {line}" for line in _lines(found))])


def _head(found: Audit) -> str:
    size = f"{found.file}: {found.rows} rows, {found.columns} columns"
    if found.label is None:
        return f"{size}. No label was given, so nothing is said about columns that give it away."
    if found.defective is None:
        return f"{size}. The label {found.label} could not be read."
    share = found.defective / max(found.rows - (found.unlabelled or 0), 1)
    return f"{size}. {found.defective} shots are defective by {found.label} ({share:.1%})."


def _lines(found: Audit) -> Iterator[str]:
    for problem in found.problems:
        yield f"PROBLEM: {problem}"
    for leak in found.leaks:
        kept_out = " (the schema excludes it)" if leak.column in found.excluded else "; exclude it"
        yield f"gives the label away: {leak.column}: {leak.text}{kept_out}"
    if found.unlabelled:
        yield f"without a label: {found.unlabelled} rows; fill it in or remove them"
    yield from _twins(found)
    for runs in found.runs:
        yield _runs(runs)
    for stamp in found.time_stamps:
        yield (f"time stamp, which identifies the run: {stamp.column}, {stamp.first} to {stamp.last}, "
               f"{stamp.distinct} values")
    plain = [name for name in found.counters if name not in found.row_keys + tuple(run.column for run in found.runs)]
    yield from _list("counters, which identify the run", plain)
    yield from _list("row keys, which tell nothing of a shot", found.row_keys)
    for mixed in found.mixed:
        yield (f"numbers and texts mixed: {mixed.column}: {mixed.numbers} numbers, {mixed.texts} texts, the first in "
               f"row {mixed.row}: {mixed.first!r}; correct them, list categories, or exclude the column")
    yield from _list("empty cells", [f"{name} {count}" for name, count in found.missing.items()])
    yield from _list("constant", found.constants)


def _twins(found: Audit) -> Iterator[str]:
    twins = found.twins
    if twins.rows:
        yield (f"twins: {twins.rows} rows repeat an earlier row in everything but row keys, {twins.following} of them "
               f"the row just before; {twins.unique} are unique. A random 80/20 split would put the twin of "
               f"{twins.shared:.0%} of the test rows into training: keep each once")


def _runs(runs: Runs) -> str:
    how = "restarts" if runs.kind == "counter" else "its values come in unbroken blocks"
    rates = [f" ({rate:.0%} defective)" for rate in runs.defect_rates] or [""] * len(runs.sizes)
    shown = [f"{size} rows{rate}" for size, rate in zip(runs.sizes, rates, strict=True)]
    return f"{len(runs.sizes)} runs by {runs.column} ({how}): {_some(shown)}"


def _list(title: str, entries: tuple[str, ...] | list[str]) -> Iterator[str]:
    if entries:
        yield f"{title}: {_some(list(entries))}"


def _some(entries: list[str]) -> str:
    rest = len(entries) - SHOWN
    return ", ".join(entries[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
