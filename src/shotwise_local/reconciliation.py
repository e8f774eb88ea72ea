"""Bring the document store in line with the folders of PDFs, in the background while the stack serves.

The folders decide which documents exist. At start, and again after somebody deleted the document store, every file that
the store lacks is sent to the documents bucket as an event, as is every document whose file is gone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from shotwise.adapters.knowledge_factory import open_ingestion
from shotwise.errors import ShotwiseError
from shotwise.handlers.document_names import name_fault
from shotwise.home import make_private_folder
from shotwise.knowledge.ingestion.pipeline import Ingestion
from shotwise.limits import HOME_CHECK_SECONDS, MAX_RETRY_SECONDS
from shotwise.messages import failure_text
from shotwise.settings import Settings
from shotwise_local.home_setup import Report, add_shipped_documents, is_own_store
from shotwise_local.pdf_folders import served_pdfs
from shotwise_local.s3_events import CREATED, REMOVED

logger = logging.getLogger(__name__)


class Reconciliation:
    """A thread that sends the events of what differs, at start and whenever the document store or the folder is new.

    Parameters
    ----------
    settings : Settings
        Where folders and document store are.
    notify : callable
        Sends an event, as `DocumentsBucket.notify` does.
    report : callable
        Called with a line of text about what is read and what cannot be.
    """

    def __init__(self, settings: Settings, notify: Callable[[str, str], None], report: Report) -> None:
        self._settings = settings
        self._notify = notify
        self._report = report
        self._stop = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="reconciliation").start()

    def close(self) -> None:
        """Stop soon."""
        self._stop.set()

    def _run(self) -> None:
        state: tuple[object, ...] | None = None
        pause = 0.0
        while not self._stop.wait(pause):
            pause = HOME_CHECK_SECONDS
            if state != self._state():
                try:
                    self._reconcile(again=state is not None)
                except (ShotwiseError, OSError):
                    logger.exception("the documents cannot be compared with their folders")
                    pause = MAX_RETRY_SECONDS
                else:
                    state = self._state()

    def _state(self) -> tuple[object, ...]:
        """What changes when the document store or the folder of uploads is deleted or made again."""
        return tuple(map(_inode, (self._settings.knowledge.index_path, self._settings.documents[0])))

    def _reconcile(self, *, again: bool) -> None:
        make_private_folder(self._settings.documents[0])  # otherwise the first upload would be taken for a new home
        add_shipped_documents(self._settings)
        ingestion = open_ingestion(self._settings.knowledge)
        try:
            events = changes(self._settings, ingestion, self._report)
        finally:
            ingestion.document_store.close()
        if events:
            self._report(f"shotwise: {len(events)} changed documents are read in the background"
                         f"{', because their folder or the document store is new' if again else ''}")
        for name, event_name in events.items():
            self._notify(name, event_name)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def changes(settings: Settings, ingestion: Ingestion, report: Report) -> dict[str, str]:
    """Compare the folders with the document store.

    Files that cannot be documents are stored as failures and reported.

    Returns
    -------
    dict of str to str
        Name → event, for each file to ingest and each document to remove.
    """
    files, skipped = served_pdfs(settings.documents)
    for entry in skipped:
        report(f"shotwise: {failure_text(entry.name, entry.failure)}")
        ingestion.refuse(entry.name, entry.failure)
    events = dict.fromkeys(unread(files, ingestion), CREATED)
    # A folder that cannot be read may hold any document.
    if is_own_store(settings) and not any(entry.is_unreadable_folder for entry in skipped):
        names = {*ingestion.document_store.versions(), *ingestion.document_store.failures()}
        events |= dict.fromkeys(sorted(names - set(files) - {entry.name for entry in skipped}), REMOVED)
    return events


def unread(files: Mapping[str, Path], ingestion: Ingestion) -> list[str]:
    """Return the names of the files that the document store lacks or has another version of."""
    return [name for name, path in files.items() if not ingestion.is_current(name, path)]


def report_unread(settings: Settings, report: Report) -> None:
    """Report how many files are no documents yet, so that a command that only reads does not know them."""
    files, _ = served_pdfs(settings.documents)
    ingestion = open_ingestion(settings.knowledge)
    try:
        names = [name for name in unread(files, ingestion) if not name_fault(name)]
    finally:
        ingestion.document_store.close()
    if names:
        report(f"shotwise: {len(names)} files are not read yet, such as {names[0]}; `shotwise serve` reads them, and "
               "`shotwise ingest FOLDER` those of a folder")
