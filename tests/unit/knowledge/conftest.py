"""Fixtures: a shipped manual as a parsed document, and an empty document store."""

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
def document_store(tmp_path: Path) -> Iterator[SqliteDocumentStore]:
    """An empty document store in a file of its own."""
    store = SqliteDocumentStore(tmp_path / "store.sqlite")
    yield store
    store.close()
