"""Keys of documents in services that accept only short ASCII."""

from __future__ import annotations

from sample_indexed_documents import ODD_NAMES

from shotwise.adapters.aws.keys import key_prefix


def test_no_prefix_begins_another() -> None:
    """Names and versions that resemble each other have prefixes of their own; all are short ASCII."""
    names = [*ODD_NAMES, "guide.pdf-v1", "guide.pdf-"]
    prefixes = {key_prefix(name) for name in names} | {
        key_prefix(name, version) for name in names for version in ("v1", "v1-", "")}
    assert len(prefixes) == 4 * len(names) and all(prefix.isascii() and len(prefix) <= 66 for prefix in prefixes)
    assert all(key_prefix(name, "v1").startswith(key_prefix(name)) for name in names)
    beginnings = [(prefix, other) for prefix in prefixes for other in prefixes
                  if prefix != other and prefix.startswith(other)]
    assert len(beginnings) == 3 * len(names)  # each version begins with its own name, nothing else
