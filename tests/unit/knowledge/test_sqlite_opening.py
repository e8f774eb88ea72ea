"""Opening the library of one machine: any path, files that are none, and two that open one at once."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sample_documents import indexed_document

from shotwise.adapters.sqlite.document_store import FORMAT, SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.text.analyzer import Analyzer


def test_a_path_may_have_any_name(tmp_path: Path) -> None:
    """A path with characters that mean something in an address is one path, in a folder that is made for it."""
    path = tmp_path / "new folder" / "a #1?100%.sqlite"
    SqliteDocumentStore(path).close()
    SqliteDocumentStore(path, read_only=True).close()
    assert path.is_file()


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    """Reading a library that is not there fails with its name and leaves no empty file behind."""
    with pytest.raises(KnowledgeError, match=r"absent\.sqlite"):
        SqliteDocumentStore(tmp_path / "absent.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_corrupt_file_is_named(tmp_path: Path, read_only: bool, content: bytes) -> None:
    """A file that is no database is refused at opening, by name, and left as it is."""
    path = tmp_path / "corrupt.sqlite"
    path.write_bytes(content)
    with pytest.raises(KnowledgeError, match=r"corrupt\.sqlite"):
        SqliteDocumentStore(path, read_only=read_only)
    assert path.read_bytes() == content


def test_two_that_open_a_new_file_at_once_empty_it_once(tmp_path: Path, analyzer: Analyzer) -> None:
    """Who waits for another to make the tables does not make them again over what that one has put in since."""
    path = tmp_path / "library.sqlite"
    holding = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holding.execute("BEGIN IMMEDIATE")
    opened: list[SqliteDocumentStore] = []
    opening = threading.Thread(target=lambda: opened.append(SqliteDocumentStore(path)))
    opening.start()
    opening.join(0.5)  # it has seen that the file is new, and waits for its turn
    made = SqliteDocumentStore(tmp_path / "made.sqlite")
    made.put(indexed_document(analyzer, "기공"))
    for statement in made.connection.iterdump():
        if statement not in ("BEGIN TRANSACTION;", "COMMIT;"):
            holding.execute(statement)
    holding.execute(f"PRAGMA user_version = {FORMAT}")
    holding.execute("COMMIT")
    opening.join()
    assert dict(opened[0].versions()) == {"guide.pdf": "v1"}
    for each in (opened[0], made, holding):
        each.close()
