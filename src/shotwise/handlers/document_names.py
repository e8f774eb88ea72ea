"""Check the file names of documents, by the same rules however a document arrives."""

from __future__ import annotations

import re

from shotwise.limits import MAX_DOCUMENT_NAME_BYTES
from shotwise.messages import Message

# Ambiguous in a URL: some gateways pass a path on as it is, others decode it first.
_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def name_fault(name: str) -> Message | None:
    """Return what is wrong with the file name of a document, with a code of FIELD_REASONS; None for a valid name."""
    if not name.lower().endswith(".pdf") or name.startswith("."):
        return Message("not_a_pdf_name")
    if _FORBIDDEN.search(name) or len(name.encode("utf-8", "surrogatepass")) > MAX_DOCUMENT_NAME_BYTES:
        return Message("forbidden_in_name", {"max_bytes": MAX_DOCUMENT_NAME_BYTES})
    if _PERCENT_ENCODED.search(name):
        return Message("percent_in_name")
    return None
