"""Explanations of many shots: a JSON line a shot, written as they come, so that a run that was cut off goes on where it
stopped; and when all are there, the pictures of them together."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from shotwise.attribution.explanation import explain
from shotwise.bundle import Bundle, manifest_hash
from shotwise.charts.summary import Explained, bar, beeswarm, dependence
from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.replies import importance_reply
from shotwise.shot import Shot, read_shot
from shotwise_training.data.csv_file import RawTable, TableError, as_numbers, canonical, read_csv

EXPLANATIONS = "explanations.jsonl"
INCLUDE = ("setpoints", "signals")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Summary:
    """What a run did. resumed: explanations that were there already; rejected: shots at fault, each with its errors in
    its line; files: what was written; degraded: pictures that failed."""

    shots: int
    explained: int
    resumed: int
    rejected: int
    files: tuple[str, ...]
    degraded: tuple[str, ...]


def explain_file(source: Path, out: Path, bundle: Bundle, language: str, progress: Progress) -> Summary:
    """Explain every shot of a CSV or JSON file into the folder `out`. A shot at fault gets a line with its errors, and
    the others go on; a picture that fails loses no explanation. Raises InvalidInput where the file holds no shots,
    where `out` holds explanations of other ones, or where another run writes there; OSError where it cannot be
    written."""
    shots = read_shots(source, bundle)
    out.mkdir(parents=True, exist_ok=True)
    path = out / EXPLANATIONS
    depends = manifest_hash({**bundle.manifest, "language": language})
    with path.open("a+b") as file:
        _claim(file, path)
        keys = [_key(features, depends) for features in shots]
        lines = _resume(file, path, keys)
        resumed = len(lines)
        for row in range(resumed, len(shots)):
            if row % max(len(shots) // 100, 1) == 0:
                progress(row, len(shots), source.name)
            line = {"row": row + 1, "key": keys[row], **_explained(shots[row], bundle, language)}
            file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            file.flush()
            lines.append(line)
    progress(len(shots), len(shots), "drawing")
    drawn, failed = _draw(shots, lines, out, bundle, language)
    rejected = sum("errors" in line for line in lines)
    return Summary(len(shots), len(shots) - resumed, resumed, rejected, (str(path), *drawn), tuple(failed))


def read_shots(source: Path, bundle: Bundle) -> list[dict[str, Any]]:
    """The features of every shot in a CSV (columns by the features' names; others are left out), or in JSON: a list, or
    an object with `shots`, of objects with or without `features` around the values."""
    if source.suffix.lower() == ".csv":
        try:
            return _table_shots(read_csv(source), bundle)
        except TableError as error:
            raise InvalidInput([FieldError(source.name, str(error))]) from None
    try:
        body = json.loads(source.read_bytes().decode("utf-8-sig"))
    except ValueError as error:  # of the encoding, or of the syntax
        raise InvalidInput([FieldError(source.name, f"is neither CSV nor JSON in UTF-8: {error}")]) from None
    shots = body.get("shots") if isinstance(body, dict) else body
    if not isinstance(shots, list) or not shots or not all(isinstance(shot, dict) for shot in shots):
        raise InvalidInput([FieldError("shots", "must be a list of shots, each an object with features")])
    return [shot["features"] if set(shot) == {"features"} else shot for shot in shots]


def _table_shots(raw: RawTable, bundle: Bundle) -> list[dict[str, Any]]:
    named = {feature.name: feature for feature in bundle.features if feature.name in raw.names}
    columns = {}
    for name, feature in named.items():
        cells = raw.column(name)
        numbers, strange = as_numbers(cells)
        texts = bool(feature.categories)
        columns[name] = [None if not cell else canonical(cell) if texts else cell if odd else float(number)
                         for cell, number, odd in zip(cells, numbers, strange, strict=True)]
    return [{name: values[row] for name, values in columns.items()} for row in range(len(raw))]


def _explained(features: Any, bundle: Bundle, language: str) -> dict[str, Any]:
    try:
        shot = read_shot(features, bundle)
    except InvalidInput as error:
        return {"errors": [{"field": one.field, "reason": one.reason} for one in error.errors]}
    reply = importance_reply(explain(shot, bundle, INCLUDE), None, [], bundle, language)
    return {name: value for name, value in reply.items() if name not in ("visualization_url", "degraded")}


def _key(features: Any, depends: str) -> str:
    """Of an explanation: the shot, and what else it depends on (bundle and language)."""
    told = json.dumps([features, depends], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _claim(file: BinaryIO, path: Path) -> None:
    """One run at a time; the claim ends with the process, however that ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InvalidInput([FieldError("--out", f"another run writes {path}; wait for it, or give another folder")]) \
            from None


def _resume(file: BinaryIO, path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The explanations that are there already; a line that was cut off is taken away."""
    file.seek(0)
    whole = file.read().split(b"\n")[:-1]
    try:
        lines = [json.loads(line) for line in whole]
        known = [line["key"] for line in lines] == list(keys[: len(lines)])
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise InvalidInput([FieldError("--out", f"{path} holds something else, or explanations of other shots, by "
                                                "another model or in another language; give another folder")])
    file.truncate(sum(len(line) + 1 for line in whole))
    return lines


def _draw(shots: Sequence[Any], lines: Sequence[dict[str, Any]], out: Path, bundle: Bundle,
          language: str) -> tuple[list[str], list[str]]:
    """Bar, beeswarm, and the dependence of every value that those show: files written, and pictures that failed."""
    good = [(read_shot(features, bundle), line) for features, line in zip(shots, lines, strict=True)
            if "errors" not in line]
    if not good:
        return [], []
    explained = _together([shot for shot, _ in good], [line for _, line in good], bundle)
    pictures: dict[str, Callable[[], bytes]] = {"bar": lambda: bar(explained, bundle, language),
                                                "beeswarm": lambda: beeswarm(explained, bundle, language)}
    for place, column in enumerate(explained.strongest(), 1):
        name = bundle.names[column]
        # A feature may be called anything; its place in the order keeps two that are spelt alike apart.
        spelt = re.sub(r"[^\w-]", "_", name)[:60]
        pictures[f"dependence-{place:02}-{spelt}"] = functools.partial(dependence, explained, name, bundle, language)
    written, failed = [], []
    for picture, draw in pictures.items():
        try:
            (out / f"{picture}.png").write_bytes(draw())
            written.append(str(out / f"{picture}.png"))
        except Exception as error:  # whatever ails one picture, the explanations and the others are there
            failed.append(f"{picture}: {type(error).__name__}: {error}")
    return written, failed


def _together(shots: Sequence[Shot], lines: Sequence[dict[str, Any]], bundle: Bundle) -> Explained:
    contributions = [[line["importance"][name] for name in bundle.names] for line in lines]
    return Explained(np.stack([shot.values for shot in shots]), np.array(contributions, np.float64))
