"""The shipped manuals as parsed documents, and an index that tests may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.parse import parse
from shotwise.knowledge.passage import Document, Line, Page, Passage

MANUALS = Path(__file__).parents[3] / "manuals"


@pytest.fixture(scope="session")
def casebook() -> Document:
    """The defect casebook, parsed once."""
    return parse(MANUALS / "defect-casebook.pdf")


@pytest.fixture
def writable(tmp_path: Path) -> Iterator[SqliteIndex]:
    """An empty index."""
    index = SqliteIndex(tmp_path / "index.sqlite")
    yield index
    index.close()


def document(*pages: str, name: str = "guide.pdf", sha256: str = "1") -> Document:
    """A document whose pages have this Markdown, and the same as text."""
    return Document(name, "Guide", sha256, tuple(Page(number, text, text) for number, text in enumerate(pages, 1)))


def passage(text: str, *, name: str = "guide.pdf", page: int = 1, action: bool = False,
            headings: tuple[str, ...] = ()) -> Passage:
    """A passage of one line that is quoted whole."""
    return Passage(name, "Guide", page, headings, (Line(text, text),), action)
