"""`shotwise ingest`: files and folders → the local index, with a copy of each PDF so that its pages can be opened."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shotwise.adapters.files import FolderStore
from shotwise.adapters.knowledge_factory import open_document_store, open_ingestion
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.documents import documents_reply
from shotwise.knowledge.ingestion.pipeline import IngestResult
from shotwise.messages import FIELD_REASONS, text_of
from shotwise.settings import Settings
from shotwise_local.stack import MANUALS, copy_aside, pdfs_in, prepare


def ingest_paths(paths: Sequence[Path], index_path: Path | None, say: Callable[[str], None]) -> list[IngestResult]:
    """Ingest all PDFs of `paths`; into `index_path` alone where one is given, else into the local stack's library."""
    if index_path is None:
        prepare(os.environ, say)
    settings = Settings.from_mapping(os.environ)
    knowledge = replace(settings.knowledge, index_path=index_path) if index_path else settings.knowledge
    ingestion = open_ingestion(knowledge)
    files = list(_files(paths or [MANUALS]))
    names = Counter(path.name for path in files)
    found = [IngestResult(name, "failed", reason=f"{name}: {count} files of this name; rename them, documents go by name")
             for name, count in names.items() if count > 1]
    found += [IngestResult(name, "failed", reason=f"{name}: its name {text_of(FIELD_REASONS, fault)}") for name in names
              if (fault := name_fault(name))]
    files = [path for path in files if names[path.name] == 1 and not name_fault(path.name)]
    for number, path in enumerate(files, 1):
        outcome = ingestion.ingest(path)
        say(f"[{number}/{len(files)}] {outcome.name}: {outcome.state}")
        found.append(outcome)
        if index_path is None and outcome.state != "failed":
            _keep(path, settings.documents)
    ingestion.document_store.close()
    return found


def listed(say: Callable[[str], None]) -> dict[str, Any]:
    """What GET /documents replies."""
    prepare(os.environ, say)
    return documents_reply(open_document_store(Settings.from_mapping(os.environ).knowledge))


def remove(name: str, say: Callable[[str], None]) -> IngestResult:
    """Remove a document and the copy of it that was kept. Raises NotFound, also for a manual that comes with us."""
    prepare(os.environ, say)
    settings = Settings.from_mapping(os.environ)
    FolderStore(settings.documents, "").remove(name)
    return open_ingestion(settings.knowledge).remove(name)


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
