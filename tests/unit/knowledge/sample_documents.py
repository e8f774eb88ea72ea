"""Small documents that tests make, and where the shipped ones are."""

from __future__ import annotations

from pathlib import Path

from shotwise.knowledge.passage import Document, Line, Page, Passage

MANUALS = Path(__file__).parents[3] / "manuals"


def document(*pages: str, name: str = "guide.pdf", sha256: str = "1") -> Document:
    """A document whose pages have this Markdown, and the same as text."""
    return Document(name, "Guide", sha256, tuple(Page(number, text, text) for number, text in enumerate(pages, 1)))


def passage(text: str, *, name: str = "guide.pdf", page: int = 1, action: bool = False,
            headings: tuple[str, ...] = ()) -> Passage:
    """A passage of one line that is quoted whole."""
    return Passage(name, "Guide", page, headings, (Line(text, text),), action)
