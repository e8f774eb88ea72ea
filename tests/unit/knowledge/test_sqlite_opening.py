"""A document store opens at any path, refuses files that are no database, and is set up once."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sample_documents import indexed_document

from shotwise.adapters.sqlite.database import FORMAT
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.limits import STORE_SECONDS


def test_a_path_may_have_any_name(tmp_path: Path) -> None:
    """A path may have characters with a meaning in URLs, and its folder is created."""
    path = tmp_path / "new folder" / "a #1?100%.sqlite"
    SqliteDocumentStore(path).close()
    SqliteDocumentStore(path, read_only=True).close()
    assert path.is_file()


def test_a_missing_file_is_named_and_not_created(tmp_path: Path) -> None:
    """Opening a missing file read-only is an error with its name and creates no file."""
    with pytest.raises(KnowledgeError, match=r"absent\.sqlite"):
        SqliteDocumentStore(tmp_path / "absent.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_corrupt_file_is_named(tmp_path: Path, read_only: bool, content: bytes) -> None:
    """A file that is no database is refused by its name and stays as it is."""
    path = tmp_path / "corrupt.sqlite"
    path.write_bytes(content)
    with pytest.raises(KnowledgeError, match=r"corrupt\.sqlite"):
        SqliteDocumentStore(path, read_only=read_only)
    assert path.read_bytes() == content


def test_two_that_open_a_new_file_at_once_set_it_up_once(tmp_path: Path, analyzer: Analyzer) -> None:
    """A store that waits while another creates the tables does not create them again over its documents."""
    path = tmp_path / "store.sqlite"
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    opened: list[SqliteDocumentStore] = []
    opening = threading.Thread(target=lambda: opened.append(SqliteDocumentStore(path)))
    opening.start()
    opening.join(0.5)  # it has seen that the file is new, and waits for its turn
    other = SqliteDocumentStore(tmp_path / "other.sqlite")
    other.put(indexed_document(analyzer, "기공"))
    for statement in other.connection.iterdump():
        if statement not in ("BEGIN TRANSACTION;", "COMMIT;"):
            writer.execute(statement)
    writer.execute(f"PRAGMA user_version = {FORMAT}")
    writer.execute("COMMIT")
    opening.join()
    assert dict(opened[0].versions()) == {"guide.pdf": "v1"}
    for closable in (opened[0], other, writer):
        closable.close()


@pytest.mark.slow
def test_threads_do_not_wait_for_each_others_wait(tmp_path: Path) -> None:
    """While another process locks the file, each of four threads gives up within two waits, not one after another."""
    store = SqliteDocumentStore(tmp_path / "store.sqlite")
    other = sqlite3.connect(tmp_path / "store.sqlite")
    other.execute("BEGIN EXCLUSIVE")

    def seconds_until_given_up(_: int) -> float:
        started = time.monotonic()
        with pytest.raises(KnowledgeError):
            store.versions()
        return time.monotonic() - started

    with ThreadPoolExecutor(4) as threads:
        assert max(threads.map(seconds_until_given_up, range(4))) < 2 * STORE_SECONDS + 1
    other.close()
    store.close()
