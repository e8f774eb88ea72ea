"""Keys of documents in services that accept only short ASCII."""

from __future__ import annotations

import hashlib


def name_digest(text: str) -> str:
    """32 characters that stand for a text of any length and any characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_prefix(name: str, version: str | None = None) -> str:
    """How the keys of a document, or of one version of it, begin.

    It ends in a hyphen, so that no document's prefix is the beginning of another's.
    """
    return f"{name_digest(name)}-" if version is None else f"{name_digest(name)}-{name_digest(version)}-"
