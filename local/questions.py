"""`shotwise attach-questions`: the questions that a PDF answers → an attachment of the PDF, by which it is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pymupdf

from shotwise.errors import FieldError, InvalidInput
from shotwise.knowledge.chunk import passages
from shotwise.knowledge.expected import ATTACHMENT, placed, read_expected
from shotwise.knowledge.parse import parse

EPOCH = "(D:20000101000000Z)"  # the date of the attachment: the same content gives the same bytes


def with_questions(pdf: bytes, questions: bytes) -> bytes:
    """The PDF with `questions` attached, in place of those that it had."""
    with pymupdf.open("pdf", pdf) as document:
        if ATTACHMENT in document.embfile_names():
            document.embfile_del(ATTACHMENT)
        stream = document.embfile_add(ATTACHMENT, questions, filename=ATTACHMENT)
        for date in ("CreationDate", "ModDate"):
            document.xref_set_key(stream, f"Params/{date}", EPOCH)
        return bytes(document.tobytes(garbage=1, deflate=True, no_new_id=True))


def attach_questions(path: Path, questions: Path) -> int:
    """Attach a file of questions to a PDF, in place; how many there are.

    Raises DocumentError where the PDF cannot be read, InvalidInput, naming the lines, where one of the questions' file
    cannot be used or names words that its page does not hold. Nothing is changed then.
    """
    content = questions.read_text("utf-8", "replace")
    expected, faults = read_expected(content)
    document = replace(parse(path), expected=expected)
    faults += placed(document, passages(document))[1]
    if faults:
        raise InvalidInput([FieldError(questions.name, fault) for fault in faults])
    path.write_bytes(with_questions(path.read_bytes(), content.encode()))
    return sum(len(each.questions) for each in expected)
