"""Store files in folders of this machine."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from shotwise.atomic import replacing
from shotwise.errors import NotFound, ShippedDocument, StoreError
from shotwise.files import StoredFile, Upload
from shotwise.home import make_private_folder
from shotwise.limits import MAX_CHART_BYTES, MAX_CHARTS

PRUNED_SHARE = 0.9  # of a bound that remains when it is passed, so that the folder is not listed at every `put`


class FolderBounds(NamedTuple):
    """How many files a folder may have, and how large they may be together."""

    files: int
    bytes: int


CHART_BOUNDS = FolderBounds(MAX_CHARTS, MAX_CHART_BYTES)
# A prediction id and a hash, as `store_chart` names charts. Nothing else in their folder is removed.
CHART_NAME = re.compile(r"pred_\d{8}_[0-9A-Za-z]{3,32}-[0-9a-f]{16}\.png")


class FolderFileStore:
    """Implements `files.FileStore`. Instances are thread-safe.

    Parameters
    ----------
    folders : sequence of Path
        Files are written to the first folder and read from the first folder that has them.
    url : str
        URL under which the gateway serves the files; a file's URL is this, a slash and its name.
    content_type : str
        Content type of uploaded files.
    bounds : FolderBounds, optional
        Bounds of the first folder, for files that can be made again: when one is passed, the oldest files are removed.
        Without bounds nothing is removed, and a file outlasts a power failure as soon as it is stored.
    """

    def __init__(self, folders: Sequence[Path], url: str, content_type: str = "application/octet-stream",
                 bounds: FolderBounds | None = None) -> None:
        self._folders = folders
        self._url = url
        self._content_type = content_type
        self._bounds = bounds
        self._lock = threading.Lock()
        self._pruning = threading.Lock()  # held for as long as it takes to list the folder
        self._files = self._bytes = 0  # in the first folder, or more where files were replaced since it was listed
        self._listed = False

    def put(self, name: str, content: bytes) -> str:
        """Store the file, first under a temporary name, so that nobody reads half of it."""
        with self.writing(name) as file:
            file.write(content)
        return f"{self._url}/{name}"

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to write in pieces, which gets its name when the block ends.

        If the block raises, nothing is stored, and an earlier file of that name stays. An OSError of the block is
        raised as StoreError.
        """
        folder = self._folders[0]
        try:
            make_private_folder(folder)
            with replacing(folder / name, durable=self._bounds is None, inherit=False) as file:
                yield file
                size = file.tell()
        except OSError as error:
            raise StoreError(f"{name} cannot be written to {folder}: {error.strerror}") from error
        self._count(size)

    def prune(self) -> None:
        """Remove the oldest files if the folder is beyond its bounds."""
        if self._bounds is not None:
            with self._pruning:
                self._prune(self._bounds)

    def _count(self, size: int) -> None:
        """Take note of a new file, and remove old ones if it is too much, unless another thread does that."""
        if self._bounds is None:
            return
        with self._lock:
            self._files += 1
            self._bytes += size
            is_due = not self._listed or self._files > self._bounds.files or self._bytes > self._bounds.bytes
        if is_due and self._pruning.acquire(blocking=False):
            try:
                self._prune(self._bounds)
            finally:
                self._pruning.release()

    def _prune(self, bounds: FolderBounds) -> None:
        counted_files, counted_bytes = self._files, self._bytes
        entries = sorted(_files_in(self._folders[0]))
        files, size_of_all = len(entries), sum(size for _, size, _ in entries)
        if files > bounds.files or size_of_all > bounds.bytes:
            for _, size, path in entries:
                if files <= bounds.files * PRUNED_SHARE and size_of_all <= bounds.bytes * PRUNED_SHARE:
                    break
                try:
                    path.unlink(missing_ok=True)
                except OSError:  # the next one is tried, and this one again when the folder is listed next
                    continue
                files -= 1
                size_of_all -= size
        with self._lock:  # what other threads have counted meanwhile is added
            self._files += files - counted_files
            self._bytes += size_of_all - counted_bytes
            self._listed = True

    def get(self, name: str) -> StoredFile:
        """Return the content of the file. A name with a path is not found, so files elsewhere cannot be read."""
        path = self._find(name)
        try:
            return StoredFile(path.read_bytes(), None)
        except FileNotFoundError:
            raise NotFound(f"There is no file {name!r}.") from None
        except OSError as error:
            raise StoreError(f"{name} cannot be read from {path.parent}: {error.strerror}") from error

    def fetch(self, name: str, folder: Path) -> Path:
        """Return the path of the stored file; it is not copied. A file that spells the name otherwise gets a link."""
        path = self._find(name)
        if path.name == name:
            return path
        link = folder / name
        link.symlink_to(path.absolute())
        return link

    def remove(self, name: str) -> None:
        """Delete the file from the first folder; the files in the other folders came with Shotwise and stay."""
        path = self._find(name)
        if not path.is_relative_to(self._folders[0]):
            raise ShippedDocument(f"{name!r} comes with Shotwise and stays; there is no file of yours under that name.")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{name} cannot be removed from {path.parent}: {error.strerror}") from error

    def upload(self, name: str) -> Upload:
        """Return the request that uploads a file to the gateway of this machine."""
        return Upload(f"{self._url}/{quote(name, safe='')}", "PUT", {"Content-Type": self._content_type})

    def _find(self, name: str) -> Path:
        if name != Path(name).name or "\0" in name:
            raise NotFound(f"There is no file {name!r}.")
        for path in (path for folder in self._folders for path in _spellings(folder, name)):
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    return path
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise StoreError(f"{name} cannot be read from {path.parent}: {error.strerror}") from error
        raise NotFound(f"There is no file {name!r}.")


def _spellings(folder: Path, name: str) -> Iterator[Path]:
    """Where a file of this name may be: in the folder, else below it or in decomposed characters, as macOS writes."""
    yield folder / name
    composed = unicodedata.normalize("NFC", name)
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, spelling) for spelling in names if unicodedata.normalize("NFC", spelling) == composed)


def _files_in(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of the last change, size and path of each chart in the folder; files of others are not listed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if CHART_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    yield status.st_mtime, status.st_size, Path(entry.path)
    except OSError:  # missing, or not a folder; `put` says so
        return
