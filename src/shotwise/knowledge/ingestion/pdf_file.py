"""Open the file of a PDF: only a regular file, with the marks of a PDF, that stays the same while it is read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from shotwise.errors import DocumentError
from shotwise.limits import MAX_PDF_BYTES

HEAD_BYTES = 1024  # contain the first mark of a PDF, though some programs write something before it
TAIL_BYTES = 2048  # contain its end mark, though some programs append something to it
# Characters that SQLite or UTF-8 cannot store.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}  # others are devices


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading; a pipe, socket or device is refused, because reading it may never end.

    Raises
    ------
    DocumentError
        The file is missing or unreadable, or is no regular file.
    """
    try:
        _check_kind(path, path.stat().st_mode)  # opening a device may already do something
        # Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            _check_kind(path, os.fstat(file.fileno()).st_mode)
            yield file
    except OSError as error:
        raise DocumentError(path.name, "unreadable_file", cause=str(error.strerror)) from error


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a folder is an error of the system
        raise DocumentError(path.name, "no_file", kind=_KINDS.get(stat.S_IFMT(mode), "device"))


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a regular file. Raises DocumentError for any other."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_name(path: Path) -> None:
    """Raise DocumentError for a name that is not UTF-8, because it can be neither stored nor shown."""
    if UNSTORABLE.search(path.name):
        raise DocumentError(UNSTORABLE.sub("?", path.name), "name_not_utf8")


def check_pdf(path: Path) -> str:
    """Check that a file begins and ends as a PDF does, and return its SHA-256. Raises DocumentError otherwise."""
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read(TAIL_BYTES)
        if b"%PDF-" not in head:
            raise DocumentError(path.name, "not_pdf" if head else "empty")
        if b"%%EOF" not in tail:  # MuPDF would repair it and not report the lost pages
            raise DocumentError(path.name, "cut_short")
        if size > MAX_PDF_BYTES:
            raise DocumentError(path.name, "too_large", max_mib=MAX_PDF_BYTES >> 20)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Raise DocumentError if the file was replaced or written to meanwhile, because its pages may be those of both."""
    before = _identity(path)
    yield
    if _identity(path) != before:
        raise DocumentError(path.name, "changed_meanwhile")


def _identity(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise DocumentError(path.name, "unreadable_file", cause=str(error.strerror)) from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
