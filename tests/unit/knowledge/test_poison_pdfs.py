"""PDFs that are made to cost minutes and gigabytes end within the limits, and keep what can be read of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import poison_pdfs
import pytest

from shotwise.limits import MAX_READER_BYTES, PAGE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Prints the texts of the pages and the codes of the notes, or the code of the failure, the seconds, and the peak memory
# of the reader and of its parent in MiB.
MEASUREMENT = """
import json, resource, sys, time
from pathlib import Path
from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.parse import parse
start = time.monotonic()
try:
    document = parse(Path(sys.argv[1]), page_limit_s=float(sys.argv[2]))
    outcome = {"texts": [page.text[:40].strip() for page in document.pages], "failure": "",
               "notes": [[note.code, note.params.get("page"), note.params.get("cause")] for note in document.notes]}
except DocumentError as error:
    outcome = {"texts": [], "failure": error.failure.code, "notes": []}
unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
reader, parent = (resource.getrusage(who).ru_maxrss // unit for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
print(json.dumps({**outcome, "seconds": time.monotonic() - start, "reader_mib": reader, "parent_mib": parent}))
"""
MARGIN = 1.5  # of the seconds: the processors of a test run are shared
# What is only given up by its time is read with less of it here, and with all of it in `make test-long`.
SHORT_S = 3.0
LIMITS = pytest.mark.parametrize("page_limit_s", [SHORT_S, pytest.param(PAGE_SECONDS, marks=pytest.mark.long)])


def measure(path: Path, page_limit_s: float = PAGE_SECONDS) -> dict[str, Any]:
    """Read a PDF in a process of its own, with a time limit for each page, and check that it stays in its memory."""
    # By a shell, because on Linux a process inherits the peak memory of the one that starts it, here of all tests.
    process = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", MEASUREMENT, str(path),
                              str(page_limit_s)],
                             capture_output=True, text=True, check=True)
    measurement: dict[str, Any] = json.loads(process.stdout)
    assert measurement["reader_mib"] <= MAX_READER_BYTES >> 20
    assert measurement["parent_mib"] <= 512
    return measurement


PAGES = [f"Page {number} speaks of porosity" for number in range(1, 31)]


@LIMITS
def test_a_page_of_nested_forms_is_given_up(tmp_path: Path, page_limit_s: float) -> None:
    """A page of 3 KB that takes hours to read costs half a minute."""
    measurement = measure(poison_pdfs.save_nested_forms(tmp_path / "x.pdf", [None]), page_limit_s)
    assert measurement["failure"] == "no_readable_page" and measurement["seconds"] <= 25 * MARGIN


@pytest.mark.long
def test_a_document_of_nested_forms_is_given_up(tmp_path: Path) -> None:
    """25 such pages cost a minute, and the document is refused."""
    measurement = measure(poison_pdfs.save_nested_forms(tmp_path / "x.pdf", [None] * 25))
    assert measurement["failure"] == "too_slow" and measurement["seconds"] <= 60 * MARGIN


@LIMITS
def test_a_document_keeps_its_pages_beside_bad_ones(tmp_path: Path, page_limit_s: float) -> None:
    """A document of 30 pages keeps all others beside three that cannot be read."""
    pages: list[str | None] = [*PAGES[:9], None, *PAGES[10:19], None, *PAGES[20:29], None]
    measurement = measure(poison_pdfs.save_nested_forms(tmp_path / "x.pdf", pages), page_limit_s)
    assert measurement["texts"] == [page or "" for page in pages]
    assert [note[:2] for note in measurement["notes"]] == [
        ["no_headings", None], ["page_empty", 10], ["page_empty", 20], ["page_empty", 30]]
    assert measurement["seconds"] <= 80 * MARGIN


@pytest.mark.parametrize("save", [
    poison_pdfs.save_looping_page_tree, *(pytest.param(save, marks=pytest.mark.long) for save in (
        poison_pdfs.save_deep_page_tree, poison_pdfs.save_annotations, poison_pdfs.save_drawing_bomb))])
def test_other_poison_ends_soon(tmp_path: Path, save: Callable[[Path], Path]) -> None:
    """Page trees, notes and drawings without end cost half a minute, and are refused where nothing can be read."""
    measurement = measure(save(tmp_path / "x.pdf"))
    assert measurement["seconds"] <= 30 * MARGIN
    if not measurement["failure"]:  # a fast machine reads the text beside 100,000 notes in time
        assert measurement["texts"] == ["bar"]
    else:
        assert measurement["failure"] in ("no_readable_page", "needs_too_much_memory")


@pytest.mark.parametrize("save", [
    poison_pdfs.save_patterns, poison_pdfs.save_looping_page, poison_pdfs.save_image_bomb])
def test_text_beside_what_is_never_drawn_is_read(tmp_path: Path, save: Callable[[Path], Path]) -> None:
    """Patterns, forms that show themselves and an image of 400 million pixels cost the text beside them nothing."""
    measurement = measure(save(tmp_path / "x.pdf"))
    assert "bar" in measurement["texts"][0] and measurement["seconds"] <= 5 * MARGIN


@pytest.mark.parametrize(("megabytes", "page_limit_s"), [
    (10, SHORT_S), *(pytest.param(size, PAGE_SECONDS, marks=pytest.mark.long) for size in (10, 100))])
def test_a_page_of_endless_text_is_refused(tmp_path: Path, megabytes: int, page_limit_s: float) -> None:
    """A page of words without end, whose characters take gigabytes, is refused by its time or its memory."""
    measurement = measure(poison_pdfs.save_text_bomb(tmp_path / "x.pdf", megabytes), page_limit_s)
    assert measurement["failure"] in ("no_readable_page", "needs_too_much_memory")
    assert measurement["seconds"] <= 30 * MARGIN


def test_a_page_of_too_much_text_is_cut(tmp_path: Path) -> None:
    """A page of a million characters is cut at the limit, with a note."""
    measurement = measure(poison_pdfs.save_text_bomb(tmp_path / "x.pdf", 1))
    assert measurement["texts"] == ["torque and pressure\ntorque and pressure"]
    assert [note[:2] for note in measurement["notes"]] == [["page_cut_off", 1]]


def test_pages_beside_one_that_needs_too_much_memory_are_read(tmp_path: Path) -> None:
    """A page that needs more memory than there is says so, and costs no other page."""
    lines = b"0 0 m 9 9 l S " * 600_000
    first, second, third = map(poison_pdfs.words, PAGES[:3])
    measurement = measure(poison_pdfs.save_contents(tmp_path / "x.pdf", [first, lines + second, third]))
    assert measurement["texts"] == PAGES[:3] and [note[1] for note in measurement["notes"]] == [2]
