"""`shotwise ingest`: files and folders → the local index, with a copy of each PDF so that its pages can be opened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from local.stack import MANUALS, prepare
from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.ingest import Ingested, ingest


def ingest_paths(paths: Sequence[Path], index_path: Path | None, say: Callable[[str], None]) -> list[Ingested]:
    """Ingest all PDFs of `paths`; into `index_path` alone where one is given, else into the local stack's index."""
    if index_path is None:
        prepare(os.environ, say)
        home = Path(os.environ["SHOTWISE_HOME"])
        index = SqliteIndex(Path(os.environ.get("SHOTWISE_INDEX", home / "knowledge.sqlite")))
    else:
        index = SqliteIndex(index_path)
    files = list(_files(paths or [MANUALS]))
    found = []
    for number, outcome in enumerate(ingest(files, index), 1):
        say(f"[{number}/{len(files)}] {outcome.name}: {outcome.state}")
        found.append(outcome)
        if index_path is None and outcome.state != "failed":
            _keep(files[number - 1], home / "documents")
    index.close()
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("**/*.pdf"))
        else:
            yield path


def _keep(path: Path, folder: Path) -> None:
    if path.parent.resolve() in (folder.resolve(), MANUALS.resolve()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{path.name}.writing"
    shutil.copy(path, aside)
    aside.rename(folder / path.name)
