"""Read the text of a PDF's pages from the file itself, to check quotes independently of any index."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pymupdf


def pdf_pages(folder: Path) -> Callable[[str, int], str]:
    """Return a function (file name, page from 1) → text of that page, empty if there is no such page."""
    @cache
    def page_text(name: str, page: int) -> str:
        with pymupdf.open(folder / name) as pdf:
            text: str = pdf[page - 1].get_text() if 1 <= page <= len(pdf) else ""
            return text

    return page_text
