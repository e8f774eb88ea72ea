"""PDFs that scenarios upload: with a word of their own, or slow to copy."""

from __future__ import annotations

import random

import pymupdf
from slow.sample_pdf import pdf


def marked(mark: str) -> bytes:
    """A PDF of one page with a word that no other document has."""
    return pdf(f"The {mark} of the line is checked at every change of shift.")


def heavy(mark: str, megabytes: int = 3) -> bytes:
    """The same with an attachment that makes it slow to copy."""
    with pymupdf.open(stream=marked(mark), filetype="pdf") as document:
        document.embfile_add("noise.bin", random.Random(mark).randbytes(megabytes * 1024 * 1024))
        content: bytes = document.tobytes()
    return content
