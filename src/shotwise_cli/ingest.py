"""`shotwise ingest`, `documents` and `remove`: change and list the documents of the local stack.

An ingested PDF is also copied to the folder that documents are served from, so that its pages can be opened and the
document stays when the store is built again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.knowledge_factory import open_document_store, open_ingestion
from shotwise.errors import NotFound, ShippedDocument
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.documents import documents_reply
from shotwise.handlers.embed_documents import sync_document
from shotwise.knowledge.ingestion.pipeline import Ingestion, IngestResult
from shotwise.messages import Message
from shotwise.settings import Settings
from shotwise_local.home_setup import MANUALS
from shotwise_local.pdf_folders import document_name, pdfs_at, readable_name
from shotwise_local.reconciliation import report_unread
from shotwise_local.stack import prepare

NOT_KEPT = ("unreadable_file", "too_large")  # failures of files that are not copied


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
    served = None if index_path else ServedFolder(settings.documents)
    ingestion = open_ingestion(knowledge)
    files, outcomes = _usable_files(paths or [MANUALS])
    try:
        for number, (name, path) in enumerate(files.items(), 1):
            outcome = ingest_file(name, path, ingestion, served)
            report(f"[{number}/{len(files)}] {outcome.name}: {outcome.state}")
            outcomes.append(outcome)
    finally:
        ingestion.document_store.close()
    return outcomes


def outcome_json(outcome: IngestResult) -> dict[str, Any]:
    """Convert the outcome of a file to plain data, as `--json` prints it."""
    return {"name": outcome.name, "state": outcome.state, "pages": outcome.pages, "passages": outcome.passages,
            "reason": outcome.reason, "notes": list(outcome.note_texts)}


def list_documents(report: Callable[[str], None]) -> dict[str, Any]:
    """List the documents of the local stack, as GET /documents does."""
    prepare(os.environ, report)
    settings = Settings.from_mapping(os.environ)
    report_unread(settings, report)
    document_store = open_document_store(settings.knowledge)
    try:
        return documents_reply(document_store)
    finally:
        document_store.close()


def remove_document(name: str, report: Callable[[str], None]) -> IngestResult:
    """Remove a document and its served copy. Raises NotFound if there is none, or only a shipped manual."""
    prepare(os.environ, report)
    settings = Settings.from_mapping(os.environ)
    file_store = FolderFileStore(settings.documents, "")
    ingestion = open_ingestion(settings.knowledge)
    try:
        try:
            file_store.remove(name)
        except ShippedDocument:
            raise
        except NotFound:  # without its file, a failure or what an interrupted removal left
            if name not in {*ingestion.document_store.versions(), *ingestion.document_store.failures()}:
                raise
        sync_document(readable_name(Path(name)), ingestion, file_store)  # which brings back a manual of the same name
    finally:
        ingestion.document_store.close()
    return IngestResult(name, "removed")


class ServedFolder:
    """The folder that documents are served from, to which an ingested file is copied.

    Parameters
    ----------
    folders : sequence of Path
        The folders of documents; files are copied to the first.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._files = FolderFileStore(folders, "")

    def keep(self, name: str, path: Path) -> None:
        """Copy a file, unless it is in one of the folders already. It is on the disk afterwards. Raises StoreError."""
        if path.parent.resolve() in {folder.resolve() for folder in self._folders}:
            return
        with self._files.writing(name) as file, path.open("rb") as source:
            shutil.copyfileobj(source, file)


def ingest_file(name: str, path: Path, ingestion: Ingestion, served: ServedFolder | None) -> IngestResult:
    """Read a file, keep a copy of it, and only then make it a document, so that no document is without its file.

    A file that cannot be read is kept only if there is no document of that name, so that its failure stays listed. It
    never takes the place of a file that was read.
    """
    keep = partial(served.keep, name, path) if served else _keep_nothing
    with tempfile.TemporaryDirectory() as folder:
        if path.name != name:
            link = Path(folder) / name
            link.symlink_to(path.absolute())
            path = link
        outcome = ingestion.ingest(path, keep=keep)
    if outcome.failure and outcome.failure.code not in NOT_KEPT and name not in ingestion.document_store.versions():
        keep()
    return outcome


def _keep_nothing() -> None:
    """Do nothing: the files of another document store are not served."""


def _usable_files(paths: Iterable[Path]) -> tuple[dict[str, Path], list[IngestResult]]:
    """Find the files by the names of their documents, and a failure for each that cannot be used.

    Raises FileNotFoundError if one of the paths does not exist.
    """
    pdf_files = [pdfs_at(path) for path in paths]
    files = [path for pdfs in pdf_files for path in pdfs.files]
    counts = Counter(map(document_name, files))
    faults = {name: Message("duplicate_name", {"count": count}) if count > 1 else name_fault(name)
              for name, count in counts.items()}
    failures = [(entry.name, entry.failure) for pdfs in pdf_files for entry in pdfs.skipped]
    failures += [(name, fault) for name, fault in faults.items() if fault]
    return ({name: path for path in files if not faults[name := document_name(path)]},
            [IngestResult(name, "failed", failure=failure) for name, failure in failures])
