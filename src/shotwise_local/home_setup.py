"""Make the home folder of this machine usable before anything is opened in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.adapters.sqlite.shipped_documents import add_missing_documents
from shotwise.errors import KnowledgeError, SettingError
from shotwise.settings import Settings
from shotwise_local import ROOT
from shotwise_local.upkeep import put_home_in_order

SHIPPED_INDEX = ROOT / "build/knowledge/index.sqlite"  # made by `make index`
MANUALS = ROOT / "manuals"
Report = Callable[[str], None]


def set_up_home(environ: MutableMapping[str, str], report: Report) -> None:
    """Put the home in order, and put the shipped documents into its document store.

    Parameters
    ----------
    environ : mutable mapping
        Where the home cannot be written, settings are added that have its document store, or else the shipped one, read
        and not changed.
    report : callable
        Called with a line of text about what was wrong.

    Raises
    ------
    KnowledgeError
        The document store cannot be used.
    SettingError
        The document store that SHOTWISE_INDEX names cannot be used.
    """
    settings = Settings.from_mapping(environ)
    path, knowledge = settings.knowledge.index_path, settings.knowledge
    if knowledge.store_bucket or knowledge.index_read_only or _is_writable(path):
        put_home_in_order(Path(environ["SHOTWISE_HOME"]), settings, report)
        add_shipped_documents(settings)
        _check_named_store(environ, settings)
        return
    environ["SHOTWISE_INDEX_READ_ONLY"] = "true"
    _check_named_store(environ, Settings.from_mapping(environ))
    own = is_own_store(settings)
    place = f"SHOTWISE_HOME {environ['SHOTWISE_HOME']}" if own else str(path)
    report(f"shotwise: {place} cannot be written: documents can be read but not changed"
           f"{', and charts and logs are not kept' if own else ''}")
    if "SHOTWISE_INDEX" not in environ and not _can_be_read(path):
        environ["SHOTWISE_INDEX"] = str(shipped_index())


def shipped_index() -> Path:
    """Return the document store with the shipped manuals, which make builds. Raises KnowledgeError if there is none."""
    if not SHIPPED_INDEX.exists():
        raise KnowledgeError(f"{SHIPPED_INDEX} is missing: run `make index`")
    return SHIPPED_INDEX


def _check_named_store(environ: Mapping[str, str], settings: Settings) -> None:
    """Open the document store that a setting names, so that an error can name the setting. Raises SettingError."""
    if "SHOTWISE_INDEX" not in environ or settings.knowledge.store_bucket:
        return
    try:
        SqliteDocumentStore(settings.knowledge.index_path, read_only=settings.knowledge.index_read_only).close()
    except KnowledgeError as error:
        raise SettingError(f"SHOTWISE_INDEX: {error}") from error


def add_shipped_documents(settings: Settings) -> None:
    """Put the shipped documents that the document store of this home lacks into it, as ingesting them would do.

    It takes milliseconds. A store elsewhere, or with manuals of its own, stays as it is. Raises KnowledgeError.
    """
    own = is_own_store(settings) and not settings.knowledge.index_read_only
    if own and settings.documents[1].resolve() == MANUALS.resolve() and SHIPPED_INDEX.exists():
        document_store = SqliteDocumentStore(settings.knowledge.index_path)
        try:
            add_missing_documents(document_store, SHIPPED_INDEX)
        finally:
            document_store.close()


def is_own_store(settings: Settings) -> bool:
    """Return whether the document store is for the folders of this home alone, so that others are removed from it."""
    home = settings.documents[0].parent.absolute()
    return not settings.knowledge.store_bucket and home in settings.knowledge.index_path.absolute().parents


def _is_writable(path: Path) -> bool:
    """Whether a file can be changed, or made, with the journal beside it."""
    if os.access(path, os.F_OK):
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)
    folder = path.parent
    while not os.access(folder, os.F_OK) and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _can_be_read(path: Path) -> bool:
    try:
        SqliteDocumentStore(path, read_only=True).close()
    except KnowledgeError:
        return False
    return True
