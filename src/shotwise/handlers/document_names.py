"""Check the file names of documents, by the same rules however a document arrives."""

from __future__ import annotations

import re
import unicodedata

from shotwise.limits import MAX_DOCUMENT_NAME_BYTES
from shotwise.messages import Message

# Ambiguous in a URL: some gateways pass a path on as it is, others decode it first.
_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What Unicode calls default ignorable, of the categories that otherwise have visible characters, and the blank of
# Braille. A variation selector is seen with the symbol before it, as in many emoji.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]|"
                        "(?<![#*0-9\u00a9\u00ae\u2000-\u33ff\U0001f000-\U0001faff])[\ufe00-\ufe0f]")
# Category → code of the fault. U+FFFD stands where a character was lost, so it is undefined too.
_CATEGORIES = {"Cc": "control_in_name", "Zl": "control_in_name", "Zp": "control_in_name", "Cf": "invisible_in_name",
               "Co": "undefined_in_name", "Cn": "undefined_in_name"}


def name_fault(name: str) -> Message | None:
    """Return what is wrong with the file name of a document, with a code of FIELD_REASONS; None for a valid name."""
    if name != name.strip():
        return _hidden_character(name) or Message("space_around_name")
    if not name.lower().endswith(".pdf") or name.startswith("."):
        return Message("not_a_pdf_name")
    if fault := _hidden_character(name):
        return fault
    if _FORBIDDEN.search(name) or len(name.encode("utf-8")) > MAX_DOCUMENT_NAME_BYTES:
        return Message("forbidden_in_name", {"max_bytes": MAX_DOCUMENT_NAME_BYTES})
    if _PERCENT_ENCODED.search(name):
        return Message("percent_in_name")
    return None


def _hidden_character(name: str) -> Message | None:
    """Return the fault of the first character that a reader cannot see, or that no reader knows."""
    if name.isascii() and name.isprintable():
        return None
    if re.search("[\ud800-\udfff]", name):  # a byte that is not UTF-8, as Python reads it
        return Message("name_not_utf8")
    if match := _DIRECTION.search(name):
        return Message("direction_in_name", {"character": _number(match[0])})
    if match := _INVISIBLE.search(name):
        return Message("invisible_in_name", {"character": _number(match[0])})
    for character in name:
        category = "Cn" if character == "\ufffd" else unicodedata.category(character)
        if category in _CATEGORIES:
            return Message(_CATEGORIES[category], {"character": _number(character)})
    return None


def _number(character: str) -> str:
    return f"U+{ord(character):04X}"
