"""Stored files (charts, documents) and the port to where they are kept: S3 on AWS, folders on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stored:
    """A stored file to hand out: its content, or an address to fetch it from for a while. One of the two is set."""

    content: bytes | None
    address: str | None


class FileStore(Protocol):
    """Keeps files by name. Implementations raise StoreError, and NotFound where a name is not kept."""

    def put(self, name: str, content: bytes) -> str:
        """Keep the file and return its URL."""
        ...

    def get(self, name: str) -> Stored:
        """Find a file again."""
        ...
