"""StoredFile files (charts, documents) and the port to where they are kept: S3 on AWS, folders on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredFile:
    """A stored file to hand out: its content, or an address to fetch it from for a while. One of the two is set."""

    content: bytes | None
    url: str | None


@dataclass(frozen=True)
class Upload:
    """Where a file is to be sent, straight to its store, with which method and headers; good for a while."""

    url: str
    method: str
    headers: Mapping[str, str]


class FileStore(Protocol):
    """Keeps files by name. Implementations raise StoreError, and NotFound where a name is not kept."""

    def put(self, name: str, content: bytes) -> str:
        """Keep the file and return its URL."""
        ...

    def get(self, name: str) -> StoredFile:
        """Find a file again."""
        ...

    def fetch(self, name: str, folder: Path) -> Path:
        """The file on this machine's disk, to read and leave as it is: in `folder`, or where it lies anyway."""
        ...

    def remove(self, name: str) -> None:
        """Keep the file no longer. NotFound also where it may not be removed."""
        ...

    def upload(self, name: str) -> Upload:
        """Where to send a file of this name."""
        ...
