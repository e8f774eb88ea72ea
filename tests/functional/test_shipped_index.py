"""The document store with the shipped manuals is built completely, or not at all."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sets import pdf

from shotwise.adapters.knowledge_factory import open_ingestion
from shotwise.adapters.sqlite.database import TABLES
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.settings import Settings
from shotwise_local.home_setup import MANUALS, SHIPPED_INDEX
from shotwise_tools.shipped_index import build_index, check_index, main


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The content of a document store, by table."""
    store = SqliteDocumentStore(path, read_only=True)
    try:
        with store.use() as connection:
            return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}
    finally:
        store.close()


def test_it_holds_what_ingesting_the_manuals_gives(tmp_path: Path) -> None:
    """The same passages and postings, in a file that everyone may read."""
    pdfs = [pdf(tmp_path / "a.pdf", "The biscuit is thin.", "The ladle pours too little."),
            pdf(tmp_path / "b.pdf", "The die is soldered.")]
    build_index(pdfs, tmp_path / "built/index.sqlite")
    ingestion = open_ingestion(replace(Settings.from_mapping({}).knowledge, index_path=tmp_path / "index.sqlite"))
    assert [ingestion.ingest(path).state for path in pdfs] == ["added", "added"]
    ingestion.document_store.close()
    content = rows(tmp_path / "built/index.sqlite")
    assert content == rows(tmp_path / "index.sqlite") and len(content["postings"]) == 2
    assert stat.S_IMODE((tmp_path / "built/index.sqlite").stat().st_mode) == 0o644


def test_what_cannot_be_read_completely_ends_it(tmp_path: Path) -> None:
    """A damaged manual, one without text and none at all are named, and the earlier file stays."""
    good, bad, blank = pdf(tmp_path / "a.pdf", "The biscuit is thin."), tmp_path / "b.pdf", pdf(tmp_path / "c.pdf", "")
    bad.write_bytes(b"%PDF-1.7 and no more")
    build_index([good], tmp_path / "built/index.sqlite")
    before = (tmp_path / "built/index.sqlite").read_bytes()
    for pdfs, reason in (([good, bad], "b.pdf"), ([good, blank], "c.pdf"), ([], "no PDF")):
        with pytest.raises(KnowledgeError, match=reason):
            build_index(pdfs, tmp_path / "built/index.sqlite")
    assert [path.name for path in (tmp_path / "built").iterdir()] == ["index.sqlite"]
    assert (tmp_path / "built/index.sqlite").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_another_file_is_no_index(tmp_path: Path, content: bytes) -> None:
    """The built one is that of the manuals; an empty file and a foreign one are refused, as is one of other PDFs."""
    check_index(sorted(MANUALS.glob("*.pdf")), SHIPPED_INDEX)
    (tmp_path / "index.sqlite").write_bytes(content)
    for path, pdfs in ((tmp_path / "index.sqlite", []), (SHIPPED_INDEX, [tmp_path / "other.pdf"])):
        with pytest.raises(KnowledgeError, match="index.sqlite"):
            check_index(pdfs, path)


def test_the_index_of_this_checkout_passes_the_check() -> None:
    """`make index` ends with status 0."""
    assert main(["--check"]) == 0
