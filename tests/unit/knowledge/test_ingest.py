"""Documents → index: one bad file is named and the rest go on."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.knowledge.ingest import ingest


def save(path: Path, text: str) -> Path:
    """Write a PDF of one page."""
    with pymupdf.open() as pdf:
        pdf.new_page().insert_text((72, 72), text)
        pdf.save(path)
    return path


def test_broken_file_among_good_ones(tmp_path: Path, writable: SqliteIndex) -> None:
    """The good files are in the index, the bad one is reported by name."""
    (tmp_path / "bad.pdf").write_bytes(b"not a PDF")
    paths = [save(tmp_path / "first.pdf", "Porosity"), tmp_path / "bad.pdf", save(tmp_path / "last.pdf", "Soldering")]
    outcomes = list(ingest(paths, writable))
    assert [outcome.state for outcome in outcomes] == ["added", "failed", "added"]
    assert outcomes[1].reason.startswith("bad.pdf: is not a PDF")
    assert list(writable.documents()) == ["first.pdf", "last.pdf"]


def test_same_content_is_left_and_new_content_replaces(tmp_path: Path, writable: SqliteIndex) -> None:
    """A file is read again only when its bytes changed; then the new version takes the place of the old."""
    path = save(tmp_path / "guide.pdf", "Porosity")
    assert [outcome.state for _ in range(2) for outcome in ingest([path], writable)] == ["added", "unchanged"]
    path.unlink()
    save(path, "Soldering")
    (outcome,) = ingest([path], writable)
    assert (outcome.state, outcome.pages, outcome.passages) == ("added", 1, 1)
    assert [line.text for passage in writable.all_passages() for line in passage.lines] == ["Soldering"]


def test_bad_version_leaves_the_good_one(tmp_path: Path, writable: SqliteIndex) -> None:
    """A file that became unreadable does not push its last good version out."""
    path = save(tmp_path / "guide.pdf", "Porosity")
    list(ingest([path], writable))
    path.write_bytes(b"")
    assert [outcome.state for outcome in ingest([path], writable)] == ["failed"]
    assert writable.size() == 1
