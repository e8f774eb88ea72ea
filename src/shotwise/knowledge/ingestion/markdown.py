"""The marks of Markdown that pages have after they were read."""

from __future__ import annotations

import re

HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*)$")
TABLE_RULE = re.compile(r"^\|[\s:|-]+\|?$")
_MARKS = re.compile(r"\*\*|__|`|~~|<br\s*/?>|\\(?=[\\*_#|.\-])")


def plain_text(markdown: str) -> str:
    """Remove Markdown's marks and extra spaces from a text."""
    return " ".join(_MARKS.sub(lambda mark: " " if mark[0].startswith("<") else "", markdown).split())
