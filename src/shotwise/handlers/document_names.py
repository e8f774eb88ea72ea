"""Check the file names of documents, by the same rules however a document arrives."""

from __future__ import annotations

import re

from shotwise.hidden_characters import hidden_characters
from shotwise.limits import MAX_DOCUMENT_NAME_BYTES
from shotwise.messages import Message

# Ambiguous in a URL: some gateways pass a path on as it is, others decode it first.
_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_CODES = {"control": "control_in_name", "direction": "direction_in_name", "invisible": "invisible_in_name",
          "undefined": "undefined_in_name"}


def name_fault(name: str) -> Message | None:
    """Return what is wrong with the file name of a document, with a code of FIELD_REASONS; None for a valid name."""
    if fault := _hidden_fault(name):
        return fault
    if name != name.strip():
        return Message("space_around_name")
    if not name.lower().endswith(".pdf") or name.startswith("."):
        return Message("not_a_pdf_name")
    if _FORBIDDEN.search(name) or len(name.encode("utf-8")) > MAX_DOCUMENT_NAME_BYTES:
        return Message("forbidden_in_name", {"max_bytes": MAX_DOCUMENT_NAME_BYTES})
    if _PERCENT_ENCODED.search(name):
        return Message("percent_in_name")
    return None


def _hidden_fault(name: str) -> Message | None:
    hidden = list(hidden_characters(name))
    if any(kind == "surrogate" for _, kind in hidden):
        return Message("name_not_utf8")
    return next((Message(_CODES[kind], {"character": f"U+{ord(name[position]):04X}"}) for position, kind in hidden),
                None)
