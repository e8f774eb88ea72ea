"""The embedded knowledge index: one SQLite file with FTS5 over the tokens of `knowledge.tokens`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from shotwise.errors import KnowledgeError
from shotwise.knowledge.passage import Document, Line, Passage
from shotwise.knowledge.tokens import tokens

SCHEMA = """
CREATE TABLE documents (name TEXT PRIMARY KEY, title TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE pages (document TEXT NOT NULL, page INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (document, page));
CREATE TABLE passages (id INTEGER PRIMARY KEY, document TEXT NOT NULL, page INTEGER NOT NULL,
    headings TEXT NOT NULL, lines TEXT NOT NULL, action INTEGER NOT NULL);
CREATE INDEX passages_by_document ON passages (document);
CREATE VIRTUAL TABLE passage_tokens USING fts5 (headings, body,
    tokenize = "unicode61 remove_diacritics 0");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (passage_tokens, 'row');
"""
HEADING_WEIGHT = 2.0
# Raise it with every change of what `tokens`, `chunk` or the tables above make of a document: an index of another
# format is emptied, and whoever keeps the documents ingests them again.
FORMAT = 2
P = ParamSpec("P")
R = TypeVar("R")


def _translated(call: Callable[Concatenate[SqliteIndex, P], R]) -> Callable[Concatenate[SqliteIndex, P], R]:
    @wraps(call)
    def translated(self: SqliteIndex, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(self, *args, **kwargs)
        except sqlite3.Error as error:
            raise KnowledgeError(f"the knowledge index {self.path} cannot be used: {error}") from error

    return translated


class SqliteIndex:
    """Implements `knowledge.passage.WritableIndex`. `read_only` opens a file that nobody writes (a Lambda layer)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        address = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
        try:
            self._connection = sqlite3.connect(address, uri=True, timeout=10, check_same_thread=False)
        except sqlite3.Error as error:
            raise KnowledgeError(f"the knowledge index {path} cannot be opened: {error}") from error
        try:
            self._check_format() if read_only else self._set_up()
        except (sqlite3.Error, KnowledgeError) as error:
            self._connection.close()
            raise KnowledgeError(f"the knowledge index {path} cannot be used: {error}") from error

    def _format(self) -> int:
        found: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return found

    def _check_format(self) -> None:
        self._connection.execute("SELECT count(*) FROM documents")
        if self._format() != FORMAT:
            raise KnowledgeError(f"its format is {self._format()}, this version reads {FORMAT}; run `make knowledge`")

    def _set_up(self) -> None:
        if self._format() != FORMAT:
            tables = ("vocabulary", "passage_tokens", "passages", "pages", "documents")
            drops = "".join(f"DROP TABLE IF EXISTS {table};" for table in tables)
            self._connection.executescript(f"BEGIN; {drops} {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")

    @_translated
    def replace(self, document: Document, passages: Sequence[Passage]) -> None:
        """Put the document in, in one transaction: a reader sees the old one or the new one, whole."""
        with self._connection:
            self._remove(document.name)
            self._connection.execute("INSERT INTO documents VALUES (?, ?, ?)",
                                     (document.name, document.title, document.sha256))
            self._connection.executemany("INSERT INTO pages VALUES (?, ?, ?)",
                                         [(document.name, page.number, page.text) for page in document.pages])
            for passage in passages:
                self._insert(passage)

    def _remove(self, name: str) -> None:
        self._connection.execute(
            "DELETE FROM passage_tokens WHERE rowid IN (SELECT id FROM passages WHERE document = ?)", (name,))
        for table, column in (("passages", "document"), ("pages", "document"), ("documents", "name")):
            self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))

    def _insert(self, passage: Passage) -> None:
        lines = json.dumps([[line.text, line.quote] for line in passage.lines], ensure_ascii=False)
        cursor = self._connection.execute(
            "INSERT INTO passages (document, page, headings, lines, action) VALUES (?, ?, ?, ?, ?)",
            (passage.document, passage.page, json.dumps(passage.headings, ensure_ascii=False), lines, passage.action))
        headings, body = " ".join(passage.headings), "\n".join(line.text for line in passage.lines)
        self._connection.execute("INSERT INTO passage_tokens (rowid, headings, body) VALUES (?, ?, ?)",
                                 (cursor.lastrowid, " ".join(tokens(headings)), " ".join(tokens(body))))

    @_translated
    def search(self, tokens: Sequence[str], limit: int, *, action_only: bool = False) -> list[Passage]:
        """BM25 over headings and body. The tokens are quoted, so no query syntax gets in."""
        rows = self._connection.execute(
            "SELECT p.document, d.title, p.page, p.headings, p.lines, p.action FROM passage_tokens"
            " JOIN passages p ON p.id = passage_tokens.rowid JOIN documents d ON d.name = p.document"
            " WHERE passage_tokens MATCH ? AND p.action >= ?"
            " ORDER BY bm25(passage_tokens, ?, 1.0), p.id LIMIT ?",
            (" OR ".join(_quoted(token) for token in tokens), int(action_only), HEADING_WEIGHT, limit))
        return [_passage(row) for row in rows]

    @_translated
    def frequencies(self, tokens: Sequence[str]) -> Mapping[str, int]:
        """In how many passages each token stands."""
        marks = ", ".join("?" * len(tokens))
        return dict(self._connection.execute(f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})", list(tokens)))

    @_translated
    def size(self) -> int:
        """The number of passages."""
        count: int = self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        return count

    @_translated
    def page_text(self, document: str, page: int) -> str:
        """The PDF's own text of a page; empty where there is no such page."""
        row = self._connection.execute("SELECT text FROM pages WHERE document = ? AND page = ?",
                                       (document, page)).fetchone()
        return row[0] if row else ""

    @_translated
    def digest(self, name: str) -> str | None:
        """The sha256 of the document of this name."""
        row = self._connection.execute("SELECT sha256 FROM documents WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    @_translated
    def documents(self) -> dict[str, str]:
        """File name → title of every document."""
        return dict(self._connection.execute("SELECT name, title FROM documents ORDER BY name"))

    @_translated
    def all_passages(self) -> list[Passage]:
        """Every passage, in reading order per document."""
        rows = self._connection.execute(
            "SELECT p.document, d.title, p.page, p.headings, p.lines, p.action FROM passages p"
            " JOIN documents d ON d.name = p.document ORDER BY p.document, p.page, p.id")
        return [_passage(row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _quoted(token: str) -> str:
    return '"' + token.replace("\0", "").replace('"', '""') + '"'


def _passage(row: tuple[Any, ...]) -> Passage:
    document, title, page, headings, lines, action = row
    return Passage(document, title, page, tuple(json.loads(headings)),
                   tuple(Line(*line) for line in json.loads(lines)), bool(action))
