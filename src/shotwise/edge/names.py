"""What a document may be named, wherever it comes from."""

from __future__ import annotations

import re

MOST_NAME_BYTES = 200  # file systems take 255, with what is added while a file is written
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def name_fault(name: str) -> str:
    """What is wrong with a document's name, if anything is."""
    if not name.lower().endswith(".pdf") or name.startswith("."):
        return "must be the file name of a PDF, such as 작업 표준.pdf"
    if _FORBIDDEN.search(name) or len(name.encode("utf-8", "surrogatepass")) > MOST_NAME_BYTES:
        return (f'must be a file name without folders, without any of / \\ : * ? " < > | and of at most '
                f"{MOST_NAME_BYTES} bytes; rename the file")
    return ""
