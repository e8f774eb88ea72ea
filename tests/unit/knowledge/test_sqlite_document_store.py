"""The library of one machine: one transaction a call, clear failures."""

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

from shotwise.adapters.sqlite.document_store import FORMAT, SqliteDocumentStore
from shotwise.errors import KnowledgeError
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, PassageId, Query
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.messages import Message, note_text


NOTES = (Message("page_empty", {"page": 3, "cause": "crash"}), Message("repaired"))
EMPTY, TOO_LARGE = Message("empty"), Message("too_large", {"max_mib": 1024})


@pytest.fixture
def filled(library: SqliteDocumentStore, analyzer: Analyzer) -> SqliteDocumentStore:
    """A library that holds the first version of a guide."""
    library.put(indexed_document(analyzer, "기공이 생긴다", passage("기공을 줄인다", action=True), pages=["기공의 쪽", "둘째 쪽"]))
    return library


def holds_first(library: SqliteDocumentStore) -> bool:
    """Whether it holds the first version of the guide, whole, and nothing else."""
    kept = library.passages([PassageId("guide.pdf", "v1", number) for number in range(3)])
    return (dict(library.versions()) == {"guide.pdf": "v1"} and [each and each.lines[0].text for each in kept]
            == ["기공이 생긴다", "기공을 줄인다", None] and library.page_text("guide.pdf", 1) == "기공의 쪽"
            and "기공" in library.postings("guide.pdf", library.versions()["guide.pdf"]).terms)


def test_a_document_comes_back_as_it_went_in(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Headings, lines with their quotes, page, flag, title, notes and postings survive the file."""
    kept = (Passage("guide.pdf", "Guide", 2, ("1 기공", '1.1 "원인"'), (Line("변수 낮음 이유", "이유"), Line("a", "a")),
                    True),
            Passage("guide.pdf", "Guide", 1, (), (), False))
    stored = IndexedDocument(replace(document("첫 쪽\x00", "", "셋"), notes=NOTES), "v", kept,
                    build_postings(kept, analyzer, {(0, 2): ("왜 낮나요?", "누구"), (1, 0): ("어느 기공?",)}))
    library.put(stored)
    assert library.passages([PassageId("guide.pdf", "v", 0), PassageId("guide.pdf", "v", 1)]) == list(kept)
    assert library.postings("guide.pdf", library.versions()["guide.pdf"]) == stored.postings
    assert library.summaries() == [DocumentSummary("guide.pdf", "Guide", "v", 3, 2, NOTES)]
    assert [library.page_text("guide.pdf", number) for number in range(5)] == ["", "첫 쪽\x00", "", "셋", ""]


def test_a_second_version_replaces_the_first(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Of a document that is put in again nothing old is kept."""
    filled.put(indexed_document(analyzer, "균열이 생긴다", version="v2", pages=["균열의 쪽"]))
    assert filled.passages([PassageId("guide.pdf", "v1", 0), PassageId("guide.pdf", "v2", 1)]) == [None, None]
    assert filled.page_text("guide.pdf", 2) == "" and filled.page_text("guide.pdf", 1) == "균열의 쪽"
    assert dict(filled.versions()) == {"guide.pdf": "v2"}
    assert "기공" not in filled.postings("guide.pdf", "v2").terms


def test_other_documents_stay(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Putting in, replacing and removing one document leaves the others as they are."""
    filled.put(indexed_document(analyzer, "기포가 생긴다", name="other.pdf"))
    filled.put(indexed_document(analyzer, name="other.pdf", version="v2"))
    assert dict(filled.versions()) == {"guide.pdf": "v1", "other.pdf": "v2"}
    filled.remove("other.pdf")
    filled.remove("never.pdf")
    assert holds_first(filled)


def test_an_empty_document_is_kept(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """It has no terms, and a search over it finds nothing."""
    library.put(indexed_document(analyzer, pages=[]))
    assert library.postings("guide.pdf", library.versions()["guide.pdf"]).terms == ()
    assert library.summaries()[0].passages == 0
    assert HybridSearch(library, analyzer).search(Query("기공"), 5) == []


def test_what_is_not_kept_has_no_postings(filled: SqliteDocumentStore) -> None:
    """A document that is gone is an error by its name: its postings are not those of an empty one."""
    with pytest.raises(KnowledgeError, match="gone"):
        filled.postings("gone.pdf", "v1")


def broken_off() -> Iterator[Passage]:
    """Passages whose source fails after the first."""
    yield passage("균열이 생긴다")
    raise RuntimeError("the reader failed")


class Failing(tuple[Passage, ...]):
    """Passages that cannot all be read."""

    def __iter__(self) -> Iterator[Passage]:
        return broken_off()


@pytest.mark.parametrize("passages", [Failing(), (passage("균열"), passage(b"no text"))],  # type: ignore[arg-type]
                         ids=["source fails", "line cannot be written"])
def test_a_failed_put_leaves_the_old_version(filled: SqliteDocumentStore, analyzer: Analyzer, passages: Any) -> None:
    """Where putting in a new version fails midway, the old one stays whole, for this and for a new connection."""
    bad = IndexedDocument(document("균열의 쪽", sha256="2"), "v2", passages, build_postings([passage("균열")], analyzer))
    with pytest.raises((RuntimeError, TypeError)):
        filled.put(bad)
    again = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(filled) and holds_first(again)
    again.close()


class Watched(tuple[Passage, ...]):
    """Passages that run `look` in another thread while they are being put in."""

    look: Callable[[], None]

    def __iter__(self) -> Iterator[Passage]:
        self.looking = threading.Thread(target=self.look, daemon=True)
        self.looking.start()
        self.looking.join(1)
        return super().__iter__()


@pytest.mark.parametrize("own", [True, False], ids=["own connection", "shared connection"])
def test_nobody_sees_half_a_document(filled: SqliteDocumentStore, analyzer: Analyzer, own: bool) -> None:
    """What another thread reads while a new version is being put in is the old version whole, or the new one."""
    seen: list[tuple[dict[str, str], str, tuple[Passage | None, ...]]] = []
    reader = SqliteDocumentStore(filled.path) if own else filled
    keys = [PassageId("guide.pdf", version, 0) for version in ("v1", "v2")]

    def look() -> None:
        seen.append((dict(reader.versions()), reader.page_text("guide.pdf", 1), tuple(reader.passages(keys))))

    new = indexed_document(analyzer, "균열이 생긴다", version="v2", pages=["균열의 쪽"])
    old = filled.passages(keys[:1])[0]
    passages = Watched(new.passages)
    passages.look = look
    filled.put(replace(new, passages=passages))
    passages.looking.join(30)
    assert seen[0] in [({"guide.pdf": "v1"}, "기공의 쪽", (old, None)),
                       ({"guide.pdf": "v2"}, "균열의 쪽", (None, new.passages[0]))]
    if own:
        reader.close()


def test_failures_are_noted_and_forgotten(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """The newest reason holds until the file is read, removed or said to be well; the version kept stays."""
    for name in ("guide.pdf", "other.pdf", "third.pdf"):
        filled.note_failure(name, EMPTY)
    filled.note_failure("guide.pdf", TOO_LARGE)
    assert dict(filled.failures()) == {"guide.pdf": TOO_LARGE, "other.pdf": EMPTY, "third.pdf": EMPTY}
    assert holds_first(filled)
    filled.note_failure("third.pdf", None)
    filled.remove("other.pdf")
    filled.put(indexed_document(analyzer, "균열", version="v2"))
    assert dict(filled.failures()) == {}


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
def test_a_document_may_have_any_name(library: SqliteDocumentStore, analyzer: Analyzer, name: str) -> None:
    """A name is a name, whatever it would mean in SQL, in an address or on a screen."""
    library.put(indexed_document(analyzer, "기공", name=name))
    library.note_failure(name, EMPTY)
    assert list(library.versions()) == list(library.failures()) == [name]
    assert HybridSearch(library, analyzer).search(Query("기공"), 5)[0].document == name
    library.remove(name)
    assert not library.versions() and not library.failures()


def test_text_that_is_no_text_is_a_knowledge_error(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Half a surrogate pair, in a page, in a line or in a file's name, is refused as the port says, and nothing is
    kept of it."""
    for bad in (indexed_document(analyzer, "기공", pages=["\ud800"]), indexed_document(analyzer, "기공 \ud800", pages=["기공"]),
                indexed_document(analyzer, "기공", name="\udcff.pdf")):
        with pytest.raises(KnowledgeError):
            library.put(bad)
    assert not library.versions()


def test_read_only_refuses_to_write(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A library opened as in a Lambda layer is read and not written."""
    library = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(library)
    for write in (lambda: library.put(indexed_document(analyzer, "균열")), lambda: library.remove("guide.pdf"),
                  lambda: library.note_failure("a", EMPTY)):
        with pytest.raises(KnowledgeError, match="readonly"):
            write()
    library.close()


def test_a_file_that_breaks_later_is_a_knowledge_error(filled: SqliteDocumentStore) -> None:
    """Pages of the file that are torn while it is open reach the caller as the error of the port."""
    reader = SqliteDocumentStore(filled.path, read_only=True)
    content = filled.path.read_bytes()
    filled.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(KnowledgeError, match="cannot be used"):
        for _ in range(2):
            reader.passages([PassageId("guide.pdf", "v1", 0)])
            reader.postings("guide.pdf", reader.versions()["guide.pdf"])
    reader.close()


def test_a_closed_library_is_a_knowledge_error(filled: SqliteDocumentStore) -> None:
    """What SQLite raises reaches the caller as the error of the port."""
    filled.close()
    with pytest.raises(KnowledgeError, match="cannot be used"):
        filled.versions()


OLD_POSTINGS = "DROP TABLE postings; CREATE TABLE postings (document, terms, starts, passages, counts, actions);"


@pytest.mark.parametrize("before", [
    "PRAGMA user_version = 1", "PRAGMA user_version = 99", "CREATE TABLE vocabulary (a); PRAGMA user_version = 2",
    f"{OLD_POSTINGS} PRAGMA user_version = 3"])
def test_a_library_of_another_format_is_emptied_to_be_ingested_again(filled: SqliteDocumentStore, analyzer: Analyzer,
                                                                     before: str) -> None:
    """What another version kept is not read by this one; read-only it is refused with what to do."""
    filled.connection.executescript(before)
    filled.close()
    with pytest.raises(KnowledgeError, match="make knowledge"):
        SqliteDocumentStore(filled.path, read_only=True)
    library = SqliteDocumentStore(filled.path)
    assert not library.versions() and not library.failures() and library.page_text("guide.pdf", 1) == ""
    assert library.connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    library.put(indexed_document(analyzer, "기공이 생긴다", passage("기공을 줄인다", action=True), pages=["기공의 쪽"]))
    library.close()
    again = SqliteDocumentStore(filled.path, read_only=True)
    assert holds_first(again)
    again.close()


def hold(path: Path, ready: Any, release: Any) -> None:
    """Hold the file's write lock, from another process, until told to let go."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    ready.set()
    release.wait(60)
    connection.execute("ROLLBACK")
    connection.close()


def test_another_process_that_writes_is_waited_for(filled: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """While another process writes, a call waits its time, then fails as the port says; afterwards all is well."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(filled.path, ready, release))
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
