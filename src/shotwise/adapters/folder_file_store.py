"""Store files in folders of this machine."""

from __future__ import annotations

import errno
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from shotwise.errors import NotFound, ShippedDocument, StoreError
from shotwise.files import StoredFile, Upload


class FolderFileStore:
    """Implements `files.FileStore`.

    Parameters
    ----------
    folders : sequence of Path
        Files are written to the first folder and read from the first folder that has them.
    url : str
        URL under which the gateway serves the files; a file's URL is this, a slash and its name.
    content_type : str
        Content type of uploaded files.
    """

    def __init__(self, folders: Sequence[Path], url: str, content_type: str = "application/octet-stream") -> None:
        self._folders = folders
        self._url = url
        self._content_type = content_type

    def put(self, name: str, content: bytes) -> str:
        """Store the file, first under a temporary name, so that nobody reads half of it."""
        try:
            self._folders[0].mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folders[0], delete=False) as file:
                file.write(content)
            Path(file.name).replace(self._folders[0] / name)
        except OSError as error:
            raise StoreError(f"{name} cannot be written to {self._folders[0]}: {error.strerror}") from error
        return f"{self._url}/{name}"

    def get(self, name: str) -> StoredFile:
        """Return the content of the file. A name with a path is not found, so files elsewhere cannot be read."""
        path = self._find(name)
        try:
            return StoredFile(path.read_bytes(), None)
        except OSError as error:
            raise StoreError(f"{name} cannot be read from {path.parent}: {error.strerror}") from error

    def fetch(self, name: str, folder: Path) -> Path:
        """Return the path of the stored file; it is not copied."""
        return self._find(name)

    def remove(self, name: str) -> None:
        """Delete the file from the first folder; the files in the other folders came with Shotwise and stay."""
        path = self._find(name)
        if path.parent != self._folders[0]:
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
        for folder in self._folders:
            try:
                if stat.S_ISREG((folder / name).stat().st_mode):
                    return folder / name
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise StoreError(f"{name} cannot be read from {folder}: {error.strerror}") from error
        raise NotFound(f"There is no file {name!r}.")
