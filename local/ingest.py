"""`shotwise ingest`: files and folders → the local index, with a copy of each PDF so that its pages can be opened."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from local.stack import MANUALS, copy_aside, pdfs_in, prepare
from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.ingest import Ingested, ingest
from shotwise.settings import Settings


def ingest_paths(paths: Sequence[Path], index_path: Path | None, say: Callable[[str], None]) -> list[Ingested]:
    """Ingest all PDFs of `paths`; into `index_path` alone where one is given, else into the local stack's index."""
    if index_path is None:
        prepare(os.environ, say)
    settings = Settings.from_mapping(os.environ)
    index = SqliteIndex(index_path or settings.index)
    files = list(_files(paths or [MANUALS]))
    names = Counter(path.name for path in files)
    found = [Ingested(name, "failed", reason=f"{name}: {count} files of this name; rename them, documents go by name")
             for name, count in names.items() if count > 1]
    files = [path for path in files if names[path.name] == 1]
    for number, outcome in enumerate(ingest(files, index), 1):
        say(f"[{number}/{len(files)}] {outcome.name}: {outcome.state}")
        found.append(outcome)
        if index_path is None and outcome.state != "failed":
            _keep(files[number - 1], settings.documents)
    index.close()
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from pdfs_in(path)
        elif not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))
        else:
            yield path


def _keep(path: Path, folders: Sequence[Path]) -> None:
    """Copy the PDF to the first of the folders that documents are served from, unless it lies in one of them."""
    if path.parent.resolve() not in {folder.resolve() for folder in folders}:
        copy_aside(path, folders[0] / path.name)
