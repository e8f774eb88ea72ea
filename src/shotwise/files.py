"""The port of the file stores, which store charts and documents: in S3 on AWS, in folders on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredFile:
    """A file for a client: its content or a URL to redirect to, never both.

    Attributes
    ----------
    content : bytes or None
        The content, if the file is on this machine.
    url : str or None
        The URL from which the client fetches the file itself, valid for some minutes.
    """

    content: bytes | None
    url: str | None


@dataclass(frozen=True)
class Upload:
    """The request with which a client sends a file straight to the store; valid for some minutes.

    Attributes
    ----------
    url : str
        Where to send the file.
    method : str
        HTTP method.
    headers : mapping
        Headers that the request must carry.
    """

    url: str
    method: str
    headers: Mapping[str, str]


class FileStore(Protocol):
    """Stores files by name. Every method raises StoreError if the store fails."""

    def put(self, name: str, content: bytes) -> str:
        """Store a file and return its URL."""
        ...

    def get(self, name: str) -> StoredFile:
        """Return a file for a client. Raises NotFound."""
        ...

    def fetch(self, name: str, folder: Path) -> Path:
        """Return a local path to read the file from: a copy in `folder`, or the stored file. Raises NotFound."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file. Raises NotFound if it does not exist or may not be deleted."""
        ...

    def upload(self, name: str) -> Upload:
        """Prepare the request that uploads a file of this name."""
        ...
