"""Time, memory and processes for PDFs of thousands of pages, pages of endless work, and readers that are killed."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pymupdf4llm.helpers.pymupdf_rag import to_markdown
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from sizes import sizes

from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.page_reader import clean
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.parse_worker import GRACE_S, may_hold_table
from shotwise.messages import Message

from .running import ROOT

pytestmark = pytest.mark.slow

FONT = ROOT / "src/shotwise/charts/fonts/NanumSquareR.ttf"
WORDS = ("주조", "압력이", "낮으면", "기공이", "생기므로", "승압", "시간을", "점검한다.", "biscuit", "thickness",
         "shows", "the", "fill", "of", "a", "shot.", "금형", "온도와", "이형제", "분사량을", "기록한다.")
# Prints pages, notes, seconds, and the peak memory of this process and its worker, beyond the start, in KiB.
MEASUREMENT = """
import json, resource, sys, time
from pathlib import Path
from shotwise.knowledge.ingestion.parse import parse
def peak(): return [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
before, start = peak()[0], time.monotonic()
document = parse(Path(sys.argv[1]))
seconds = time.monotonic() - start
unit = 1024 if sys.platform == "darwin" else 1
print(json.dumps({"pages": len(document.pages), "empty": sum(not page.text.strip() for page in document.pages),
                  "notes": [note.code for note in document.notes], "seconds": seconds,
                  "kib": (sum(peak()) - before) // unit}))
"""
# The real worker, which writes its process id and holds a lock until the kernel has ended it.
LOCKING_WORKER = """
import fcntl, os, sys
lock = open(sys.argv.pop(1), "w"); fcntl.flock(lock, fcntl.LOCK_EX); lock.write(str(os.getpid())); lock.flush()
from shotwise.knowledge.ingestion.parse_worker import main
main()
"""


def save_text_pages(path: Path, count: int) -> Path:
    """Write a PDF of pages full of Korean and English lines under a heading, ruled off from header and footer."""
    pdfmetrics.registerFont(TTFont("Nanum", str(FONT)))
    canvas, dice = Canvas(str(path)), random.Random(1)
    for number in range(1, count + 1):
        canvas.setFont("Nanum", 18)
        canvas.drawString(60, 785, f"{number}. {dice.choice(WORDS)} {dice.choice(WORDS)}")
        canvas.line(60, 775, 540, 775)
        canvas.line(60, 55, 540, 55)
        canvas.setFont("Nanum", 10)
        for line in range(44):
            canvas.drawString(60, 755 - 15 * line - 8 * (line // 11), " ".join(dice.choices(WORDS, k=14)))
        canvas.showPage()
    canvas.save()
    return path


def save_tiny_pages(path: Path, count: int) -> Path:
    """Write a PDF of pages of one line."""
    canvas = Canvas(str(path))
    for number in range(1, count + 1):
        canvas.drawString(72, 700, f"Page {number} says little.")
        canvas.showPage()
    canvas.save()
    return path


def save_slow_page(path: Path) -> Path:
    """Write a PDF of three pages; the second has so many lines that laying it out takes minutes."""
    lines = (b"%d %d m %d %d l S " % (i % 500, i % 700, (i * 7) % 500, (i * 3) % 700) for i in range(100_000))
    with pymupdf.open() as pdf:
        for word in ("Soldering", "Porosity", "Flash"):
            pdf.new_page().insert_text((72, 72), word)
        stream = pdf[1].get_contents()[0]
        pdf.update_stream(stream, pdf.xref_stream(stream) + b"".join(lines))
        pdf.save(path)
    return path


def measure(path: Path) -> dict[str, Any]:
    """Parse a PDF in a process of its own, which measures itself and its worker."""
    process = subprocess.run([sys.executable, "-c", MEASUREMENT, str(path)], capture_output=True, text=True, check=True)
    measurement: dict[str, Any] = json.loads(process.stdout)
    return measurement


def locking_worker(lock: Path) -> list[str]:
    """Return the command of a worker that holds `lock` while it lives."""
    return [sys.executable, "-c", LOCKING_WORKER, str(lock)]


def is_held(lock: Path) -> bool:
    """Whether a worker that took this lock still lives."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def reader(path: Path, lock: Path, limit_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that parses `path`; yield it a second after its worker has started."""
    code = ("from pathlib import Path; from shotwise.knowledge.ingestion.parse import parse; "
            f"parse(Path({str(path)!r}), command={locking_worker(lock)!r}, page_limit_s={limit_s})")
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            wait_until(lambda: lock.exists() and is_held(lock), 60)
            time.sleep(1)
            assert is_held(lock) and process.poll() is None
            yield process
        finally:
            process.kill()


def wait_until(is_done: Callable[[], bool], seconds: float) -> None:
    """Wait until it is done, and fail if it is not in time."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.long
def test_thousand_text_pages(tmp_path: Path) -> None:
    """1,000 full pages are read at 5 a second or faster, within 512 MiB."""
    measurement = measure(save_text_pages(tmp_path / "thick.pdf", 1000))
    assert (measurement["pages"], measurement["empty"], measurement["notes"]) == (1000, 0, [])
    assert measurement["pages"] / measurement["seconds"] >= 5
    assert measurement["kib"] <= 512 << 10


@sizes(short=2_000, long=10_000)
def test_thousands_of_tiny_pages(tmp_path: Path, times: int) -> None:
    """No step looks at all pages for each page: 10,000 pages take minutes and the same memory."""
    measurement = measure(save_tiny_pages(tmp_path / "long.pdf", times))
    assert (measurement["pages"], measurement["empty"], measurement["notes"]) == (times, 0, [])
    assert measurement["seconds"] <= times / 40
    assert measurement["kib"] <= 512 << 10


@pytest.mark.alone
def test_text_pages_per_second(tmp_path: Path) -> None:
    """A document of 60 text pages is read at 5 pages a second or faster, with the start of its worker."""
    path = save_text_pages(tmp_path / "guide.pdf", 60)
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        document = parse(path)
        seconds.append(time.monotonic() - start)
    assert len(split_into_passages(document)) >= 60
    assert 60 / min(seconds) >= 5


@pytest.mark.parametrize("path", [
    pytest.param(path, id=path.stem, marks=() if path.stem == "process-manual" else pytest.mark.long)
    for path in sorted((ROOT / "manuals").glob("*.pdf"))])
def test_manual_is_read_as_in_one_call(path: Path) -> None:
    """A shipped manual that is read page by page is what one call of pymupdf4llm gives."""
    with pymupdf.open(path) as pdf:
        in_one_call = [(clean(chunk["text"]), clean(page.get_text()))
                       for chunk, page in zip(to_markdown(pdf, page_chunks=True), pdf, strict=True)]
    document = parse(path)
    assert [(page.markdown, page.text) for page in document.pages] == in_one_call
    assert document.notes == ()


def test_page_of_endless_work_is_read_as_text(tmp_path: Path) -> None:
    """A page that takes minutes is read as plain text, and the page after it is laid out."""
    document = parse(save_slow_page(tmp_path / "slow.pdf"), page_limit_s=4)
    assert [page.text.strip() for page in document.pages] == ["Soldering", "Porosity", "Flash"]
    assert document.notes == (Message("page_plain_text", {"page": 2, "cause": "timeout after 4 s"}),)


def test_no_worker_is_left_behind(tmp_path: Path) -> None:
    """When `parse` returns, its workers are gone, none waiting to be reaped."""
    lock = tmp_path / "lock"
    parse(save_slow_page(tmp_path / "slow.pdf"), command=locking_worker(lock), page_limit_s=4)
    assert not is_held(lock)
    with pytest.raises(ProcessLookupError):
        os.kill(int(lock.read_text("ascii")), 0)


def test_worker_ends_with_a_killed_reader(tmp_path: Path) -> None:
    """A worker whose parent was killed ends at its next page."""
    lock = tmp_path / "lock"
    with reader(save_tiny_pages(tmp_path / "long.pdf", 10_000), lock, 20) as process:
        process.kill()
        wait_until(lambda: not is_held(lock), 10)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_hanging_worker_ends_with_a_killed_reader(tmp_path: Path) -> None:
    """A worker whose parent was killed ends in the middle of a page."""
    lock = tmp_path / "lock"
    with reader(save_slow_page(tmp_path / "slow.pdf"), lock, 10) as process:
        process.kill()
        wait_until(lambda: not is_held(lock), 2)


def test_hanging_worker_ends_by_itself(tmp_path: Path) -> None:
    """A worker whose parent does not stop it ends in the middle of a page, a little after the limit of that page."""
    lock = tmp_path / "lock"
    with reader(save_slow_page(tmp_path / "slow.pdf"), lock, 4) as process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        assert is_held(lock), "the page was read too quickly"
        wait_until(lambda: not is_held(lock), 4 + GRACE_S + 5)


def draw_lines(page: pymupdf.Page, dice: random.Random) -> None:
    """Draw words and a few lines, boxes and rows of ticks on the page, close to each other."""
    for _ in range(6):
        page.insert_text((dice.randint(40, 300), dice.randint(50, 160)), "12 bar", fontsize=dice.choice([5, 9, 14]))
    x, y = 60.0, 60.0
    for _ in range(dice.randint(1, 7)):
        x, y = x + dice.choice([-40, -3, 0, 1, 3, 40]), y + dice.choice([-20, -3, 0, 1, 2.5, 3, 3.1, 6, 20])
        kind = dice.random()
        if kind < 0.3:
            page.draw_line((x, y), (x + dice.choice([5, 50, 300]), y + dice.choice([0, 0, 1, 3])))
        elif kind < 0.5:
            page.draw_line((x, y), (x + dice.choice([0, 0, 2]), y + dice.choice([1, 2.9, 3, 6, 50, 100])))
        elif kind < 0.8:
            page.draw_rect((x, y, x + dice.choice([1, 3, 6, 30, 200]), y + dice.choice([0.5, 2.9, 3, 6, 30, 60])),
                           color=dice.choice([None, (0, 0, 0)]), fill=dice.choice([None, (0.8, 0.8, 0.8)]))
        else:
            step, height = dice.choice([2, 4, 10, 40]), dice.choice([1, 2.9, 3, 4])
            for tick in range(dice.randint(2, 6)):
                page.draw_line((x + tick * step, y), (x + tick * step, y + height))


def test_tables_are_looked_for_wherever_one_may_be() -> None:
    """On random drawings no table of two rows and columns is missed, and many pages are skipped."""
    dice, outcomes = random.Random(7), []
    with pymupdf.open() as pdf:
        for number in range(600):
            draw_lines(pdf.new_page(), dice)
            page = pdf[number]
            tables = page.find_tables(clip=page.rect, strategy="lines_strict").tables
            outcomes.append((any(table.row_count > 1 and table.col_count > 1 for table in tables),
                             may_hold_table(page.get_cdrawings())))
    assert (True, False) not in outcomes
    assert min(outcomes.count((True, True)), outcomes.count((False, False))) > 10
