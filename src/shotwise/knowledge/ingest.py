"""Documents → index: parse, cut, replace. One bad document is named and the rest go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shotwise.errors import DocumentError
from shotwise.knowledge.chunk import passages
from shotwise.knowledge.parse import parse
from shotwise.knowledge.passage import WritableIndex


@dataclass(frozen=True)
class Ingested:
    """What became of one file. state: added, unchanged or failed; reason: why it failed, naming the file."""

    name: str
    state: str
    pages: int = 0
    passages: int = 0
    reason: str = ""


def ingest(paths: Iterable[Path], index: WritableIndex) -> Iterator[Ingested]:
    """Put PDFs into the index, one transaction each. A document with the same content is left as it is."""
    for path in paths:
        try:
            yield _ingest_one(path, index)
        except DocumentError as error:
            yield Ingested(path.name, "failed", reason=str(error))


def _ingest_one(path: Path, index: WritableIndex) -> Ingested:
    if path.is_file() and index.digest(path.name) == hashlib.sha256(path.read_bytes()).hexdigest():
        return Ingested(path.name, "unchanged")
    document = parse(path)
    found = passages(document)
    index.replace(document, found)
    return Ingested(path.name, "added", len(document.pages), len(found))
