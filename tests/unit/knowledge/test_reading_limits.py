"""Reading a document ends within its time, its memory and its size, and only a file is read at all."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from pathlib import Path

import pytest
from fakes import InMemoryDocumentStore
from sample_pdfs import draw_words, parse_with_fake_worker, save

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.pipeline import Ingestion
from shotwise.knowledge.ingestion.time_budget import TimeBudget
from shotwise.knowledge.ingestion.worker_process import WorkerProcess, WorkerStopped
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.limits import (
    MAX_DOCUMENT_NOTES,
    MAX_DOCUMENT_SECONDS,
    MAX_PAGES,
    MAX_READER_BYTES,
    MAX_READER_LINE_BYTES,
    MAX_TITLE_CHARACTERS,
    MIN_DOCUMENT_SECONDS,
    OPEN_SECONDS,
    PAGE_SECONDS,
    PLAIN_PAGE_SECONDS,
    SECONDS_PER_PAGE,
    STOPPED_SECONDS,
)
from shotwise.messages import Message

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


def embed_setting(name: str) -> int:
    """Return a number from the properties of the function that reads documents on AWS."""
    function = TEMPLATE.read_text("utf-8").partition("  EmbedDocumentsFunction:")[2]
    match = re.search(rf"^      {name}: (\d+)$", function, re.MULTILINE)
    assert match
    return int(match[1])


def test_the_function_on_aws_has_time_for_every_document() -> None:
    """The function is not cut off while it reads a document: 200 s are left to fetch, embed and store it."""
    assert embed_setting("Timeout") >= MAX_DOCUMENT_SECONDS + PAGE_SECONDS + OPEN_SECONDS + PLAIN_PAGE_SECONDS + 200


def test_the_function_on_aws_has_memory_for_the_reader() -> None:
    """The reader may take half of the function's memory."""
    assert embed_setting("MemorySize") << 20 >= 2 * MAX_READER_BYTES


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def seconds_until_given_up(budget: TimeBudget, clock: Clock, page_seconds: float, count: int = 10_000) -> float:
    """Stop at pages of `page_seconds` until the budget is used up; return the seconds that they took."""
    start = clock.seconds
    for _ in range(count):
        clock.seconds += min(page_seconds, budget.left())
        if not budget.left():
            break
        budget.count_page(stopped=True)
    return clock.seconds - start


def test_pages_that_stop_the_reader_have_little_time() -> None:
    """A document of such pages alone is given up after their budget, however many pages it has."""
    clock = Clock()
    budget = TimeBudget(clock)
    budget.begin_pages(20_000)
    assert seconds_until_given_up(budget, clock, 17) == pytest.approx(STOPPED_SECONDS)


def test_pages_that_are_read_earn_time_for_those_that_are_not() -> None:
    """Beside 100 pages of text, ten pages that stop the reader are affordable, in any order."""
    clock = Clock()
    budget = TimeBudget(clock)
    budget.begin_pages(110)
    for _ in range(10):
        for _ in range(10):
            clock.seconds += 0.2
            budget.count_page()
        clock.seconds += 17
        budget.count_page(stopped=True)
        assert budget.left()


@pytest.mark.parametrize(("page_count", "seconds"), [
    (1, MIN_DOCUMENT_SECONDS + SECONDS_PER_PAGE), (20, MIN_DOCUMENT_SECONDS + 20 * SECONDS_PER_PAGE),
    (MAX_PAGES, MAX_DOCUMENT_SECONDS)])
def test_a_document_has_its_time(page_count: int, seconds: float) -> None:
    """A document whose pages are slow, but stop nothing, has a time by its pages, up to the limit."""
    clock = Clock()
    budget = TimeBudget(clock)
    clock.seconds += 3
    budget.begin_pages(page_count)
    while budget.left():
        clock.seconds += min(11, budget.left())
        budget.count_page()
    assert clock.seconds - 100 == pytest.approx(seconds)


def test_a_document_of_slow_pages_is_given_up(tmp_path: Path) -> None:
    """A document that uses up its time is an error that names the page and what to do."""
    clock = Clock()
    budget = TimeBudget(clock)
    budget.begin_pages(3)
    clock.seconds += MAX_DOCUMENT_SECONDS
    with pytest.raises(DocumentError, match=r"^guide\.pdf: takes too long to read and .* page 1; print"):
        parse_with_fake_worker(tmp_path, budget=budget, **{"page 1": "hang"})


def test_a_worker_says_that_it_needs_too_much_memory(tmp_path: Path) -> None:
    """A page for which memory does not suffice is noted as such, the others are read."""
    document = parse_with_fake_worker(tmp_path, **{"page 2": "memory", "plain 2": "memory"})
    assert [page.text for page in document.pages] == ["page 1", "", "page 3"]
    assert document.notes == (Message("page_empty", {"page": 2, "cause": "memory"}),)


@pytest.mark.parametrize("plan", [{"page 1": "memory", "plain 1": "memory"}, {"open": "memory"},
                                  {"page 1": "hang", "plain 1": "memory"}])
def test_a_document_that_needs_too_much_memory_is_named(tmp_path: Path, plan: dict[str, str]) -> None:
    """A document of which nothing can be read for lack of memory is an error that says so."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: needs more than 1024 MiB of memory"):
        parse_with_fake_worker(tmp_path, pages=1, **plan)


@pytest.mark.slow
def test_a_document_of_too_much_text_is_named(tmp_path: Path) -> None:
    """A document that exceeds the limit of text is given up at the page that exceeds it."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: has more than 10000000 characters of text; split it"):
        parse_with_fake_worker(tmp_path, pages=300, text="x" * 100_000)


def test_a_title_is_cut(tmp_path: Path) -> None:
    """A title longer than its limit ends in an ellipsis."""
    document = parse_with_fake_worker(tmp_path, title="t" * 100_000)
    assert document.title == "t" * MAX_TITLE_CHARACTERS + "…"


def test_notes_are_limited(tmp_path: Path) -> None:
    """A document of 200 odd pages has as many notes as the limit, and one that there are more."""
    document = parse_with_fake_worker(tmp_path, pages=200, cut_off=True)
    assert len(document.notes) == MAX_DOCUMENT_NOTES + 1 and document.notes[-1] == Message("more_notes")
    assert document.notes[0] == Message("page_cut_off", {"page": 1, "max_characters": 100_000})


PRINTS_WITHOUT_END = "import sys\nwhile True: sys.stdout.write('x' * 1_000_000)"


def test_a_line_without_end_is_not_collected() -> None:
    """A worker that prints without a newline is stopped at the limit, and no thread reads what nobody asked for."""
    with WorkerProcess([sys.executable, "-c", PRINTS_WITHOUT_END]) as worker:
        with pytest.raises(WorkerStopped, match="too much text"):
            worker.read_line(60)
        assert len(worker._received) <= MAX_READER_LINE_BYTES + (1 << 16)


def test_lines_that_nobody_reads_wait_in_the_worker() -> None:
    """A worker that prints more than is read stops printing, so its lines take no memory here."""
    lines = "n = 0\nwhile True: n += 1; print('{\"n\": %d}' % n, flush=True)"
    with WorkerProcess([sys.executable, "-c", lines]) as worker:
        assert worker.read_line(30) == {"n": 1}
        time.sleep(0.3)
        assert len(worker._received) <= 1 << 16
        assert [worker.read_line(1)["n"] for _ in range(20_000)] == list(range(2, 20_002))


def make_socket(path: Path) -> None:
    """Make a socket in the file system; its address may have 107 bytes."""
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize(("make", "kind"), [
    (os.mkfifo, "pipe"), (make_socket, "socket"), (lambda path: path.symlink_to("/dev/zero"), "device")])
def test_only_a_file_is_read(tmp_path: Path, analyzer: Analyzer, make: object, kind: str) -> None:
    """A pipe, a socket and an endless device are refused at once, by the reader and before it."""
    path = tmp_path / "guide.pdf"
    make(path)  # type: ignore[operator]
    start, store = time.monotonic(), InMemoryDocumentStore()
    with pytest.raises(DocumentError, match=rf"^guide\.pdf: is no file but a {kind}"):
        parse(path)
    assert Ingestion(store, analyzer).ingest(path).failure == store.failed["guide.pdf"] == Message(
        "no_file", {"kind": kind})
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("change", ["grow", "replace"])
def test_a_file_that_changes_while_it_is_read_is_not_stored(tmp_path: Path, change: str) -> None:
    """A document is that of one version of the file: one that grows or is replaced meanwhile is a failure."""
    path = save(tmp_path / "guide.pdf", draw_words)
    other = save(tmp_path / "other.pdf", draw_words)
    changes = {"grow": f"open({str(path)!r}, 'ab').write(b' ')",
               "replace": f"os.replace({str(other)!r}, {str(path)!r})"}
    code = ("import json, os; " + changes[change] + "; [print(json.dumps(line)) for line in ("
            "{'title': '', 'pages': 1, 'repaired': False}, {'headings': {}}, {'markdown': 'x', 'text': 'x'})]")
    with pytest.raises(DocumentError, match=r"^guide\.pdf: was changed while it was read"):
        parse(path, command=[sys.executable, "-c", code])
