"""Read the pages of one document with one worker after another, each until a page stops it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shotwise.errors import DocumentError, OutOfTime
from shotwise.knowledge.ingestion.expected_questions import read_questions
from shotwise.knowledge.ingestion.pdf_file import UNSTORABLE
from shotwise.knowledge.ingestion.time_budget import TimeBudget, prepare_seconds
from shotwise.knowledge.ingestion.worker_process import OUT_OF_MEMORY, WorkerProcess, WorkerStopped
from shotwise.knowledge.models import ExpectedQuestion, Page
from shotwise.limits import (
    MAX_DOCUMENT_CHARACTERS,
    MAX_DOCUMENT_NOTES,
    MAX_PAGE_CHARACTERS,
    MAX_PAGES,
    MAX_READER_BYTES,
    MAX_STOPPED_PAGES,
    MAX_TITLE_CHARACTERS,
    OPEN_SECONDS,
    PLAIN_PAGE_SECONDS,
)
from shotwise.messages import Message

_LINE_BREAKS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x9f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def clean(text: str) -> str:
    """Remove invisible characters: zero-width characters, and control characters other than newline and tab."""
    # pymupdf4llm writes \ufffd for unknown characters as well.
    return UNSTORABLE.sub("\ufffd", _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text)))


class PageReader:
    """Reads one document.

    Parameters
    ----------
    path : Path
        The file.
    command : sequence of str
        Command that starts a worker; the path and the job are appended to it.
    page_limit_s : float
        Time limit per page, in seconds.
    deadline : float
        When the caller's time is used up, by `time.monotonic`.
    budget : TimeBudget
        The time that the document may take.

    Attributes
    ----------
    title : str
        Title of the PDF; empty if it has none.
    notes : list of Message
        What could not be read properly.
    expected_questions : tuple of ExpectedQuestion
        Questions that are attached to the PDF.
    """

    def __init__(self, path: Path, command: Sequence[str], page_limit_s: float, deadline: float,
                 budget: TimeBudget) -> None:
        self.title = ""
        self.notes: list[Message] = []
        self.expected_questions: tuple[ExpectedQuestion, ...] = ()
        self._path = path
        self._command = command
        self._page_limit_s = page_limit_s
        self._plain_limit_s = min(page_limit_s, PLAIN_PAGE_SECONDS)
        self._deadline = deadline
        self._budget = budget
        self._page_count = 0
        self._stops = 0
        self._characters = 0
        self._empty_causes: set[str] = set()
        self._headings: dict[str, str] | None = None  # font size → Markdown's mark
        self._bake = True

    def read_pages(self) -> list[Page]:
        """Read all pages, in order. Raises DocumentError for a document that is given up."""
        pages: list[Page] = []
        while not pages or len(pages) < self._page_count:
            try:
                self._read_remaining(pages)
            except WorkerStopped as stopped:
                number = len(pages) + 1
                self._stops += 1
                if self._stops > MAX_STOPPED_PAGES:
                    raise self._error("too_many_unreadable_pages", max_pages=MAX_STOPPED_PAGES, page=number) from None
                pages.append(self._read_plain(number, stopped.cause))
                self._budget.count_page(stopped=True)
        return pages

    def no_text_error(self) -> DocumentError:
        """Return the error of a document in which no page has text."""
        if OUT_OF_MEMORY in self._empty_causes:
            return self._error("needs_too_much_memory", max_mib=MAX_READER_BYTES >> 20)
        return self._error("no_readable_page" if self._empty_causes else "no_text")

    def _read_remaining(self, pages: list[Page]) -> None:
        """Append the remaining pages to `pages`, as Markdown. Raises WorkerStopped at a page that stops the worker."""
        job = {"first": len(pages) + 1, "headings": self._headings, "bake": self._bake}
        with self._start_worker(job) as worker:
            self._open(worker)
            if not self._prepare(worker):
                return
            self._budget.begin_pages(self._page_count)
            while len(pages) < self._page_count:
                pages.append(self._page(len(pages) + 1, self._read_line(worker, self._page_limit_s, len(pages) + 1)))
                self._budget.count_page()

    def _read_plain(self, number: int, cause: str) -> Page:
        """Read a page as plain text; it is empty if that fails as well."""
        try:
            with self._start_worker({"first": number, "plain": True}) as worker:
                self._open(worker)
                line = self._read_line(worker, self._plain_limit_s, number)
        except WorkerStopped as stopped:
            line = {"markdown": "", "text": ""}
            cause = OUT_OF_MEMORY if stopped.cause == OUT_OF_MEMORY else cause
        return self._page(number, {**line, "cause": cause})

    def _page(self, number: int, line: Mapping[str, Any]) -> Page:
        page = Page(number, clean(line["markdown"]), clean(line["text"]))
        if line.get("cause"):
            if not page.text.strip():
                self._empty_causes.add(line["cause"])
            code = "page_plain_text" if page.text.strip() else "page_empty"
            self._note(Message(code, {"page": number, "cause": line["cause"]}))
        if line.get("cut_off"):
            self._note(Message("page_cut_off", {"page": number, "max_characters": MAX_PAGE_CHARACTERS}))
        self._characters += max(len(page.markdown), len(page.text))
        if self._characters > MAX_DOCUMENT_CHARACTERS:
            raise self._error("too_much_text", max_characters=MAX_DOCUMENT_CHARACTERS)
        return page

    def _note(self, note: Message) -> None:
        """Add a note, or say once that there are more of them."""
        if len(self.notes) < MAX_DOCUMENT_NOTES:
            self.notes.append(note)
        elif len(self.notes) == MAX_DOCUMENT_NOTES:
            self.notes.append(Message("more_notes"))

    def _start_worker(self, job: Mapping[str, Any]) -> WorkerProcess:
        job = {**job, "parent": os.getpid(),
               "page_limit_s": self._plain_limit_s if job.get("plain") else self._page_limit_s}
        return WorkerProcess([*self._command, str(self._path), json.dumps(job)])

    def _open(self, worker: WorkerProcess) -> None:
        try:
            line = self._read_line(worker, OPEN_SECONDS)
        except WorkerStopped as stopped:
            if stopped.cause == OUT_OF_MEMORY:
                raise self._error("needs_too_much_memory", max_mib=MAX_READER_BYTES >> 20) from None
            raise self._error("cannot_open", cause=stopped.cause) from None
        if line.get("failure"):
            raise self._error(line["failure"]["code"], **line["failure"]["params"])
        if not self._page_count:  # the first worker
            self._note_opening(line)
        title, self._page_count = " ".join(clean(line["title"]).split()), line["pages"]
        self.title = title if len(title) <= MAX_TITLE_CHARACTERS else f"{title[:MAX_TITLE_CHARACTERS]}…"
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
            self._headings = self._read_line(worker, prepare_seconds(self._page_count))["headings"]
        except WorkerStopped as stopped:
            if not self._bake:
                raise self._error("cannot_open", cause=stopped.cause) from None
            self._headings, self._bake = {}, False
            self.notes.append(Message("no_headings", {"cause": stopped.cause}))
            return False
        return True

    def _read_line(self, worker: WorkerProcess, limit_s: float, page: int = 1) -> dict[str, Any]:
        """Return the next line of a worker within the time for it, for the document and of the caller.

        Raises
        ------
        WorkerStopped
            The worker stopped, or takes longer than `limit_s`.
        DocumentError
            The document's time is used up, at this page.
        OutOfTime
            The caller's time is used up.
        """
        seconds = min(limit_s, self._budget.left(), self._deadline - time.monotonic())
        try:
            return worker.read_line(max(0.0, seconds))
        except WorkerStopped:
            if time.monotonic() >= self._deadline:
                raise OutOfTime(f"{self._path.name} was not read within the time for it") from None
            if not self._budget.left():
                raise self._error("too_slow", page=page) from None
            raise

    def _error(self, code: str, **params: Any) -> DocumentError:
        return DocumentError(self._path.name, code, **params)
