"""`shotwise ingest`, `documents` and `remove`: change and list the documents of the local stack.

An ingested PDF is also copied to the folder that documents are served from, so that its pages can be opened.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.knowledge_factory import open_document_store, open_ingestion
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.documents import documents_reply
from shotwise.knowledge.ingestion.pipeline import IngestResult
from shotwise.messages import Message
from shotwise.settings import Settings
from shotwise_local.stack import MANUALS, copy_atomically, pdfs_in, prepare


def ingest_paths(paths: Sequence[Path], index_path: Path | None, report: Callable[[str], None]) -> list[IngestResult]:
    """Ingest PDFs.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders that are searched for PDFs; the shipped manuals if it is empty.
    index_path : Path or None
        The file of the document store to write; None for the store of the local stack.
    report : callable
        Called with a line of text for each file.

    Returns
    -------
    list of IngestResult
        One for each file name. Files that share a name, or whose name no document may have, fail.

    Raises
    ------
    FileNotFoundError
        If one of the paths does not exist.
    """
    if index_path is None:
        prepare(os.environ, report)
    settings = Settings.from_mapping(os.environ)
    knowledge = replace(settings.knowledge, index_path=index_path) if index_path else settings.knowledge
    ingestion = open_ingestion(knowledge)
    files, outcomes = _usable_files(list(_find_files(paths or [MANUALS])))
    for number, path in enumerate(files, 1):
        outcome = ingestion.ingest(path)
        report(f"[{number}/{len(files)}] {outcome.name}: {outcome.state}")
        outcomes.append(outcome)
        if index_path is None and outcome.state != "failed":
            _copy_to_served_folder(path, settings.documents)
    ingestion.document_store.close()
    return outcomes


def outcome_json(outcome: IngestResult) -> dict[str, Any]:
    """Convert the outcome of a file to plain data, as `--json` prints it."""
    return {"name": outcome.name, "state": outcome.state, "pages": outcome.pages, "passages": outcome.passages,
            "reason": outcome.reason, "notes": list(outcome.note_texts)}


def list_documents(report: Callable[[str], None]) -> dict[str, Any]:
    """List the documents of the local stack, as GET /documents does."""
    prepare(os.environ, report)
    return documents_reply(open_document_store(Settings.from_mapping(os.environ).knowledge))


def remove_document(name: str, report: Callable[[str], None]) -> IngestResult:
    """Remove a document and its served copy. Raises NotFound if there is none, or only a shipped manual."""
    prepare(os.environ, report)
    settings = Settings.from_mapping(os.environ)
    FolderFileStore(settings.documents, "").remove(name)
    return open_ingestion(settings.knowledge).remove(name)


def _find_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from pdfs_in(path)
        elif not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))
        else:
            yield path


def _usable_files(files: Sequence[Path]) -> tuple[list[Path], list[IngestResult]]:
    """The files whose names can be used, and a failure for each name that cannot."""
    counts = Counter(path.name for path in files)
    faults = {name: fault for name in counts if (fault := name_fault(name))}
    failures = [IngestResult(name, "failed", failure=Message("duplicate_name", {"count": count}))
                for name, count in counts.items() if count > 1]
    failures += [IngestResult(name, "failed", failure=fault) for name, fault in faults.items()]
    return [path for path in files if counts[path.name] == 1 and path.name not in faults], failures


def _copy_to_served_folder(path: Path, folders: Sequence[Path]) -> None:
    """Copy a PDF to the first of the folders that documents are served from, unless it is in one of them already."""
    if path.parent.resolve() not in {folder.resolve() for folder in folders}:
        copy_atomically(path, folders[0] / path.name)
