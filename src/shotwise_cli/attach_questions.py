"""`shotwise attach-questions`: the questions that a PDF answers → an attachment of the PDF, by which it is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pymupdf

from shotwise.errors import FieldError, InvalidInput
from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT, MAX_BYTES, place_questions, read_questions
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.models import ExpectedQuestion

EPOCH = "(D:20000101000000Z)"  # the date of the attachment: the same content gives the same bytes


def with_questions(pdf: bytes, questions: bytes) -> bytes:
    """The PDF with `questions` attached, in place of those that it had; the same PDF where they are the same."""
    with pymupdf.open("pdf", pdf) as document:
        if ATTACHMENT in document.embfile_names():
            if document.embfile_get(ATTACHMENT) == questions:
                return pdf
            document.embfile_del(ATTACHMENT)
        stream = document.embfile_add(ATTACHMENT, questions, filename=ATTACHMENT)
        for date in ("CreationDate", "ModDate"):
            document.xref_set_key(stream, f"Params/{date}", EPOCH)
        return bytes(document.tobytes(garbage=1, deflate=True, no_new_id=True, encryption=pymupdf.PDF_ENCRYPT_KEEP))


def attach_questions(path: Path, questions: Path) -> int:
    """Attach a file of questions to a PDF, in place; how many there are.

    Raises DocumentError where the PDF cannot be read, InvalidInput where it is signed, where the questions' file is no
    UTF-8 or too large, and, naming the lines, where some cannot be used or name words that their page does not hold.
    Nothing is changed then.
    """
    document = parse(path)
    content, expected = _questions(questions)
    faults = place_questions(replace(document, expected=expected), split_into_passages(document))[1]
    if faults:
        raise InvalidInput([FieldError(questions.name, fault) for fault in faults])
    pdf = path.read_bytes()
    with pymupdf.open("pdf", pdf) as opened:
        if opened.get_sigflags() > 1:
            raise InvalidInput([FieldError(path.name, "is signed, and would be no longer; attach them before")])
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(with_questions(pdf, content))
    aside.replace(path)
    return sum(len(each.questions) for each in expected)


def _questions(path: Path) -> tuple[bytes, tuple[ExpectedQuestion, ...]]:
    """The content of a file of questions, and what it says."""
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        raise InvalidInput([FieldError(path.name, f"is larger than {MAX_BYTES >> 20} MiB; leave some out")])
    try:
        expected, faults = read_questions(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidInput([FieldError(path.name, "is not UTF-8; save it as such")]) from None
    if faults or not expected:
        raise InvalidInput([FieldError(path.name, fault) for fault in faults or ("holds no questions",)])
    return content, expected
