"""The document store follows the folders of PDFs: at start, after the home was deleted, and in commands."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest
from rights import bound_by_permissions, shotwise
from small_plant import BISCUIT, FURNACE, Plant, small_plant

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.handlers.embed_documents import sync_document
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.messages import Message
from shotwise.settings import Settings
from shotwise_local.home_setup import MANUALS, SHIPPED_INDEX, add_shipped_documents, set_up_home
from shotwise_local.pdf_folders import pdfs_in
from shotwise_local.reconciliation import Reconciliation, changes, report_unread
from shotwise_local.s3_events import CREATED, REMOVED

NFC, NFD = (unicodedata.normalize(form, "작업 표준.pdf") for form in ("NFC", "NFD"))
FIND_CHANGES = """
import os
from shotwise.adapters.knowledge_factory import open_ingestion
from shotwise.settings import Settings
from shotwise_local.reconciliation import changes
settings = Settings.from_mapping(os.environ)
print(changes(settings, open_ingestion(settings.knowledge), print))
"""
SHIPPED = ["defect-casebook.pdf", "inspection-standard.pdf", "maintenance-guide.pdf", "process-manual.pdf"]


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """An empty plant."""
    return small_plant(tmp_path, analyzer)


def settings_of(plant: Plant) -> Settings:
    """Settings with the plant's folders and a document store beside them."""
    settings = Settings.from_mapping({"SHOTWISE_HOME": str(plant.own.parent)})
    return replace(settings, documents=(plant.own, plant.shipped))


def find_changes(plant: Plant) -> dict[str, str]:
    """The events of what differs."""
    return changes(settings_of(plant), plant.ingestion, lambda text: None)


def follow(plant: Plant) -> None:
    """Handle the events of what differs, as the bucket does; afterwards nothing differs."""
    for name in find_changes(plant):
        sync_document(name, plant.ingestion, plant.documents)


def test_only_what_differs_is_sent(plant: Plant) -> None:
    """A new, a changed and a removed file are; a stored one is not, and a file that cannot be read only once."""
    for name in ("same.pdf", "changed.pdf", "removed.pdf"):
        plant.add(name, f"{BISCUIT}\n{name}")
    plant.store_file("changed.pdf", FURNACE)
    (plant.own / "removed.pdf").unlink()
    plant.store_file("new.pdf", BISCUIT)
    plant.store_file("bad.pdf", "!")
    assert find_changes(plant) == {"new.pdf": CREATED, "changed.pdf": CREATED, "bad.pdf": CREATED,
                                   "removed.pdf": REMOVED}
    follow(plant)
    assert find_changes(plant) == {} and set(plant.document_store.versions()) == {"same.pdf", "changed.pdf", "new.pdf"}
    assert plant.document_store.failures()["bad.pdf"].code == "damaged"


def test_a_document_that_is_to_be_tried_again_is_sent(plant: Plant) -> None:
    """Also if its earlier version is stored, so that its failure does not stay for ever."""
    plant.add("a.pdf", BISCUIT)
    plant.document_store.note_failure("a.pdf", Message("tried_again"))
    assert find_changes(plant) == {"a.pdf": CREATED}
    follow(plant)
    assert find_changes(plant) == {} and not plant.document_store.failures()


def test_the_failure_of_a_file_goes_with_it(plant: Plant) -> None:
    """When somebody deletes a file that could not be read, the next start forgets it."""
    plant.store_file("bad.pdf", "!")
    follow(plant)
    (plant.own / "bad.pdf").unlink()
    assert find_changes(plant) == {"bad.pdf": REMOVED}
    follow(plant)
    assert not plant.document_store.failures()


def make_socket(path: Path) -> None:
    """Make a socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (lambda path: path.mkdir(), "no_file"),
    "pipe": (os.mkfifo, "no_file"),
    "socket": (make_socket, "no_file"),
    "device": (lambda path: path.symlink_to("/dev/null"), "no_file"),
    "broken link": (lambda path: path.symlink_to("absent.pdf"), "unreadable_file"),
    "looping link": (lambda path: path.symlink_to(path.name), "unreadable_file"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_named_and_stops_nothing(plant: Plant, kind: str) -> None:
    """A pipe, which would never end, and everything else of that kind is listed as failed; the others are read."""
    make, code = ODD[kind]
    make(plant.own / "odd.pdf")
    plant.store_file("good.pdf", BISCUIT)
    lines: list[str] = []
    assert changes(settings_of(plant), plant.ingestion, lines.append) == {"good.pdf": CREATED}
    (line,) = lines
    assert line.startswith("shotwise: odd.pdf: ") and plant.document_store.failures()["odd.pdf"].code == code


def test_a_name_that_is_not_utf8_is_named_and_stops_nothing(plant: Plant) -> None:
    """Such as one of a Korean Windows, in CP949; it is listed with a � for each byte that nobody can read."""
    (plant.own / os.fsdecode("작업.pdf".encode("cp949"))).write_text(BISCUIT)
    plant.store_file("good.pdf", BISCUIT)
    lines: list[str] = []
    assert changes(settings_of(plant), plant.ingestion, lines.append) == {"good.pdf": CREATED}
    ((name, failure),) = plant.document_store.failures().items()
    assert failure.code == "name_not_utf8" and "\ufffd" in name and name in lines[0]
    lines[0].encode("utf-8")


def test_an_unreadable_folder_removes_nothing(tmp_path: Path) -> None:
    """A start names it, and its documents stay, because nobody can know what it holds."""
    home, documents = tmp_path / "home", tmp_path / "home/documents"
    settings = {"SHOTWISE_HOME": home, "SHOTWISE_MANUALS": tmp_path / "none"}
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "The biscuit is 20 mm thick.")
        document.save(tmp_path / "a.pdf")
    assert shotwise("ingest", tmp_path / "a.pdf", **settings).returncode == 0
    documents.chmod(0)
    try:
        environ = {**os.environ, **{name: str(path) for name, path in settings.items()}}
        process = subprocess.run(bound_by_permissions(sys.executable, "-c", FIND_CHANGES), text=True,
                                 capture_output=True, check=True, env=environ)
    finally:
        documents.chmod(0o700)
    *named, changed = process.stdout.splitlines()
    assert changed == "{}" and any("documents" in line for line in named)


def test_a_name_that_no_document_may_have_becomes_a_failure(plant: Plant) -> None:
    """At the start as well as in an upload; it is not ingested silently."""
    plant.store_file("a:b.pdf", BISCUIT)
    plant.store_file("%41.pdf", BISCUIT)
    follow(plant)
    assert {name: failure.code for name, failure in plant.document_store.failures().items()} == {
        "a:b.pdf": "forbidden_in_name", "%41.pdf": "percent_in_name"}
    assert not plant.document_store.versions()


@pytest.mark.parametrize("folder", [".", "2026/line 7"])
def test_a_file_is_found_however_its_name_is_spelled(plant: Plant, folder: str) -> None:
    """macOS decomposes Korean characters; the document has the composed name. A folder below counts as well."""
    (plant.own / folder).mkdir(parents=True, exist_ok=True)
    (plant.own / folder / NFD).write_text(BISCUIT, "utf-8")
    assert find_changes(plant) == {NFC: CREATED}
    follow(plant)
    assert list(plant.document_store.versions()) == [NFC] and find_changes(plant) == {}
    assert plant.documents.get(NFC).content == BISCUIT.encode()
    plant.documents.remove(NFC)
    follow(plant)
    assert not plant.document_store.versions()


def test_links_between_folders_end(tmp_path: Path) -> None:
    """A folder that contains a link to itself is read once."""
    (tmp_path / "a.pdf").write_text(BISCUIT)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert pdfs_in(tmp_path) == ([tmp_path / "a.pdf"], [])


def home_settings(home: Path) -> Settings:
    """The settings of a home with the shipped manuals."""
    return Settings.from_mapping({"SHOTWISE_HOME": str(home), "SHOTWISE_MANUALS": str(MANUALS)})


def stored_names(settings: Settings) -> list[str]:
    """The names in the document store."""
    document_store = SqliteDocumentStore(settings.knowledge.index_path)
    try:
        return list(document_store.versions())
    finally:
        document_store.close()


def test_shipped_documents_are_there_at_once_and_are_current(tmp_path: Path) -> None:
    """A new home has them without reading a PDF, so that nothing waits to be read."""
    settings, lines = home_settings(tmp_path / "home"), []
    set_up_home({"SHOTWISE_HOME": str(tmp_path / "home"), "SHOTWISE_MANUALS": str(MANUALS)}, lines.append)
    assert stored_names(settings) == SHIPPED
    report_unread(settings, lines.append)
    assert lines == []


def test_a_home_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    """The shipped document store is read instead, and one line says what does not work."""
    (tmp_path / "file").write_text("x")
    environ = {"SHOTWISE_HOME": str(tmp_path / "file/home"), "SHOTWISE_MANUALS": str(MANUALS)}
    lines: list[str] = []
    set_up_home(environ, lines.append)
    settings = Settings.from_mapping(environ)
    assert settings.knowledge.index_read_only and settings.knowledge.index_path == SHIPPED_INDEX
    assert len(lines) == 1 and "cannot be written" in lines[0]
    report_unread(settings, lines.append)
    assert len(lines) == 1


def test_adding_shipped_documents_keeps_what_is_stored(tmp_path: Path) -> None:
    """Only missing ones are added, so another process that has stored a document meanwhile loses nothing."""
    settings = home_settings(tmp_path)
    add_shipped_documents(settings)
    document_store = SqliteDocumentStore(settings.knowledge.index_path)
    document_store.remove(SHIPPED[0])
    with document_store.use() as connection, connection:
        connection.execute("UPDATE documents SET version = 'own' WHERE name = ?", (SHIPPED[1],))
    add_shipped_documents(settings)
    assert list(document_store.versions()) == SHIPPED and document_store.versions()[SHIPPED[1]] == "own"
    document_store.close()


def test_files_that_wait_are_told_to_a_command_that_reads(tmp_path: Path) -> None:
    """It says how many, and who reads them; it reads none itself."""
    settings, lines = home_settings(tmp_path), []
    add_shipped_documents(settings)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/new.pdf").write_bytes(b"%PDF-1.7")
    report_unread(settings, lines.append)
    (line,) = lines
    assert "1 files" in line and "new.pdf" in line and "shotwise serve" in line and stored_names(settings) == SHIPPED


def wait_until(done: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for an effect."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"no effect within {seconds} s"
        time.sleep(0.05)


def test_a_deleted_home_is_made_again(tmp_path: Path) -> None:
    """Shipped documents are back after a few seconds, and a file that is stored then is sent."""
    home = tmp_path / "home"
    settings, events, lines = home_settings(home), dict[str, str](), list[str]()
    reconciliation = Reconciliation(settings, events.__setitem__, lines.append)
    try:
        wait_until(lambda: settings.knowledge.index_path.exists() and stored_names(settings) == SHIPPED)
        time.sleep(0.2)
        shutil.rmtree(home, ignore_errors=True)  # it may be made again meanwhile
        FolderFileStore(settings.documents, "").put("new.pdf", b"%PDF-1.7")
        wait_until(lambda: events == {"new.pdf": CREATED})
        assert stored_names(settings) == SHIPPED
    finally:
        reconciliation.close()
