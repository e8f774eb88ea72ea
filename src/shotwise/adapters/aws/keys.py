"""Make keys of documents for services that only accept short ASCII."""

from __future__ import annotations

import hashlib


def name_digest(text: str) -> str:
    """Return 32 hexadecimal characters that identify a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_prefix(name: str, version: str | None = None) -> str:
    """Return the prefix of the keys of a document, or of one version of it.

    It ends with a hyphen, so that no document's prefix is the beginning of another's.
    """
    return f"{name_digest(name)}-" if version is None else f"{name_digest(name)}-{name_digest(version)}-"
