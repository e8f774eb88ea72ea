"""Explanations of many shots: a JSON line a shot, written as they come, so that a run that was cut off goes on where it
stopped; and when all are there, the pictures of them together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shotwise.bundle import Bundle
from shotwise.charts import Explained, bar, beeswarm, dependence
from shotwise.edge.body import read_body
from shotwise.edge.replies import importance_reply
from shotwise.errors import FieldError, InvalidInput
from shotwise.explanation import explain
from shotwise.shot import Shot, read_shot
from training.csvfile import RawTable, TableError, as_numbers, canonical, read_csv

EXPLANATIONS = "explanations.jsonl"
INCLUDE = ("setpoints", "signals")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Summary:
    """What a run did. resumed: explanations that were there already; rejected: shots at fault, each with its errors in
    its line; files: what was written."""

    shots: int
    explained: int
    resumed: int
    rejected: int
    files: tuple[str, ...]


def explain_file(source: Path, out: Path, bundle: Bundle, language: str, progress: Progress) -> Summary:
    """Explain every shot of a CSV or JSON file into the folder `out`. A shot at fault gets a line with its errors, and
    the others go on. Raises InvalidInput where the file holds no shots, or `out` explanations of other ones."""
    shots = read_shots(source, bundle)
    out.mkdir(parents=True, exist_ok=True)
    path = out / EXPLANATIONS
    keys = [_key(features, bundle, language) for features in shots]
    resumed = _resume(path, keys)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open("a", encoding="utf-8") as file:
        for row in range(resumed, len(shots)):
            if row % max(len(shots) // 100, 1) == 0:
                progress(row, len(shots), source.name)
            line = {"row": row + 1, "key": keys[row], **_explained(shots[row], bundle, language)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            lines.append(line)
    progress(len(shots), len(shots), "drawing")
    drawn = _draw(shots, lines, out, bundle, language)
    rejected = sum("errors" in line for line in lines)
    return Summary(len(shots), len(shots) - resumed, resumed, rejected, (str(path), *drawn))


def read_shots(source: Path, bundle: Bundle) -> list[dict[str, Any]]:
    """The features of every shot in a CSV (columns by the features' names; others are left out), or in JSON: a list, or
    an object with `shots`, of objects with or without `features` around the values."""
    if source.suffix.lower() == ".csv":
        try:
            return _table_shots(read_csv(source), bundle)
        except TableError as error:
            raise InvalidInput([FieldError(source.name, str(error))]) from None
    text = source.read_bytes().decode("utf-8", "replace")
    body = read_body(f'{{"shots": {text}}}' if text.lstrip().startswith("[") else text, batch="shots")
    shots = body.get("shots")
    if not isinstance(shots, list) or not shots or not all(isinstance(shot, dict) for shot in shots):
        raise InvalidInput([FieldError("shots", "must be a list of shots, each an object with features")])
    return [shot.get("features", shot) for shot in shots]


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


def _key(features: Any, bundle: Bundle, language: str) -> str:
    """What an explanation depends on: the shot, the bundle, the language."""
    told = json.dumps([features, bundle.document["files"], language], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _resume(path: Path, keys: Sequence[str]) -> int:
    """How many explanations are there already; a line that was cut off is taken away."""
    if not path.exists():
        path.touch()
        return 0
    whole = list(_whole_lines(path.read_bytes()))
    if [json.loads(line)["key"] for line in whole] != list(keys[: len(whole)]):
        raise InvalidInput([FieldError("--out", f"{path} holds explanations of other shots, or by another model or in "
                                                "another language; give another folder")])
    with path.open("r+b") as file:
        file.truncate(sum(map(len, whole)))
    return len(whole)


def _whole_lines(content: bytes) -> Iterator[bytes]:
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield line


def _draw(shots: Sequence[Any], lines: Sequence[dict[str, Any]], out: Path, bundle: Bundle,
          language: str) -> list[str]:
    """Bar, beeswarm, and the dependence of every value that those show."""
    good = [(read_shot(features, bundle), line) for features, line in zip(shots, lines, strict=True)
            if "errors" not in line]
    if not good:
        return []
    explained = _together([shot for shot, _ in good], [line for _, line in good], bundle)
    pictures = {"bar": bar(explained, bundle, language), "beeswarm": beeswarm(explained, bundle, language)}
    for column in explained.strongest():
        name = bundle.names[column]
        pictures[f"dependence-{name}"] = dependence(explained, name, bundle, language)
    for name, png in pictures.items():
        (out / f"{name}.png").write_bytes(png)
    return [str(out / f"{name}.png") for name in pictures]


def _together(shots: Sequence[Shot], lines: Sequence[dict[str, Any]], bundle: Bundle) -> Explained:
    contributions = [[line["importance"][name] for name in bundle.names] for line in lines]
    return Explained(np.stack([shot.values for shot in shots]), np.array(contributions, np.float64))
