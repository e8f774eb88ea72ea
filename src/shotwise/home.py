"""Keep the home folder private, and free of the temporary files that killed processes left."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shotwise.limits import LEFTOVER_SECONDS

OWNER_ONLY = 0o700  # the bits that only the owner has
FOLDERS = ("documents", "charts", "logs", "matplotlib")
# The document store with its journals, what was put aside of it, and what a killed process left of it.
STORE = re.compile(r"\.?knowledge\.sqlite.*")
# The names that `atomic.temporary_name` makes, and a fixed one of versions before it; no names that others may use.
TEMPORARY = re.compile(r"\..*\.[0-9a-f]{16}\.writing|\.knowledge\.sqlite\.writing")


def make_private_folder(folder: Path) -> None:
    """Create a folder, and the folders above that are missing, for their owner alone. Raises OSError."""
    try:
        folder.mkdir(OWNER_ONLY, exist_ok=True)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_private_folder(folder.parent)
        folder.mkdir(OWNER_ONLY, exist_ok=True)


def make_private(home: Path, report: Callable[[str], None]) -> None:
    """Let only the owner into the home folder and what Shotwise has in it; earlier versions let everybody read.

    What is not Shotwise's stays as it is: other files in a home that is shared, then also the home itself, files of
    other owners, and what a symbolic link leads to.

    Parameters
    ----------
    home : Path
        The home folder; it may be missing.
    report : callable
        Called with a sentence if something cannot be changed.
    """
    failures: list[OSError] = []
    for path in _ours(home):
        try:
            status = path.lstat()
            if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o077 and status.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(status.st_mode) & OWNER_ONLY)
        except FileNotFoundError:
            continue
        except OSError as error:
            failures.append(error)
    if failures:
        report(f"shotwise: other users may read {len(failures)} files in {home}: {failures[0]}")


def sweep(home: Path, now: float | None = None) -> int:
    """Remove the temporary files that killed processes left in the home folder, and return their number.

    A file that is younger than LEFTOVER_SECONDS may still be written. What cannot be removed is left.
    """
    oldest = (time.time() if now is None else now) - LEFTOVER_SECONDS
    removed = 0
    for folder in (home, *(home / name for name in FOLDERS)):
        for entry in _entries(folder):
            if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                try:
                    if entry.stat(follow_symlinks=False).st_mtime < oldest:
                        Path(entry.path).unlink()
                        removed += 1
                except OSError:  # gone, or of another owner
                    continue
    return removed


def _ours(home: Path) -> Iterator[Path]:
    """The paths in the home folder that are Shotwise's, and the home itself if there is nothing else in it."""
    ours = [entry for entry in _entries(home)
            if entry.name in FOLDERS or STORE.fullmatch(entry.name) or TEMPORARY.fullmatch(entry.name)]
    if len(ours) == len(_entries(home)):
        yield home
    for entry in ours:
        yield Path(entry.path)
        if entry.name in FOLDERS and entry.is_dir(follow_symlinks=False):
            for folder, folders, files in os.walk(entry.path):
                yield from (Path(folder, name) for name in (*folders, *files))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
