"""Store the documents of one machine in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from shotwise.adapters.stored_messages import (
    failure_of_version,
    failure_to_json,
    message_from_json,
    message_to_json,
)
from shotwise.errors import KnowledgeError
from shotwise.home import make_private_folder
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, PassageId, Postings
from shotwise.messages import Message

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
BUSY_SECONDS = 10  # how long a call waits while another process writes


@contextmanager
def translate_sqlite_errors(failure: str) -> Iterator[None]:
    """Raise an error of SQLite as a KnowledgeError that begins with `failure`."""
    try:
        yield
    except (sqlite3.Error, UnicodeEncodeError, json.JSONDecodeError) as error:  # text that is not UTF-8, damaged JSON
        raise KnowledgeError(f"{failure}: {error}") from error
    except OSError as error:
        raise KnowledgeError(f"{failure}: {error.strerror}") from error


class SqliteDocumentStore:
    """Implements `knowledge.ports.DocumentStore`. Instances are thread-safe.

    Parameters
    ----------
    path : Path
        The SQLite file.
    read_only : bool
        Whether the file never changes, as in a Lambda layer.

    Raises
    ------
    KnowledgeError
        The file cannot be opened or created, is no database, or is of a newer version; opened read-only, it is of any
        other format.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._lock = threading.RLock()
        self._identity: tuple[int, int] | None = None  # device and inode of the open file
        self.connection = self._open()

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to one thread at a time, so that no thread reads uncommitted changes of another.

        Raises
        ------
        KnowledgeError
            The file cannot be used, or was deleted.
        """
        with translate_sqlite_errors(f"the document store {self.path} cannot be used"), self._lock:
            self._follow_file()
            yield self.connection

    def _follow_file(self) -> None:
        """Open the file again that replaced the open one, which no other process reads or writes any more."""
        if self._read_only:
            return
        identity = _identity(self.path)
        if identity is None:
            raise KnowledgeError(f"the document store {self.path} was deleted or cannot be reached")
        if identity != self._identity:
            connection = self._open()
            self.connection.close()
            self.connection = connection

    def _open(self) -> sqlite3.Connection:
        with translate_sqlite_errors(f"the document store {self.path} cannot be opened"):
            if not self._read_only:
                _create_privately(self.path)
                # Before the opening: a file that replaces it in between is noticed at the next use.
                self._identity = _identity(self.path)
            uri = f"{self.path.absolute().as_uri()}?{'mode=ro&immutable=1' if self._read_only else 'mode=rwc'}"
            connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            with translate_sqlite_errors(f"the document store {self.path} cannot be used"):
                self._check_format(connection) if self._read_only else self._create_tables(connection)
        except KnowledgeError:
            connection.close()
            self._identity = None
            raise
        return connection

    def _check_format(self, connection: sqlite3.Connection) -> None:
        connection.execute("SELECT count(*) FROM documents")
        if (stored_format := _format(connection)) != FORMAT:
            raise KnowledgeError(f"the document store {self.path} cannot be used: its format is {stored_format}, this "
                                 f"version reads {FORMAT}; run `make knowledge`")

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        if _format(connection) == FORMAT:
            return
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            stored_format = _format(connection)
            if stored_format == FORMAT:  # another process has created them meanwhile
                return
            if not _may_be_emptied(connection, stored_format):
                raise KnowledgeError(f"the document store {self.path} cannot be used: it is of a newer version or of "
                                     f"another program (format {stored_format}, this version reads {FORMAT})")
            for table in (*OLD_TABLES, *TABLES):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    def put(self, indexed_document: IndexedDocument) -> None:
        """Store the document in one transaction, so that readers see either the old or the new version."""
        document, postings = indexed_document.document, indexed_document.postings
        with self.use() as connection, connection:
            self._delete_document(document.name)
            connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)", (
                document.name, document.title, document.sha256, indexed_document.version, len(document.pages),
                len(indexed_document.passages), _to_json([message_to_json(note) for note in document.notes])))
            connection.executemany("INSERT INTO pages VALUES (?, ?, ?)",
                                   ((document.name, page.number, page.text) for page in document.pages))
            connection.executemany(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                (_passage_to_row(number, passage) for number, passage in enumerate(indexed_document.passages)))
            connection.execute("INSERT INTO postings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (
                document.name, "\n".join(postings.terms), postings.starts, postings.places, postings.counts,
                postings.firsts, postings.questions, postings.actions))

    def remove(self, name: str) -> None:
        """Delete the document and the failure of this name."""
        with self.use() as connection, connection:
            self._delete_document(name)

    def _delete_document(self, name: str) -> None:
        for table, column in (("documents", "name"), ("pages", "document"), ("passages", "document"),
                              ("postings", "document"), ("failures", "name")):
            self.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))

    def versions(self) -> Mapping[str, str]:
        """Return the current version of every document by file name."""
        with self.use() as connection:
            return dict(connection.execute("SELECT name, version FROM documents ORDER BY name"))

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document, ordered by name."""
        with self.use() as connection:
            rows = connection.execute(
                "SELECT name, title, version, pages, passages, notes FROM documents ORDER BY name").fetchall()
            return [DocumentSummary(name, title, version, pages, passages, _read_notes(name, notes))
                    for name, title, version, pages, passages, notes in rows]

    def postings(self, name: str, version: str) -> Postings:
        """Return the postings of a version of a document."""
        with self.use() as connection:
            row = connection.execute(
                "SELECT p.terms, p.starts, p.places, p.counts, p.firsts, p.questions, p.actions FROM postings p"
                " JOIN documents d ON d.name = p.document WHERE d.name = ? AND d.version = ?",
                (name, version)).fetchone()
        if row is None:
            raise KnowledgeError(f"the document store {self.path} holds no {name!r} of version {version}")
        return Postings(tuple(row[0].split("\n")) if row[0] else (), *row[1:])

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passage of each id, all from the same transaction."""
        with self.use() as connection, connection:
            connection.execute("BEGIN")
            return [self._passage(passage_id) for passage_id in passage_ids]

    def _passage(self, passage_id: PassageId) -> Passage | None:
        row = self.connection.execute(
            "SELECT p.document, d.title, p.page, p.headings, p.lines, p.action FROM passages p"
            " JOIN documents d ON d.name = p.document WHERE p.document = ? AND p.number = ? AND d.version = ?",
            (passage_id.document, passage_id.number, passage_id.version)).fetchone()
        return None if row is None else _passage_from_row(row)

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as extracted from the PDF; empty if there is no such page."""
        with self.use() as connection:
            row = connection.execute("SELECT text FROM pages WHERE document = ? AND page = ?",
                                     (document, page)).fetchone()
        return row[0] if row else ""

    def note_failure(self, name: str, failure: Message | None, version: str = "") -> None:
        """Store why the newest file of this name, of this version, could not be read; None deletes the reason."""
        with self.use() as connection, connection:
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))
            if failure is not None:
                connection.execute("INSERT INTO failures VALUES (?, ?)", (
                    name, _to_json(failure_to_json(failure, version))))

    def noted_failure(self, name: str, version: str) -> Message | None:
        """Return why this version of the file could not be read; None unless the last failure noted that version."""
        with self.use() as connection:
            row = connection.execute("SELECT reason FROM failures WHERE name = ?", (name,)).fetchone()
        return failure_of_version(_parse_failure(row[0]), name, version) if row else None

    def failures(self) -> Mapping[str, Message]:
        """Return, by file name, why the newest file could not be read."""
        with self.use() as connection:
            rows = connection.execute("SELECT name, reason FROM failures ORDER BY name").fetchall()
        return {name: message_from_json(_parse_failure(reason), name) for name, reason in rows}

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def _create_privately(path: Path) -> None:
    """Create the file for its owner alone, unless there is one; SQLite gives its journals the same mode."""
    make_private_folder(path.parent)
    # Never opened if it exists: the closing of a second descriptor would end the locks of this process.
    with suppress(FileExistsError):
        os.close(os.open(os.path.realpath(path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _format(connection: sqlite3.Connection) -> int:
    user_version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return user_version


def _may_be_emptied(connection: sqlite3.Connection, stored_format: int) -> bool:
    """Whether the file is new or of an earlier version; a database of another program has no format, but tables."""
    if stored_format < 1:
        return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    return stored_format < FORMAT


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read_notes(name: str, stored: str) -> tuple[Message, ...]:
    return tuple(message_from_json(note, name) for note in json.loads(stored))


def _parse_failure(stored: str) -> dict[str, Any] | str:
    """Parse a failure as JSON, unless it is the English text that versions before there were codes stored."""
    try:
        content = json.loads(stored)
    except ValueError:
        return stored
    return content if isinstance(content, dict) else stored


def _passage_to_row(number: int, passage: Passage) -> tuple[Any, ...]:
    lines = [[line.text] if line.text == line.quote else [line.text, line.quote] for line in passage.lines]
    return passage.document, number, passage.page, _to_json(passage.headings), _to_json(lines), passage.action


def _passage_from_row(row: tuple[Any, ...]) -> Passage:
    document, title, page, headings, lines, action = row
    return Passage(document, title, page, tuple(json.loads(headings)),
                   tuple(Line(line[0], line[-1]) for line in json.loads(lines)), bool(action))
