"""Read the pages of a PDF in a worker process, so that a page that hangs or crashes the reader affects no other page.

1. The beginning and end of the file are checked for the marks of a PDF.
2. A worker (`parse_worker`) opens it, finds its headings and prints each page as a line of JSON as soon as it is read.
3. If a page takes longer than its limit or crashes the worker, a new worker reads that page as plain text. If that
   fails as well, the page stays empty. Another worker continues with the next page. `Document.notes` lists such pages.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shotwise.errors import DocumentError, OutOfTime
from shotwise.knowledge.ingestion.expected_questions import read_questions
from shotwise.knowledge.ingestion.worker_process import WorkerProcess, WorkerStopped
from shotwise.knowledge.models import Document, ExpectedQuestion, Page
from shotwise.messages import Message

PAGE_LIMIT_S = 20.0
OPEN_LIMIT_S = 60.0
PREPARE_LIMIT_S_PER_PAGE = 0.1  # finding the headings takes 3 ms for a page full of text
CLOCK_TOLERANCE_S = 0.01  # by which waiting may end early
MAX_STOPS = 20  # pages that stop the worker; a document with more of them is a failure
MAX_PAGES = 20_000
MAX_BYTES = 1 << 30
HEAD_BYTES = 1024  # contain the first mark of a PDF, though some programs write something before it
TAIL_BYTES = 2048  # contain its end mark, though some programs append something to it

_LINE_BREAKS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# Characters that SQLite or UTF-8 cannot store. They become \ufffd, which pymupdf4llm writes for unknown ones as well.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def worker_command() -> list[str]:
    """Return the command that starts the worker with this process's import path, not inherited by itself on Lambda."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; "
                                  "from shotwise.knowledge.ingestion.parse_worker import main; main()"]


def parse(path: Path, *, command: Sequence[str] | None = None, page_limit_s: float = PAGE_LIMIT_S,
          seconds: float = math.inf) -> Document:
    """Read a PDF.

    Parameters
    ----------
    path : Path
        The file.
    command : sequence of str, optional
        Command that starts the worker; the path and the job are appended to it.
    page_limit_s : float
        Time limit per page, in seconds.
    seconds : float
        The time that the caller has for the document.

    Raises
    ------
    OutOfTime
        The document was not read within `seconds`.
    DocumentError
        The file is missing, empty, damaged, encrypted or without text.
    """
    sha256 = _check_file(path)
    reader = _Reader(path, command or worker_command(), page_limit_s, time.monotonic() + seconds)
    pages = tuple(reader.read_pages())
    if not any(page.text.strip() for page in pages):
        raise DocumentError(path.name, "no_readable_page" if reader.stops else "no_text")
    return Document(path.name, reader.title or path.stem, sha256, pages, tuple(reader.notes), reader.expected_questions)


def clean(text: str) -> str:
    """Remove invisible characters: zero-width characters, and control characters other than newline and tab."""
    return _UNSTORABLE.sub("\ufffd", _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text)))


def prepare_limit_s(page_count: int) -> float:
    """Return the time limit for finding the headings of a document, before the first page is read, in seconds."""
    return OPEN_LIMIT_S + PREPARE_LIMIT_S_PER_PAGE * page_count


def _check_file(path: Path) -> str:
    """Check that a file begins and ends as a PDF does, and return its sha256."""
    if _UNSTORABLE.search(path.name):  # a name that is not UTF-8 can be neither stored nor shown
        raise DocumentError(_UNSTORABLE.sub("?", path.name), "name_not_utf8")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read()
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DocumentError(path.name, "unreadable_file", cause=str(error.strerror)) from error
    if b"%PDF-" not in head:
        raise DocumentError(path.name, "not_pdf" if head else "empty")
    if b"%%EOF" not in tail:  # MuPDF would repair it and not report the lost pages
        raise DocumentError(path.name, "cut_short")
    if size > MAX_BYTES:
        raise DocumentError(path.name, "too_large", max_mib=MAX_BYTES >> 20)
    return sha256


class _Reader:
    """Reads one document with one or more workers.

    Attributes
    ----------
    title : str
        Title of the PDF; empty if it has none.
    notes : list of Message
        What could not be read properly.
    expected_questions : tuple of ExpectedQuestion
        Questions that are attached to the PDF.
    stops : int
        Number of pages that stopped a worker.
    """

    def __init__(self, path: Path, command: Sequence[str], page_limit_s: float, deadline: float) -> None:
        self.title = ""
        self.notes: list[Message] = []
        self.expected_questions: tuple[ExpectedQuestion, ...] = ()
        self.stops = 0
        self._path = path
        self._command = command
        self._page_limit_s = page_limit_s
        self._deadline = deadline
        self._page_count = 0
        self._headings: dict[str, str] | None = None  # font size → Markdown's mark
        self._bake = True

    def read_pages(self) -> list[Page]:
        """Read all pages, in order."""
        pages: list[Page] = []
        while not pages or len(pages) < self._page_count:
            try:
                self._read_remaining(pages)
            except WorkerStopped as stopped:
                self.stops += 1
                number = len(pages) + 1
                if self.stops > MAX_STOPS:
                    raise self._error("too_many_unreadable_pages", max_pages=MAX_STOPS, page=number) from None
                pages.append(self._read_plain(number, stopped.cause))
        return pages

    def _read_remaining(self, pages: list[Page]) -> None:
        """Append the remaining pages to `pages`, as Markdown. Raises WorkerStopped at a page that stops the worker."""
        job = {"first": len(pages) + 1, "headings": self._headings, "bake": self._bake}
        with self._start_worker(job) as worker:
            self._open(worker)
            if not self._prepare(worker):
                return
            while len(pages) < self._page_count:
                pages.append(self._page(len(pages) + 1, self._read_line(worker, self._page_limit_s)))

    def _read_plain(self, number: int, cause: str) -> Page:
        """Read a page as plain text; it is empty if that fails as well."""
        try:
            with self._start_worker({"first": number, "plain": True}) as worker:
                self._open(worker)
                line = self._read_line(worker, self._page_limit_s)
        except WorkerStopped:
            line = {"markdown": "", "text": ""}
        return self._page(number, {**line, "cause": cause})

    def _page(self, number: int, line: Mapping[str, Any]) -> Page:
        page = Page(number, clean(line["markdown"]), clean(line["text"]))
        if line.get("cause"):
            code = "page_plain_text" if page.text.strip() else "page_empty"
            self.notes.append(Message(code, {"page": number, "cause": line["cause"]}))
        return page

    def _start_worker(self, job: Mapping[str, Any]) -> WorkerProcess:
        job = {**job, "page_limit_s": self._page_limit_s}
        return WorkerProcess([*self._command, str(self._path), json.dumps(job)])

    def _open(self, worker: WorkerProcess) -> None:
        try:
            line = self._read_line(worker, OPEN_LIMIT_S)
        except WorkerStopped as stopped:
            raise self._error("cannot_open", cause=stopped.cause) from None
        if line.get("failure"):
            raise self._error(line["failure"]["code"], **line["failure"]["params"])
        if not self._page_count:  # the first worker
            self._note_opening(line)
        self.title, self._page_count = " ".join(clean(line["title"]).split()), line["pages"]
        if not self._page_count:
            raise self._error("no_pages")
        if self._page_count > MAX_PAGES:
            raise self._error("too_many_pages", max_pages=MAX_PAGES)

    def _note_opening(self, line: Mapping[str, Any]) -> None:
        """Read the attached questions, and note what is wrong with them and with the file."""
        if line["repaired"]:
            self.notes.append(Message("repaired"))
        if line.get("note"):
            self.notes.append(Message(**line["note"]))
        expected, notes = read_questions(line.get("questions", ""))
        self.notes += notes
        self.expected_questions = tuple(
            ExpectedQuestion(question.page, clean(question.text), tuple(map(clean, question.questions)))
            for question in expected)

    def _prepare(self, worker: WorkerProcess) -> bool:
        """Wait until the worker has found the headings. Return False if it fails; the next worker then omits them."""
        try:
            self._headings = self._read_line(worker, prepare_limit_s(self._page_count))["headings"]
        except WorkerStopped as stopped:
            if not self._bake:
                raise self._error("cannot_open", cause=stopped.cause) from None
            self._headings, self._bake = {}, False
            self.notes.append(Message("no_headings", {"cause": stopped.cause}))
            return False
        return True

    def _read_line(self, worker: WorkerProcess, limit_s: float) -> dict[str, Any]:
        """Return the next line of a worker. Raises WorkerStopped, and OutOfTime at the caller's deadline."""
        try:
            return worker.read_line(max(0.0, min(limit_s, self._deadline - time.monotonic())))
        except WorkerStopped:
            if time.monotonic() >= self._deadline - CLOCK_TOLERANCE_S:
                raise OutOfTime(f"{self._path.name} was not read within the time for it") from None
            raise

    def _error(self, code: str, **params: Any) -> DocumentError:
        return DocumentError(self._path.name, code, **params)
