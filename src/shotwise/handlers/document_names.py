"""What a document may be named, wherever it comes from."""

from __future__ import annotations

import re

MAX_NAME_BYTES = 200  # file systems take 255, with what is added while a file is written
# In an address it would be another name: some gateways hand a path on as it came, some decoded.
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def name_fault(name: str) -> str:
    """What is wrong with a document's name, if anything is."""
    if not name.lower().endswith(".pdf") or name.startswith("."):
        return "must be the file name of a PDF, such as 작업 표준.pdf"
    if _FORBIDDEN.search(name) or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return (f'must be a file name without folders, without any of / \\ : * ? " < > | and of at most '
                f"{MAX_NAME_BYTES} bytes; rename the file")
    if _ENCODED.search(name):
        return "must not hold a % with two of 0-9 and A-F behind it, which an address reads as a sign; rename the file"
    return ""
