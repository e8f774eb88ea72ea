"""`shotwise ingest`: files and folders → the local index, with a copy of each PDF so that its pages can be opened."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
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
    names = Counter(path.name for path in files)
    found = [Ingested(name, "failed", reason=f"{name}: {count} files of this name; rename them, documents go by name")
             for name, count in names.items() if count > 1]
    files = [path for path in files if names[path.name] == 1]
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
            yield from sorted(file for file in path.rglob("*") if file.suffix.lower() == ".pdf")
        elif not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))
        else:
            yield path


def _keep(path: Path, folder: Path) -> None:
    if path.parent.resolve() in (folder.resolve(), MANUALS.resolve()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{path.name}.writing"
    shutil.copy(path, aside)
    aside.rename(folder / path.name)
