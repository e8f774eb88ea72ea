"""`shotwise ingest`: the copy of a file comes before its document, and one bad file never harms another."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from sets import pdf
from small_plant import BISCUIT, FURNACE, Plant, small_plant

from shotwise.errors import KnowledgeError
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise_cli.ingest import ServedFolder, ingest_file, ingest_paths, list_documents, remove_document

NFC, NFD = (unicodedata.normalize(form, "작업 표준.pdf") for form in ("NFC", "NFD"))


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """An empty plant."""
    return small_plant(tmp_path, analyzer)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without manuals; what `prepare` sets is undone afterwards."""
    (tmp_path / "manuals").mkdir()
    for name, setting in (("SHOTWISE_HOME", tmp_path / "home"), ("SHOTWISE_MANUALS", tmp_path / "manuals"),
                          ("SHOTWISE_MODEL_DIR", tmp_path), ("SHOTWISE_PUBLIC_URL", "http://127.0.0.1:8000"),
                          ("MPLCONFIGDIR", tmp_path), ("NO_PROXY", ""), ("no_proxy", "")):
        monkeypatch.setenv(name, str(setting))
    return tmp_path / "home"


def ingest(plant: Plant, path: Path) -> str:
    """Ingest a file into the plant, and return the state."""
    return ingest_file(path.name, path, plant.ingestion, ServedFolder([plant.own, plant.shipped])).state


def write(folder: Path, text: str) -> Path:
    """Write guide.pdf into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "guide.pdf").write_text(text, "utf-8")
    return folder / "guide.pdf"


def test_the_copy_is_complete_before_the_document_is_stored(plant: Plant, tmp_path: Path) -> None:
    """A kill in between leaves a file that the next start reads, and never a document without its file."""
    copies: list[bytes | None] = []

    def look(method: str) -> None:
        if method == "put":
            copies.append((plant.own / "guide.pdf").read_bytes())

    plant.document_store.on_call = look
    assert ingest(plant, write(tmp_path / "new", BISCUIT)) == "added" and copies == [BISCUIT.encode()]


def test_a_store_that_fails_leaves_the_copy(plant: Plant, tmp_path: Path) -> None:
    """The command fails, and the next start reads the file."""
    plant.document_store.failing = {"put"}
    with pytest.raises(KnowledgeError):
        ingest(plant, write(tmp_path / "new", BISCUIT))
    assert (plant.own / "guide.pdf").exists()


def test_a_broken_file_does_not_replace_a_good_one(plant: Plant, tmp_path: Path) -> None:
    """The failure is stored; file and document stay as they were."""
    assert ingest(plant, write(tmp_path / "new", BISCUIT)) == "added"
    assert ingest(plant, write(tmp_path / "new", "!")) == "failed"
    assert (plant.own / "guide.pdf").read_text("utf-8") == BISCUIT and plant.document_store.failures()["guide.pdf"]
    assert list(plant.document_store.versions()) == ["guide.pdf"]
    assert ingest(plant, write(tmp_path / "new", FURNACE)) == "added" and not plant.document_store.failures()
    assert (plant.own / "guide.pdf").read_text("utf-8") == FURNACE


def test_a_broken_file_without_a_document_is_kept_with_its_failure(plant: Plant, tmp_path: Path) -> None:
    """So it stays listed after the next start, and can be removed like any other file."""
    assert ingest(plant, write(tmp_path / "new", "!")) == "failed"
    assert (plant.own / "guide.pdf").read_text("utf-8") == "!"


def test_an_unchanged_document_whose_copy_is_gone_gets_it_again(plant: Plant, tmp_path: Path) -> None:
    """Otherwise the next start would remove the document."""
    assert ingest(plant, write(tmp_path / "new", BISCUIT)) == "added"
    (plant.own / "guide.pdf").unlink()
    assert ingest(plant, tmp_path / "new/guide.pdf") == "unchanged" and (plant.own / "guide.pdf").exists()


def states(*paths: Path) -> dict[str, str]:
    """Ingest, and return the state of each name."""
    return {outcome.name: outcome.state for outcome in ingest_paths(list(paths), None, lambda text: None)}


def test_odd_files_are_named_and_the_others_are_added(home: Path, tmp_path: Path) -> None:
    """A pipe, a folder called x.pdf, a link to nothing or itself, and a name in CP949: none stops the command."""
    folder = tmp_path / "new"
    folder.mkdir()
    os.mkfifo(folder / "pipe.pdf")
    (folder / "folder.pdf").mkdir()
    pdf(folder / "folder.pdf/inside.pdf", "The ladle is hot.")
    (folder / "broken.pdf").symlink_to("absent")
    (folder / "loop.pdf").symlink_to("loop.pdf")
    (folder / os.fsdecode("작업.pdf".encode("cp949"))).write_bytes(b"%PDF-")
    pdf(folder / NFD, "The biscuit is thin.")
    outcome = states(folder)
    assert {name for name, state in outcome.items() if state == "added"} == {NFC, "inside.pdf"}
    assert {name for name, state in outcome.items() if state == "failed"} == {
        "pipe.pdf", "folder.pdf", "broken.pdf", "loop.pdf", "\ufffd\ufffd\ufffd\ufffd.pdf"}
    assert {path.name for path in (home / "documents").iterdir()} == {NFC, "inside.pdf"}


@pytest.mark.parametrize("name", ["pipe.pdf", "loop.pdf"])
def test_an_odd_file_given_by_its_name_is_a_failure(home: Path, tmp_path: Path, name: str) -> None:
    """The command does not wait for a pipe's other end."""
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "loop.pdf").symlink_to("loop.pdf")
    assert states(tmp_path / name) == {name: "failed"}


def list_names() -> list[str]:
    """The names of `shotwise documents`."""
    documents: list[dict[str, Any]] = list_documents(lambda text: None)["documents"]
    return [document["name"] for document in documents]


def test_a_reading_command_changes_nothing(home: Path, tmp_path: Path) -> None:
    """Neither is a new file read nor a document removed whose file is not there yet, as beside a running ingest."""
    assert states(pdf(tmp_path / "guide.pdf", "The biscuit is thin.")) == {"guide.pdf": "added"}
    (home / "documents/guide.pdf").unlink()
    pdf(home / "documents/new.pdf", "The ladle is hot.")
    assert list_names() == ["guide.pdf"]


def test_a_document_without_its_file_can_be_removed(home: Path, tmp_path: Path) -> None:
    """As an interrupted removal, or a file deleted by hand, leaves it."""
    states(pdf(tmp_path / "guide.pdf", "The biscuit is thin."))
    (home / "documents/guide.pdf").unlink()
    assert remove_document("guide.pdf", lambda text: None).state == "removed" and list_names() == []
