"""Open the SQLite file of the documents, and create it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shotwise.errors import KnowledgeError
from shotwise.home import make_private_folder
from shotwise.limits import STORE_SECONDS

# documents.notes is a JSON list of messages, failures.reason one message, in newer entries with the member `version`.
# Versions before there were codes stored text for a message.
SCHEMA = """
CREATE TABLE documents (name TEXT PRIMARY KEY, title TEXT NOT NULL, sha256 TEXT NOT NULL, version TEXT NOT NULL,
    pages INTEGER NOT NULL, passages INTEGER NOT NULL, notes TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pages (document TEXT NOT NULL, page INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (document, page)) WITHOUT ROWID;
CREATE TABLE passages (document TEXT NOT NULL, number INTEGER NOT NULL, page INTEGER NOT NULL,
    headings TEXT NOT NULL, lines TEXT NOT NULL, action INTEGER NOT NULL, PRIMARY KEY (document, number)) WITHOUT ROWID;
CREATE TABLE postings (document TEXT PRIMARY KEY, terms TEXT NOT NULL, starts BLOB NOT NULL, places BLOB NOT NULL,
    counts BLOB NOT NULL, firsts BLOB NOT NULL, questions BLOB NOT NULL, actions BLOB NOT NULL);
CREATE TABLE vectors (document TEXT NOT NULL, version TEXT NOT NULL, dimensions INTEGER NOT NULL, vectors BLOB NOT NULL,
    PRIMARY KEY (document, version));
CREATE TABLE failures (name TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""
TABLES = ("failures", "vectors", "postings", "passages", "pages", "documents")
OLD_TABLES = ("vocabulary", "passage_tokens")  # in formats before 3
# Increment it with every change of the tables: a file of an earlier format is emptied, so its PDFs have to be ingested
# again.
FORMAT = 4


@contextmanager
def translate_sqlite_errors(failure: str) -> Iterator[None]:
    """Raise an error of SQLite as a KnowledgeError that begins with `failure`."""
    try:
        yield
    except (sqlite3.Error, UnicodeEncodeError, json.JSONDecodeError) as error:  # text that is not UTF-8, damaged JSON
        raise KnowledgeError(f"{failure}: {error}") from error
    except OSError as error:
        raise KnowledgeError(f"{failure}: {error.strerror}") from error


def create_file(path: Path) -> tuple[int, int] | None:
    """Create the file for its owner alone, unless there is one, and return its identity.

    SQLite gives the journals the same mode. Raises KnowledgeError.
    """
    with translate_sqlite_errors(f"the document store {path} cannot be opened"):
        make_private_folder(path.parent)
        # Never opened if it exists: the closing of a second descriptor would end the locks of this process.
        with suppress(FileExistsError):
            os.close(os.open(os.path.realpath(path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return file_identity(path)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file, which another file of that name does not have; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def open_database(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the file, and create its tables if it is new or of an earlier version.

    Raises
    ------
    KnowledgeError
        The file cannot be opened, is no database, or is of a newer version; read-only, it is of any other format.
    """
    with translate_sqlite_errors(f"the document store {path} cannot be opened"):
        uri = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
        connection = sqlite3.connect(uri, uri=True, timeout=STORE_SECONDS, check_same_thread=False)
    try:
        with translate_sqlite_errors(f"the document store {path} cannot be used"):
            _check_format(connection, path) if read_only else _create_tables(connection, path)
    except KnowledgeError:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("SELECT count(*) FROM documents")
    if (stored_format := _format(connection)) != FORMAT:
        raise KnowledgeError(f"the document store {path} cannot be used: its format is {stored_format}, this "
                             f"version reads {FORMAT}; run `make index`")


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _format(connection) == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        stored_format = _format(connection)
        if stored_format == FORMAT:  # another process has created them meanwhile
            return
        if not _may_be_emptied(connection, stored_format):
            raise KnowledgeError(f"the document store {path} cannot be used: it is of a newer version or of another "
                                 f"program (format {stored_format}, this version reads {FORMAT})")
        for table in (*OLD_TABLES, *TABLES):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in filter(str.strip, SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _format(connection: sqlite3.Connection) -> int:
    user_version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return user_version


def _may_be_emptied(connection: sqlite3.Connection, stored_format: int) -> bool:
    """Whether the file is new or of an earlier version; a database of another program has no format, but tables."""
    if stored_format < 1:
        return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    return stored_format < FORMAT
