"""Files in folders of this machine."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shotwise.errors import NotFound, StoreError
from shotwise.files import Stored


class FolderStore:
    """Implements `files.FileStore`. Writes to the first folder, finds in all; `url` + name is where the gateway
    serves them."""

    def __init__(self, folders: Sequence[Path], url: str) -> None:
        self._folders = folders
        self._url = url

    def put(self, name: str, content: bytes) -> str:
        """Write aside and rename, so that a reader or a kill never meets half a file."""
        try:
            self._folders[0].mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folders[0], delete=False) as file:
                file.write(content)
            Path(file.name).replace(self._folders[0] / name)
        except OSError as error:
            raise StoreError(f"{name} cannot be written to {self._folders[0]}: {error.strerror}") from error
        return f"{self._url}/{name}"

    def get(self, name: str) -> Stored:
        """The file's content. A name is a file name: nothing outside the folders is reached."""
        if name != Path(name).name or "\0" in name:
            raise NotFound(f"There is no file {name!r}.")
        for folder in self._folders:
            try:
                return Stored((folder / name).read_bytes(), None)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise StoreError(f"{name} cannot be read from {folder}: {error.strerror}") from error
        raise NotFound(f"There is no file {name!r}.")
