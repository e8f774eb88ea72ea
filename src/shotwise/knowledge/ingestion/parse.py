"""Read the pages of a PDF in a worker process, so that a page that hangs or crashes the reader affects no other page.

1. `pdf_file` checks that the file is a regular one with the marks of a PDF at its beginning and end.
2. A worker (`parse_worker`) opens it, finds its headings and prints each page as a line of JSON as soon as it is read.
3. If a page takes longer or more memory than its limit, or crashes the worker, a new worker reads that page as plain
   text. If that fails as well, the page stays empty. Another worker continues with the next page. `Document.notes`
   lists such pages.
4. A document is given up when it has used up its time (`time_budget`), or has too much text or too many bad pages.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from shotwise.knowledge.ingestion.page_reader import PageReader
from shotwise.knowledge.ingestion.pdf_file import check_name, check_pdf, unchanged
from shotwise.knowledge.ingestion.time_budget import TimeBudget
from shotwise.knowledge.models import Document
from shotwise.limits import PAGE_SECONDS


def worker_command() -> list[str]:
    """Return the command that starts the worker with this process's import path, not inherited by itself on Lambda."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; "
                                  "from shotwise.knowledge.ingestion.parse_worker import main; main()"]


def parse(path: Path, *, command: Sequence[str] | None = None, page_limit_s: float = PAGE_SECONDS,
          seconds: float = math.inf, budget: TimeBudget | None = None) -> Document:
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
    budget : TimeBudget, optional
        The time that a document may take; by default that of `shotwise.limits`, from now on.

    Raises
    ------
    OutOfTime
        The document was not read within `seconds`.
    DocumentError
        The file is missing, no regular file, empty, damaged, encrypted or without text, was changed while it was read,
        or needs more time or memory than a document may.
    """
    deadline = time.monotonic() + seconds
    check_name(path)
    with unchanged(path):
        sha256 = check_pdf(path)
        reader = PageReader(path, command or worker_command(), page_limit_s, deadline, budget or TimeBudget())
        pages = tuple(reader.read_pages())
    if not any(page.text.strip() for page in pages):
        raise reader.no_text_error()
    return Document(path.name, reader.title or path.stem, sha256, pages, tuple(reader.notes), reader.expected_questions)
