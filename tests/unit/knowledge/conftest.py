"""The shipped manuals as parsed documents, and libraries that tests may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_documents import MANUALS

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.models import Document


@pytest.fixture(scope="session")
def casebook() -> Document:
    """The defect casebook, parsed once."""
    return parse(MANUALS / "defect-casebook.pdf")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[SqliteDocumentStore]:
    """An empty library."""
    library = SqliteDocumentStore(tmp_path / "library.sqlite")
    yield library
    library.close()
