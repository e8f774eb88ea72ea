"""The shipped manuals as parsed documents, and libraries that tests may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_documents import MANUALS

from shotwise.adapters.sqlite_library import SqliteLibrary
from shotwise.knowledge.parse import parse
from shotwise.knowledge.passage import Document


@pytest.fixture(scope="session")
def casebook() -> Document:
    """The defect casebook, parsed once."""
    return parse(MANUALS / "defect-casebook.pdf")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[SqliteLibrary]:
    """An empty library."""
    library = SqliteLibrary(tmp_path / "library.sqlite")
    yield library
    library.close()
