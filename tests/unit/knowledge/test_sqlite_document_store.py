"""The document store of one machine: each call is one transaction, and every failure a KnowledgeError."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_documents import document, indexed_document, passage

from shotwise.adapters.sqlite.database import FORMAT
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, PassageId, Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.messages import Message, note_text

NOTES = (Message("page_empty", {"page": 3, "cause": "crash"}), Message("repaired"))
EMPTY, TOO_LARGE = Message("empty"), Message("too_large", {"max_mib": 1024})


def first_version(analyzer: Analyzer) -> IndexedDocument:
    """Make the first version of a guide."""
    return indexed_document(analyzer, "기공이 생긴다", passage("기공을 줄인다", action=True),
                            pages=["기공의 쪽", "둘째 쪽"])


@pytest.fixture
def filled(document_store: SqliteDocumentStore, analyzer: Analyzer) -> SqliteDocumentStore:
    """A document store with the first version of a guide."""
    document_store.put(first_version(analyzer))
    return document_store


def holds_first(document_store: SqliteDocumentStore) -> bool:
    """Whether the store holds the first version of the guide, complete, and nothing else."""
    passages = document_store.passages([PassageId("guide.pdf", "v1", number) for number in range(3)])
    return (dict(document_store.versions()) == {"guide.pdf": "v1"}
            and [stored and stored.lines[0].text for stored in passages] == ["기공이 생긴다", "기공을 줄인다", None]
            and document_store.page_text("guide.pdf", 1) == "기공의 쪽"
            and "기공" in document_store.postings("guide.pdf", document_store.versions()["guide.pdf"]).terms)


def test_a_document_comes_back_as_it_went_in(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Headings, lines with quotes, page, flag, title, notes and postings come back from the file."""
    lines = Line("변수 낮음 이유", "이유"), Line("a", "a")
    passages = (Passage("guide.pdf", "Guide", 2, ("1 기공", '1.1 "원인"'), lines, True),
                Passage("guide.pdf", "Guide", 1, (), (), False))
    stored = IndexedDocument(
        replace(document("첫 쪽\x00", "", "셋"), notes=NOTES), "v", passages,
        build_postings(passages, analyzer, {(0, 2): ("왜 낮나요?", "누구"), (1, 0): ("어느 기공?",)}))
    document_store.put(stored)
    assert document_store.passages([PassageId("guide.pdf", "v", 0), PassageId("guide.pdf", "v", 1)]) == list(passages)
    assert document_store.postings("guide.pdf", document_store.versions()["guide.pdf"]) == stored.postings
    assert document_store.summaries() == [DocumentSummary("guide.pdf", "Guide", "v", 3, 2, NOTES)]
    assert [document_store.page_text("guide.pdf", number) for number in range(5)] == ["", "첫 쪽\x00", "", "셋", ""]


def test_a_second_version_replaces_the_first(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Nothing of the old version is left."""
    filled.put(indexed_document(analyzer, "균열이 생긴다", version="v2", pages=["균열의 쪽"]))
    assert filled.passages([PassageId("guide.pdf", "v1", 0), PassageId("guide.pdf", "v2", 1)]) == [None, None]
    assert filled.page_text("guide.pdf", 2) == "" and filled.page_text("guide.pdf", 1) == "균열의 쪽"
    assert dict(filled.versions()) == {"guide.pdf": "v2"}
    assert "기공" not in filled.postings("guide.pdf", "v2").terms


def test_other_documents_stay(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Storing, replacing and removing one document leaves the others as they are."""
    filled.put(indexed_document(analyzer, "기포가 생긴다", name="other.pdf"))
    filled.put(indexed_document(analyzer, name="other.pdf", version="v2"))
    assert dict(filled.versions()) == {"guide.pdf": "v1", "other.pdf": "v2"}
    filled.remove("other.pdf")
    filled.remove("never.pdf")
    assert holds_first(filled)


def test_an_empty_document_is_stored(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A document without passages has no terms, and a search over it finds nothing."""
    document_store.put(indexed_document(analyzer, pages=[]))
    assert document_store.postings("guide.pdf", document_store.versions()["guide.pdf"]).terms == ()
    assert document_store.summaries()[0].passages == 0
    assert HybridSearch(document_store, analyzer).search(Query("기공"), 5) == []


def test_a_missing_document_has_no_postings(filled: SqliteDocumentStore) -> None:
    """The postings of a document that is gone are an error with its name, not empty."""
    with pytest.raises(KnowledgeError, match="gone"):
        filled.postings("gone.pdf", "v1")


def fail_midway() -> Iterator[Passage]:
    """Yield a passage, then fail."""
    yield passage("균열이 생긴다")
    raise RuntimeError("the reader failed")


class Failing(tuple[Passage, ...]):
    """Passages that cannot all be read."""

    def __iter__(self) -> Iterator[Passage]:
        return fail_midway()


@pytest.mark.parametrize("passages", [Failing(), (passage("균열"), passage(b"no text"))],  # type: ignore[arg-type]
                         ids=["source fails", "line cannot be written"])
def test_a_failed_put_leaves_the_old_version(filled: SqliteDocumentStore, analyzer: Analyzer, passages: Any) -> None:
    """Where storing a new version fails midway, the old one stays complete, for this and for a new connection."""
    postings = build_postings([passage("균열")], analyzer)
    bad = IndexedDocument(document("균열의 쪽", sha256="2"), "v2", passages, postings)
    with pytest.raises((RuntimeError, TypeError)):
        filled.put(bad)
    reopened = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(filled) and holds_first(reopened)
    reopened.close()


class WatchedPassages(tuple[Passage, ...]):
    """Passages that run `look` in another thread while they are being stored."""

    look: Callable[[], None]

    def __iter__(self) -> Iterator[Passage]:
        self.looking = threading.Thread(target=self.look, daemon=True)
        self.looking.start()
        self.looking.join(1)
        return super().__iter__()


@pytest.mark.parametrize("own", [True, False], ids=["own connection", "shared connection"])
def test_nobody_sees_half_a_document(filled: SqliteDocumentStore, analyzer: Analyzer, own: bool) -> None:
    """While a new version is stored, another thread reads the old version or the new one, complete."""
    seen: list[tuple[dict[str, str], str, tuple[Passage | None, ...]]] = []
    reader = SqliteDocumentStore(filled.path) if own else filled
    passage_ids = [PassageId("guide.pdf", version, 0) for version in ("v1", "v2")]

    def look() -> None:
        seen.append((dict(reader.versions()), reader.page_text("guide.pdf", 1), tuple(reader.passages(passage_ids))))

    new = indexed_document(analyzer, "균열이 생긴다", version="v2", pages=["균열의 쪽"])
    old = filled.passages(passage_ids[:1])[0]
    passages = WatchedPassages(new.passages)
    passages.look = look
    filled.put(replace(new, passages=passages))
    passages.looking.join(30)
    assert seen[0] in [({"guide.pdf": "v1"}, "기공의 쪽", (old, None)),
                       ({"guide.pdf": "v2"}, "균열의 쪽", (None, new.passages[0]))]
    if own:
        reader.close()


def test_failures_are_noted_and_forgotten(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """The newest failure stays until the file is read, removed or cleared; the stored version stays."""
    for name in ("guide.pdf", "other.pdf", "third.pdf"):
        filled.note_failure(name, EMPTY)
    filled.note_failure("guide.pdf", TOO_LARGE)
    assert dict(filled.failures()) == {"guide.pdf": TOO_LARGE, "other.pdf": EMPTY, "third.pdf": EMPTY}
    assert holds_first(filled)
    filled.note_failure("third.pdf", None)
    filled.remove("other.pdf")
    filled.put(indexed_document(analyzer, "균열", version="v2"))
    assert dict(filled.failures()) == {}


def test_a_failure_is_noted_with_its_version(filled: SqliteDocumentStore) -> None:
    """The failure of a version is returned for that version alone, and not for an entry that noted no version."""
    filled.note_failure("guide.pdf", EMPTY, "v2")
    filled.note_failure("other.pdf", TOO_LARGE)
    with filled.connection:
        filled.connection.execute("INSERT INTO failures VALUES ('old.pdf', 'old.pdf: is empty')")
    assert filled.noted_failure("guide.pdf", "v2") == EMPTY and filled.failures()["guide.pdf"] == EMPTY
    assert [filled.noted_failure(name, version) for name, version in (
        ("guide.pdf", "v3"), ("guide.pdf", ""), ("other.pdf", ""), ("old.pdf", ""), ("none.pdf", "v2"))] == [None] * 5
    filled.note_failure("guide.pdf", TOO_LARGE, "v3")
    assert (filled.noted_failure("guide.pdf", "v2"), filled.noted_failure("guide.pdf", "v3")) == (None, TOO_LARGE)


@pytest.mark.parametrize("read_only", [True, False])
def test_notes_and_failures_that_were_stored_as_text_are_read(filled: SqliteDocumentStore, read_only: bool) -> None:
    """A file that a version before codes wrote keeps its English texts, without the name that they began with."""
    with filled.connection:
        filled.connection.execute("UPDATE documents SET notes = ?", (
            '["guide.pdf: page 2 crashed the reader; it is left empty", "{no name}"]',))
        filled.connection.executemany("INSERT INTO failures VALUES (?, ?)", [
            ("a.pdf", "a.pdf: is empty; export it again as PDF"), ("b.pdf", "7"), ("{c}.pdf", "{c}.pdf: is damaged")])
    reader = SqliteDocumentStore(filled.path, read_only=read_only)
    assert holds_first(reader)
    assert [note_text("guide.pdf", note) for note in reader.summaries()[0].notes] == [
        "guide.pdf: page 2 crashed the reader; it is left empty", "guide.pdf: {no name}"]
    assert reader.failures() == {
        name: Message("earlier_text", {"text": text}) for name, text in (
            ("a.pdf", "is empty; export it again as PDF"), ("b.pdf", "7"), ("{c}.pdf", "is damaged"))}
    reader.close()


@pytest.mark.parametrize("name", ["「점검」 용해·보온로 #1.pdf", "a'b\"c;--.pdf", "a\nb.pdf", "%?.pdf", "É.pdf",
                                  "E\u0301.pdf", " "])
def test_a_document_may_have_any_name(document_store: SqliteDocumentStore, analyzer: Analyzer, name: str) -> None:
    """A name may have any characters, whatever they mean in SQL or in URLs."""
    document_store.put(indexed_document(analyzer, "기공", name=name))
    document_store.note_failure(name, EMPTY)
    assert list(document_store.versions()) == list(document_store.failures()) == [name]
    assert HybridSearch(document_store, analyzer).search(Query("기공"), 5)[0].document == name
    document_store.remove(name)
    assert not document_store.versions() and not document_store.failures()


def test_text_that_is_no_text_is_a_knowledge_error(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Half a surrogate pair in a page, a line or a name is a KnowledgeError, and nothing is stored."""
    for bad in (indexed_document(analyzer, "기공", pages=["\ud800"]),
                indexed_document(analyzer, "기공 \ud800", pages=["기공"]),
                indexed_document(analyzer, "기공", name="\udcff.pdf")):
        with pytest.raises(KnowledgeError):
            document_store.put(bad)
    assert not document_store.versions()


def test_read_only_refuses_to_write(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A store that is opened as in a Lambda layer can be read and not written."""
    reader = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(reader)
    for write in (lambda: reader.put(indexed_document(analyzer, "균열")), lambda: reader.remove("guide.pdf"),
                  lambda: reader.note_failure("a", EMPTY)):
        with pytest.raises(KnowledgeError, match="readonly"):
            write()
    reader.close()


def test_a_file_that_breaks_later_is_a_knowledge_error(filled: SqliteDocumentStore) -> None:
    """A file that is damaged while it is open is a KnowledgeError."""
    reader = SqliteDocumentStore(filled.path, read_only=True)
    content = filled.path.read_bytes()
    filled.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(KnowledgeError, match="cannot be used"):
        for _ in range(2):
            reader.passages([PassageId("guide.pdf", "v1", 0)])
            reader.postings("guide.pdf", reader.versions()["guide.pdf"])
    reader.close()


def test_a_closed_store_is_a_knowledge_error(filled: SqliteDocumentStore) -> None:
    """An error of SQLite is a KnowledgeError."""
    filled.close()
    with pytest.raises(KnowledgeError, match="cannot be used"):
        filled.versions()


OLD_POSTINGS = "DROP TABLE postings; CREATE TABLE postings (document, terms, starts, passages, counts, actions);"


@pytest.mark.parametrize("before", [
    "PRAGMA user_version = 1", "CREATE TABLE vocabulary (a); PRAGMA user_version = 2",
    f"{OLD_POSTINGS} PRAGMA user_version = 3"])
def test_a_store_of_an_earlier_format_is_emptied_to_be_filled_again(filled: SqliteDocumentStore, analyzer: Analyzer,
                                                                 before: str) -> None:
    """Tables of an earlier format are emptied; read-only they are refused with what to do."""
    filled.connection.executescript(before)
    filled.close()
    with pytest.raises(KnowledgeError, match="make index"):
        SqliteDocumentStore(filled.path, read_only=True)
    emptied = SqliteDocumentStore(filled.path)
    assert not emptied.versions() and not emptied.failures() and emptied.page_text("guide.pdf", 1) == ""
    assert emptied.connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    emptied.put(first_version(analyzer))
    emptied.close()
    reopened = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(reopened)
    reopened.close()


def hold_write_lock(path: Path, ready: Any, release: Any) -> None:
    """Hold the file's write lock, in another process, until released."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    ready.set()
    release.wait(60)
    connection.execute("ROLLBACK")
    connection.close()


def test_another_process_that_writes_is_waited_for(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A call waits for another process that writes, up to a limit; afterwards it succeeds."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=hold_write_lock, args=(filled.path, ready, release))
    process.start()
    try:
        assert ready.wait(60)
        filled.connection.execute("PRAGMA busy_timeout = 100")
        for call in (filled.versions, lambda: filled.put(indexed_document(analyzer, "균열", version="v2"))):
            with pytest.raises(KnowledgeError, match="locked"):
                call()
        filled.connection.execute("PRAGMA busy_timeout = 30000")
        threading.Timer(0.5, release.set).start()
        assert holds_first(filled)
    finally:
        release.set()
        process.join(60)
