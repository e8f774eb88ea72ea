"""Put the home folder in order before anything is opened in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shotwise.adapters.folder_file_store import CHART_BOUNDS, FolderFileStore
from shotwise.adapters.sqlite.damage import put_damaged_aside
from shotwise.home import make_private, sweep
from shotwise.settings import Settings


def put_home_in_order(home: Path, settings: Settings, report: Callable[[str], None]) -> None:
    """Make the home private, remove what is left over or too much, and put a damaged document store aside.

    A document store outside the home is left alone: somebody else looks after it.

    Parameters
    ----------
    home : Path
        The home folder; it may be missing.
    settings : Settings
        Where charts and document store are.
    report : callable
        Called with a sentence about what somebody should know.

    Raises
    ------
    KnowledgeError
        The document store is damaged and cannot be renamed.
    """
    make_private(home, report)
    sweep(home)
    FolderFileStore([settings.charts_dir], "", bounds=CHART_BOUNDS).prune()
    index_path = settings.knowledge.index_path
    if home in index_path.absolute().parents and (aside := put_damaged_aside(index_path)):
        report(f"shotwise: the document store {index_path} {aside.reason}; it was renamed to {aside.path.name}, and is "
               "made again from the documents")
