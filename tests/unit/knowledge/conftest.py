"""The shipped manuals as parsed documents, and an index that tests may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_documents import MANUALS

from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.parse import parse
from shotwise.knowledge.passage import Document


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
