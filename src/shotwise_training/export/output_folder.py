"""Write a folder of files whole: it is refused if it holds anything else, and a kill leaves the old or the new one.

Stages: `check` before long work → `written_beside` fills a new folder with a name of its own → `put` swaps the two and
removes the earlier files, those of an earlier run and no others.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shotwise.atomic import NAME_CHARACTERS, SUFFIX, copy_ownership, sync_folder, temporary_name
from shotwise.errors import ShotwiseError
from shotwise.limits import MIN_FREE_TRAINING_BYTES
from shotwise_training.export.swap import swap

SHOWN_NAMES = 3  # of the files in the way, in a message


class OutputError(ShotwiseError):
    """A folder cannot be written; the message names it and says what to do."""


@dataclass(frozen=True)
class OutputFolder:
    """A folder that a run writes as a whole.

    Attributes
    ----------
    path : Path
        The folder, without symbolic links: where a link leads to is what is replaced.
    noun : str
        What it is when it was written, for messages.
    file_names : frozenset of str
        The names that a run may write.
    own_files : callable
        Returns the names of the files that an earlier run wrote into a folder; none if the folder is something else.
    """

    path: Path
    noun: str
    file_names: frozenset[str]
    own_files: Callable[[Path], frozenset[str]]

    def check(self) -> None:
        """Raise OutputError if the folder cannot be written, or holds what no earlier run wrote."""
        try:
            self._check_content()
            self._check_place()
        except OSError as error:
            raise OutputError(f"{error.filename or self.path}: {error.strerror}; name another folder") from error

    def put(self, replacement: Path) -> None:
        """Put a folder that `written_beside` made in the place of this one, in one step.

        Raises
        ------
        OutputError
            If that cannot be done; the message names both folders, which are complete and unchanged. Or if files have
            come into the earlier folder in the meantime, which are left where the message says.
        """
        try:
            self._check_content()
            if not _names(self.path):
                _keep_ownership(self.path, replacement)
                replacement.rename(self.path)  # fails if the folder is no longer empty or absent
                sync_folder(self.path.parent)
                return
            own = self._own_files()
            _keep_ownership(self.path, replacement)
            swap(replacement, self.path)
            sync_folder(self.path.parent)
        except (OSError, OutputError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise OutputError(f"the new {self.noun} is complete in {replacement}, but cannot take the place of "
                              f"{self.path}: {reason}; move it yourself") from error
        _remove(replacement, own)

    def strays(self) -> list[Path]:
        """List what killed runs left beside the folder: their names follow the pattern, and they hold our files."""
        pattern = re.compile(re.escape(f".{self.path.name[:NAME_CHARACTERS]}.") + "[0-9a-f]{16}" + re.escape(SUFFIX))
        return sorted(path for path in self.path.parent.glob(f".*{SUFFIX}")
                      if pattern.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
                      and _names(path) <= self.file_names)

    def _own_files(self) -> frozenset[str]:
        return frozenset(name for name in _names(self.path) & self.own_files(self.path)
                         if not (self.path / name).is_dir())

    def _check_content(self) -> None:
        names = _names(self.path)
        if os.path.ismount(self.path):
            raise OutputError(f"{self.path} is where a file system is mounted, which cannot be replaced; name a folder "
                              "inside it")
        if Path.cwd() == self.path or self.path in Path.cwd().parents:
            raise OutputError(f"{self.path} holds the current folder, which cannot be replaced; name another folder, "
                              "or start from another")
        foreign = sorted(names - self._own_files()) if names else []
        if foreign:
            more = f" and {len(foreign) - SHOWN_NAMES} more" if len(foreign) > SHOWN_NAMES else ""
            raise OutputError(f"{self.path} holds {', '.join(foreign[:SHOWN_NAMES])}{more}, which no {self.noun} has; "
                              f"nothing was removed. Name a new folder, or move them elsewhere")

    def _check_place(self) -> None:
        parent = self.path.parent
        while not parent.exists():
            parent = parent.parent
        free = shutil.disk_usage(parent).free
        if free < MIN_FREE_TRAINING_BYTES:
            raise OutputError(f"{parent} has {free >> 20} MiB free, a {self.noun} may take "
                              f"{MIN_FREE_TRAINING_BYTES >> 20}; make room, or name a folder elsewhere")
        if self.path.exists() and not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.path))
        with _probe(parent, self.path) as first, _probe(parent, self.path) as second:
            if _names(self.path):
                self._check_swap(first, second)

    def _check_swap(self, first: Path, second: Path) -> None:
        parent = self.path.parent.stat()
        if parent.st_mode & stat.S_ISVTX and os.geteuid() not in (0, parent.st_uid, self.path.stat().st_uid):
            raise PermissionError(errno.EPERM, "belongs to another user", str(self.path))
        try:
            swap(first, second)
        except OSError as error:
            raise OutputError(f"{self.path} exists, and its file system cannot replace a folder in one step "
                              f"({error.strerror}); name a folder that does not exist") from error


@contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """Make a new folder beside `folder`, with a name of its own, to be filled.

    Yields
    ------
    Path
        The new folder. Its files are on the disk at the end; after an exception it is removed.

    Raises
    ------
    OSError
        If a file cannot be written, as on a full disk; it names `folder`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(temporary_name(folder.name))
    partial.mkdir()
    try:
        yield partial
        for path in partial.iterdir():
            _sync_file(path)
        sync_folder(partial)
    except BaseException as error:
        shutil.rmtree(partial)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        raise


@contextmanager
def _probe(parent: Path, folder: Path) -> Iterator[Path]:
    """Make an empty folder where the new one will be made, and remove it."""
    path = parent / temporary_name(folder.name)
    try:
        path.mkdir()
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} (no folder can be made there)", str(parent)) from error
    try:
        yield path
    finally:
        path.rmdir()


def _names(folder: Path) -> frozenset[str]:
    """The names in a folder; none if it does not exist. Raises OSError if it is no folder."""
    try:
        return frozenset(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return frozenset()


def _keep_ownership(earlier: Path, replacement: Path) -> None:
    """Give a new folder, and its files, the mode and owner that the earlier ones of the same names have."""
    if not earlier.exists():
        return
    for path in replacement.iterdir():
        if (earlier / path.name).is_file():
            copy_ownership(path, (earlier / path.name).stat())
    copy_ownership(replacement, earlier.stat())


def _remove(folder: Path, names: frozenset[str]) -> None:
    """Remove the files of an earlier run, and the folder if nothing else is in it."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as error:
        raise OutputError(f"what came into the earlier folder in the meantime was left in {folder}: "
                          f"{error.strerror}") from error


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
