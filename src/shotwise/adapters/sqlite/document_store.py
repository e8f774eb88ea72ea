"""The library of one machine: documents, pages, passages and postings in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from shotwise.adapters.stored_messages import message_from_json, message_to_json
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, PassageId, Postings
from shotwise.messages import Message

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
OLD_TABLES = ("vocabulary", "passage_tokens")  # of the formats before 3
# Raise it with every change of the tables: a file of another format is emptied, and whoever keeps the documents
# ingests them again.
FORMAT = 4
BUSY_S = 10
P = ParamSpec("P")
R = TypeVar("R")


def translated(call: Callable[Concatenate[SqliteDocumentStore, P], R]) -> Callable[Concatenate[SqliteDocumentStore, P], R]:
    """What SQLite raises, as KnowledgeError; one call at a time, so that no thread reads what another has not
    committed."""
    @wraps(call)
    def wrapped(self: SqliteDocumentStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with self.turn:
                return call(self, *args, **kwargs)
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise KnowledgeError(f"the knowledge library {self.path} cannot be used: {error}") from error

    return wrapped


class SqliteDocumentStore:
    """Implements `knowledge.ports.DocumentStore`. `read_only` opens a file that nobody writes (a Lambda layer)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.turn = threading.RLock()
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        address = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
        try:
            self.connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, check_same_thread=False)
        except sqlite3.Error as error:
            raise KnowledgeError(f"the knowledge library {path} cannot be opened: {error}") from error
        try:
            self._check_format() if read_only else self._set_up()
        except (sqlite3.Error, KnowledgeError) as error:
            self.connection.close()
            raise KnowledgeError(f"the knowledge library {path} cannot be used: {error}") from error

    def _format(self) -> int:
        found: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        return found

    def _check_format(self) -> None:
        self.connection.execute("SELECT count(*) FROM documents")
        if self._format() != FORMAT:
            raise KnowledgeError(f"its format is {self._format()}, this version reads {FORMAT}; run `make knowledge`")

    def _set_up(self) -> None:
        if self._format() == FORMAT:
            return
        self.connection.execute("BEGIN IMMEDIATE")
        with self.connection:
            if self._format() != FORMAT:  # another process may have been quicker
                for table in (*OLD_TABLES, *TABLES):
                    self.connection.execute(f"DROP TABLE IF EXISTS {table}")
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self.connection.execute(statement)
                self.connection.execute(f"PRAGMA user_version = {FORMAT}")

    @translated
    def put(self, volume: IndexedDocument) -> None:
        """Keep the document, in one transaction: a reader sees the old one or the new one, whole."""
        document, kept = volume.document, volume.postings
        with self.connection:
            self._forget(document.name)
            self.connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)", (
                document.name, document.title, document.sha256, volume.version, len(document.pages),
                len(volume.passages), _json([message_to_json(note) for note in document.notes])))
            self.connection.executemany("INSERT INTO pages VALUES (?, ?, ?)",
                                        ((document.name, page.number, page.text) for page in document.pages))
            self.connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                                        (_row(number, passage) for number, passage in enumerate(volume.passages)))
            self.connection.execute("INSERT INTO postings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (
                document.name, "\n".join(kept.terms), kept.starts, kept.places, kept.counts, kept.firsts,
                kept.questions, kept.actions))

    @translated
    def remove(self, name: str) -> None:
        """Forget the document."""
        with self.connection:
            self._forget(name)

    def _forget(self, name: str) -> None:
        for table, column in (("documents", "name"), ("pages", "document"), ("passages", "document"),
                              ("postings", "document"), ("failures", "name")):
            self.connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))

    @translated
    def versions(self) -> Mapping[str, str]:
        """File name → version, as of now."""
        return dict(self.connection.execute("SELECT name, version FROM documents ORDER BY name"))

    @translated
    def summaries(self) -> list[DocumentSummary]:
        """Every document, by name."""
        rows = self.connection.execute(
            "SELECT name, title, version, pages, passages, notes FROM documents ORDER BY name")
        return [DocumentSummary(name, title, version, pages, passages, tuple(message_from_json(note, name) for note in json.loads(notes)))
                for name, title, version, pages, passages, notes in rows]

    @translated
    def postings(self, name: str, version: str) -> Postings:
        """The postings of a version of a document."""
        row = self.connection.execute(
            "SELECT p.terms, p.starts, p.places, p.counts, p.firsts, p.questions, p.actions FROM postings p"
            " JOIN documents d ON d.name = p.document WHERE d.name = ? AND d.version = ?", (name, version)).fetchone()
        if row is None:
            raise KnowledgeError(f"the knowledge library {self.path} holds no {name!r} of version {version}")
        return Postings(tuple(row[0].split("\n")) if row[0] else (), *row[1:])

    @translated
    def passages(self, keys: Sequence[PassageId]) -> list[Passage | None]:
        """The passages that the keys name, all of one moment."""
        with self.connection:
            self.connection.execute("BEGIN")
            return [self._passage(key) for key in keys]

    def _passage(self, key: PassageId) -> Passage | None:
        row = self.connection.execute(
            "SELECT p.document, d.title, p.page, p.headings, p.lines, p.action FROM passages p"
            " JOIN documents d ON d.name = p.document WHERE p.document = ? AND p.number = ? AND d.version = ?",
            (key.document, key.number, key.version)).fetchone()
        return None if row is None else _passage(row)

    @translated
    def page_text(self, document: str, page: int) -> str:
        """The PDF's own text of a page; empty where there is no such page."""
        row = self.connection.execute("SELECT text FROM pages WHERE document = ? AND page = ?",
                                      (document, page)).fetchone()
        return row[0] if row else ""

    @translated
    def note_failure(self, name: str, failure: Message | None) -> None:
        """Note why the newest file of this name could not be read, or that it could after all."""
        with self.connection:
            self.connection.execute("DELETE FROM failures WHERE name = ?", (name,))
            if failure is not None:
                self.connection.execute("INSERT INTO failures VALUES (?, ?)", (name, _json(message_to_json(failure))))

    @translated
    def failures(self) -> Mapping[str, Message]:
        """File name → why its newest file could not be read."""
        rows = self.connection.execute("SELECT name, reason FROM failures ORDER BY name")
        return {name: _failure(name, reason) for name, reason in rows}

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _failure(name: str, stored: str) -> Message:
    """A failure as it was stored: JSON, or the English text of a version before codes."""
    try:
        content = json.loads(stored)
    except ValueError:
        content = stored
    return message_from_json(content if isinstance(content, dict) else stored, name)


def _row(number: int, passage: Passage) -> tuple[Any, ...]:
    lines = [[line.text] if line.text == line.quote else [line.text, line.quote] for line in passage.lines]
    return passage.document, number, passage.page, _json(passage.headings), _json(lines), passage.action


def _passage(row: tuple[Any, ...]) -> Passage:
    document, title, page, headings, lines, action = row
    return Passage(document, title, page, tuple(json.loads(headings)),
                   tuple(Line(line[0], line[-1]) for line in json.loads(lines)), bool(action))
