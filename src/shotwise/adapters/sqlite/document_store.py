"""Store the documents of one machine in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shotwise.adapters.sqlite.database import (
    create_file,
    file_identity,
    open_database,
    translate_sqlite_errors,
)
from shotwise.adapters.stored_messages import (
    failure_of_version,
    failure_to_json,
    message_from_json,
    message_to_json,
)
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, PassageId, Postings
from shotwise.limits import STORE_SECONDS
from shotwise.messages import Message


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
        # Before the opening: a file that replaces it in between is noticed at the next use.
        self._identity = None if read_only else create_file(path)
        self.connection = open_database(path, read_only=read_only)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to one thread at a time, so that no thread reads uncommitted changes of another.

        Raises
        ------
        KnowledgeError
            The file cannot be used, or was deleted.
        """
        if not self._lock.acquire(timeout=STORE_SECONDS):  # another thread waits for another process
            raise KnowledgeError(f"the document store {self.path} is busy")
        try:
            with translate_sqlite_errors(f"the document store {self.path} cannot be used"):
                self._follow_file()
                yield self.connection
        finally:
            self._lock.release()

    def _follow_file(self) -> None:
        """Open the file again that replaced the open one, which no other process reads or writes any more."""
        if self._read_only:
            return
        identity = file_identity(self.path)
        if identity is None:
            raise KnowledgeError(f"the document store {self.path} was deleted or cannot be reached")
        if identity != self._identity:
            connection = open_database(self.path)
            self.connection.close()
            self.connection, self._identity = connection, identity

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
