"""`shotwise explain`: explanations of many shots, and the charts of all of them together.

Each explanation is written at once, as one JSON line, so that an interrupted run resumes where it stopped. The charts
are drawn at the end. A file that is in the way, and is not the one that an earlier run of the same shots wrote, is
neither changed nor removed.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from shotwise.atomic import SHARED, replace_file
from shotwise.attribution.explanation import explain
from shotwise.bundle import Bundle
from shotwise.charts.summary import Attributions, bar, beeswarm, dependence
from shotwise.errors import InvalidInput
from shotwise.handlers.replies import importance_reply
from shotwise.manifest import manifest_hash
from shotwise.shot import Shot, read_shot
from shotwise_cli.console import ReportProgress
from shotwise_cli.errors import FileError
from shotwise_training.data.csv_file import RawTable, TableError, as_numbers, canonical, read_csv

EXPLANATIONS = "explanations.jsonl"
INCLUDE = ("setpoints", "signals")


@dataclass(frozen=True)
class ExplainSummary:
    """The outcome of a run.

    Attributes
    ----------
    shots : int
        Shots in the file.
    explained : int
        Shots that this run explained.
    resumed : int
        Shots that an earlier run had explained already.
    rejected : int
        Shots with bad input; their lines hold the errors.
    files : tuple of str
        Paths of the explanations and of the charts.
    degraded : tuple of str
        Charts that could not be drawn, each with its error.
    """

    shots: int
    explained: int
    resumed: int
    rejected: int
    files: tuple[str, ...]
    degraded: tuple[str, ...]


def explain_file(source: Path, out: Path, bundle: Bundle, language: str, progress: ReportProgress) -> ExplainSummary:
    """Explain every shot of a CSV or JSON file into the folder `out`.

    A shot with bad input gets a line with its errors, and a chart that fails is named in the summary; neither stops
    the run.

    Raises
    ------
    FileError
        If the file contains no shots, if `out` contains explanations of other shots or something else under their
        name, or if another run is writing there.
    OSError
        If `out` cannot be written.
    """
    shots = read_shots(source, bundle)
    out.mkdir(parents=True, exist_ok=True)
    path = out / EXPLANATIONS
    context = manifest_hash({**bundle.manifest, "language": language})
    with _open(path) as file:
        _lock(file, path)
        keys = [_explanation_key(features, context) for features in shots]
        lines = _resume(file, path, keys)
        resumed = len(lines)
        for row in range(resumed, len(shots)):
            if row % max(len(shots) // 100, 1) == 0:
                progress(row, len(shots), source.name)
            line = {"row": row + 1, "key": keys[row], **_explanation(shots[row], bundle, language)}
            _write_line(file, path, json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            lines.append(line)
    progress(len(shots), len(shots), "drawing")
    charts, failures = _draw_charts(shots, lines, out, bundle, language)
    rejected = sum("errors" in line for line in lines)
    return ExplainSummary(len(shots), len(shots) - resumed, resumed, rejected, (str(path), *charts), tuple(failures))


def read_shots(source: Path, bundle: Bundle) -> list[dict[str, Any]]:
    """Read the features of every shot in a file.

    Parameters
    ----------
    source : Path
        A CSV with a column per feature, found by its name (other columns are ignored); or JSON: a list of shots, or an
        object with this list under `shots`. A shot is an object of features, or has this object under `features`.

    Raises
    ------
    FileError
        If the file cannot be read as either, or contains no shots.
    """
    if source.suffix.lower() == ".csv":
        try:
            return _table_shots(read_csv(source), bundle)
        except TableError as error:
            raise FileError(source.name, str(error)) from None
    try:
        body = json.loads(source.read_bytes().decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise FileError(source.name, f"is neither CSV nor JSON in UTF-8: {error}") from None
    shots = body.get("shots") if isinstance(body, dict) else body
    if not isinstance(shots, list) or not shots or not all(isinstance(shot, dict) for shot in shots):
        raise FileError(source.name, "must hold a list of shots, each an object with features")
    return [shot["features"] if set(shot) == {"features"} else shot for shot in shots]


def _table_shots(table: RawTable, bundle: Bundle) -> list[dict[str, Any]]:
    """The shots of a table. An empty cell is null; one that is no number stays a text, which `read_shot` reports."""
    columns = {}
    for feature in bundle.features:
        if feature.name not in table.names:
            continue
        cells = table.column(feature.name)
        numbers, not_numbers = as_numbers(cells)
        categorical = bool(feature.categories)
        columns[feature.name] = [
            None if not cell else canonical(cell) if categorical else cell if not_number else float(number)
            for cell, number, not_number in zip(cells, numbers, not_numbers, strict=True)]
    return [{name: column[row] for name, column in columns.items()} for row in range(len(table))]


def _explanation(features: Any, bundle: Bundle, language: str) -> dict[str, Any]:
    """The explanation of a shot, or the errors in its values."""
    try:
        shot = read_shot(features, bundle)
    except InvalidInput as invalid:
        return {"errors": [{"field": error.field, "reason": error.reason} for error in invalid.errors]}
    reply = importance_reply(explain(shot, bundle, INCLUDE), None, [], bundle, language)
    return {name: part for name, part in reply.items() if name not in ("visualization_url", "degraded")}


def _explanation_key(features: Any, context: str) -> str:
    """Identify an explanation by all that it depends on: the shot, and the context of bundle and language."""
    text = json.dumps([features, context], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _open(path: Path) -> BinaryIO:
    """Open the file of the explanations to read and append, without waiting for the other end of a FIFO."""
    if path.exists() and not path.is_file():
        raise FileError("--out", f"{path} is no file; give another folder")
    return path.open("a+b")


def _write_line(file: BinaryIO, path: Path, line: bytes) -> None:
    try:
        file.write(line + b"\n")
        file.flush()
    except OSError as error:  # a full disk names no file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _lock(file: BinaryIO, path: Path) -> None:
    """Lock the file for this run. The lock ends with the process, however that ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileError("--out", f"another run is writing {path}; wait for it, or give another folder") from None


def _resume(file: BinaryIO, path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Read the explanations of earlier runs, and remove a last line that was cut off."""
    file.seek(0)
    *complete, rest = file.read().split(b"\n")
    try:
        lines = [json.loads(line) for line in complete]
        matches = [line["key"] for line in lines] == list(keys[: len(lines)]) and _is_cut_off(rest, len(lines), keys)
    except (ValueError, KeyError, TypeError, RecursionError):
        matches = False
    if not matches:
        raise FileError("--out", f"{path} holds something else, or explanations of other shots, by another model or in "
                                 "another language; give another folder")
    file.truncate(sum(len(line) + 1 for line in complete))
    return lines


def _is_cut_off(rest: bytes, row: int, keys: Sequence[str]) -> bool:
    """Whether what follows the last line end is nothing, or the beginning of the next explanation."""
    if row == len(keys):
        return not rest
    beginning = json.dumps({"row": row + 1, "key": keys[row]})[:-1].encode()
    return rest[: len(beginning)] == beginning[: len(rest)]


def _draw_charts(shots: Sequence[Any], lines: Sequence[dict[str, Any]], out: Path, bundle: Bundle,
                 language: str) -> tuple[list[str], list[str]]:
    """Draw the bar and beeswarm charts, and the dependence of every feature that they show.

    Returns the files written, and the charts that failed with their errors.
    """
    valid = [(read_shot(features, bundle), line) for features, line in zip(shots, lines, strict=True)
             if "errors" not in line]
    if not valid:
        return [], []
    attributions = _attributions([shot for shot, _ in valid], [line for _, line in valid], bundle)
    charts: dict[str, Callable[[], bytes]] = {
        "bar": functools.partial(bar, attributions, bundle, language),
        "beeswarm": functools.partial(beeswarm, attributions, bundle, language)}
    for rank, column in enumerate(attributions.strongest_columns(), 1):
        name = bundle.names[column]
        # The rank keeps apart features whose names become the same file name.
        file_name = re.sub(r"[^\w-]", "_", name)[:60]
        charts[f"dependence-{rank:02}-{file_name}"] = functools.partial(dependence, attributions, name, bundle,
                                                                        language)
    written, failures = [], []
    for chart, draw in charts.items():
        try:
            _write_chart(out / f"{chart}.png", draw())
            written.append(str(out / f"{chart}.png"))
        except Exception as error:  # a chart that fails must not cost the explanations and the other charts
            failures.append(f"{chart}: {type(error).__name__}: {error}")
    return written, failures


def _write_chart(path: Path, content: bytes) -> None:
    """Write a chart. The same shots give the same chart, so another file of this name is somebody else's and stays."""
    if os.path.lexists(path):
        if path.is_file() and path.read_bytes() == content:
            return
        raise FileExistsError(f"{path} is there already, with other content; move it and run again")
    replace_file(path, lambda file: file.write(content), mode=SHARED, durable=False)


def _attributions(shots: Sequence[Shot], lines: Sequence[dict[str, Any]], bundle: Bundle) -> Attributions:
    """Values and contributions of all shots as arrays."""
    contributions = [[line["importance"][name] for name in bundle.names] for line in lines]
    return Attributions(np.stack([shot.values for shot in shots]), np.array(contributions, np.float64))
