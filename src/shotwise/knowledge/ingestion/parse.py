"""PDF → pages, read one after another by a worker process: what stops it on a page costs that page alone.

1. The file itself is looked at: is it a whole PDF?
2. A worker (parse_worker) opens it, finds its headings and prints each page as one line of JSON as soon as it is read.
3. A page that takes longer than the limit, or crashes the worker, is read again by a new worker, as plain text; where
   that fails too it is left empty. The worker after that goes on with the next page. `Document.notes` tells.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.expected_questions import read_questions
from shotwise.knowledge.models import Document, ExpectedQuestion, Page

PAGE_LIMIT_S = 20.0
OPEN_LIMIT_S = 60.0
PREPARE_LIMIT_S_PER_PAGE = 0.1  # finding the headings: 3 ms where a page is full of text
MAX_STOPS = 20  # pages that stop the worker; a document with more of them is given up
MAX_PAGES = 20_000
MAX_BYTES = 1 << 30
HEAD = 1024  # bytes in which a PDF's first mark stands; some writers put something before it
END = 2048  # bytes in which its end mark stands; some writers append to it

_LINE_BREAKS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_UNSEEN = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_UNKNOWN = re.compile("[\0\ud800-\udfff]")  # what SQLite or UTF-8 cannot hold; the reader of Markdown writes \ufffd too


def worker() -> list[str]:
    """The command of the worker. It finds what this process finds: Lambda's layers are on no inherited path."""
    return [sys.executable, "-c",
            f"import sys; sys.path[:] = {sys.path!r}; from shotwise.knowledge.ingestion.parse_worker import main; main()"]


def parse(path: Path, *, command: Sequence[str] | None = None, page_limit_s: float = PAGE_LIMIT_S) -> Document:
    """Read a PDF. Raises DocumentError, naming the file, when it is absent, empty, broken, encrypted or textless.

    command: of the worker, without its arguments; page_limit_s: the longest that a page may take.
    """
    digest = _checked(path)
    reading = _Reading(path, command or worker(), page_limit_s)
    pages = tuple(reading.pages())
    if not any(page.text.strip() for page in pages):
        reason = ("none of its pages can be read; export it again as PDF" if reading.stops else
                  "holds no text, only images; run it through text recognition first")
        raise DocumentError(f"{path.name}: {reason}")
    return Document(path.name, reading.title or path.stem, digest, pages, tuple(reading.notes), reading.expected)


def clean(text: str) -> str:
    """Without what nobody sees: control characters but newline and tab, zero-width characters."""
    return _UNKNOWN.sub("\ufffd", _UNSEEN.sub("", _LINE_BREAKS.sub("\n", text)))


def _checked(path: Path) -> str:
    """The sha256 of a file that begins and ends as a PDF does."""
    if _UNKNOWN.search(path.name):  # a name that is not UTF-8 can be neither stored nor shown
        raise DocumentError(f"{_UNKNOWN.sub('?', path.name)}: has a name that is not UTF-8; rename it")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            size = file.seek(0, 2)
            file.seek(max(0, size - END))
            end = file.read()
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DocumentError(f"{path.name}: cannot be read ({error.strerror}); check its path and rights") from error
    if b"%PDF-" not in head:
        raise DocumentError(f"{path.name}: {'is not a PDF' if head else 'is empty'}; export it again as PDF")
    if b"%%EOF" not in end:  # the reader would mend it and silently lose the pages that are gone
        raise DocumentError(f"{path.name}: is cut short; copy or export it again")
    if size > MAX_BYTES:
        raise DocumentError(f"{path.name}: is larger than {MAX_BYTES >> 20} MiB; split it")
    return digest


def prepare_limit_s(pages: int) -> float:
    """How long the worker may look through `pages` pages before it reads the first."""
    return OPEN_LIMIT_S + PREPARE_LIMIT_S_PER_PAGE * pages


class _Stopped(Exception):
    """The worker is gone or late; str() ends the sentence "page 7 …"."""


class _Reading:
    """One document being read. `stops`: pages that stopped the worker; `headings`: font size → Markdown's mark."""

    def __init__(self, path: Path, command: Sequence[str], page_limit_s: float) -> None:
        self.title = ""
        self.notes: list[str] = []
        self.expected: tuple[ExpectedQuestion, ...] = ()
        self.stops = 0
        self._path = path
        self._command = command
        self._page_limit_s = page_limit_s
        self._count = 0
        self._headings: dict[str, str] | None = None
        self._bake = True

    def pages(self) -> list[Page]:
        """All pages, in order."""
        pages: list[Page] = []
        while not pages or len(pages) < self._count:
            try:
                self._read_on(pages)
            except _Stopped as stopped:
                self.stops += 1
                if self.stops > MAX_STOPS:
                    raise self._error(f"more than {MAX_STOPS} pages cannot be read, page {len(pages) + 1} as the "
                                      "last; print it to a new PDF, or split it") from None
                pages.append(self._plain(len(pages) + 1, str(stopped)))
        return pages

    def _read_on(self, pages: list[Page]) -> None:
        """Append the pages after `pages`, as Markdown. Raises _Stopped on a page that stops the worker."""
        job = {"first": len(pages) + 1, "headings": self._headings, "bake": self._bake}
        with self._start(job) as running:
            self._open(running)
            if not self._prepared(running):
                return
            while len(pages) < self._count:
                number = len(pages) + 1
                pages.append(self._page(number, running.line(self._page_limit_s)))

    def _plain(self, number: int, reason: str) -> Page:
        """The page by its plain text, empty where that cannot be had either."""
        try:
            with self._start({"first": number, "plain": True}) as running:
                self._open(running)
                found = running.line(self._page_limit_s)
        except _Stopped:
            found = {"markdown": "", "text": ""}
        return self._page(number, {**found, "trouble": reason})

    def _page(self, number: int, found: Mapping[str, Any]) -> Page:
        page = Page(number, clean(found["markdown"]), clean(found["text"]))
        if found.get("trouble"):
            used = "its plain text was used" if page.text.strip() else "it is left empty"
            self._note(f"page {number} {found['trouble']}; {used}")
        return page

    def _start(self, job: Mapping[str, Any]) -> _Worker:
        return _Worker([*self._command, str(self._path), json.dumps({**job, "page_limit_s": self._page_limit_s})])

    def _open(self, running: _Worker) -> None:
        try:
            found = running.line(OPEN_LIMIT_S)
        except _Stopped as stopped:
            raise self._error(f"cannot be opened: it {stopped}; export it again as PDF") from None
        if found.get("problem"):
            raise self._error(found["problem"])
        if not self._count and found["mended"]:
            self._note("is damaged and was mended; check that no page is missing, or export it again")
        if not self._count:
            expected, notes = read_questions(found.get("questions", ""))
            self.expected = tuple(ExpectedQuestion(each.page, clean(each.text), tuple(map(clean, each.questions)))
                                  for each in expected)
            for note in filter(None, (found.get("note"), *notes)):
                self._note(note)
        self.title, self._count = " ".join(clean(found["title"]).split()), found["pages"]
        if not self._count:
            raise self._error("has no pages; export it again as PDF")
        if self._count > MAX_PAGES:
            raise self._error(f"has more than {MAX_PAGES} pages; split it")

    def _prepared(self, running: _Worker) -> bool:
        """Whether the worker is ready for the first page. Where it is not, the next one goes without preparing."""
        try:
            self._headings = running.line(prepare_limit_s(self._count))["headings"]
        except _Stopped as stopped:
            if not self._bake:
                raise self._error(f"cannot be read: it {stopped}; export it again as PDF") from None
            self._headings, self._bake = {}, False
            self._note(f"looking through its pages {stopped}; headings and annotations are not told apart")
            return False
        return True

    def _note(self, text: str) -> None:
        self.notes.append(f"{self._path.name}: {text}")

    def _error(self, reason: str) -> DocumentError:
        return DocumentError(f"{self._path.name}: {reason}")


class _Worker:
    """A running worker process; at the end of the `with` block it is gone, whatever it was doing."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Worker:
        self._listener.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        if self._process.stdout:
            self._process.stdout.close()

    def line(self, seconds: float) -> dict[str, Any]:
        """The next line, parsed. Raises _Stopped when it does not come within `seconds`, or not at all."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise _Stopped(f"took longer than {seconds:g} s") from None
        if line.endswith(b"\n"):  # else the worker ended while it wrote, or without writing
            with contextlib.suppress(ValueError):
                found: dict[str, Any] = json.loads(line)
                return found
        raise _Stopped("crashed the reader")

    def _listen(self) -> None:
        """A pipe has no time limit, a queue has."""
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(b"")
