"""The text of a PDF's pages, read from the file itself: what quotes are held against, apart from any index."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pymupdf


def pdf_pages(folder: Path) -> Callable[[str, int], str]:
    """(file name, page from 1) → the page's text; empty where there is no such page."""
    @cache
    def text(name: str, page: int) -> str:
        with pymupdf.open(folder / name) as pdf:
            found: str = pdf[page - 1].get_text() if 1 <= page <= len(pdf) else ""
            return found

    return text
