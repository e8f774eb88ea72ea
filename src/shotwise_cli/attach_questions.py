"""`shotwise attach-questions`: attach to a PDF the questions that it answers, by which the search then finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pymupdf

from shotwise.atomic import check_replaceable, replace_file
from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT, place_questions, read_questions
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.models import ExpectedQuestion
from shotwise.limits import MAX_QUESTIONS_BYTES
from shotwise.messages import DOCUMENT_NOTES, Message, text_of
from shotwise_cli.errors import FileError

EPOCH = "(D:20000101000000Z)"  # the attachment's date: fixed, so that the same content gives the same bytes


def with_questions(pdf: bytes, questions: bytes) -> bytes:
    """Attach the content of a questions file to a PDF, in place of an earlier one.

    A PDF that has these questions already is returned unchanged.
    """
    with pymupdf.open("pdf", pdf) as document:
        if ATTACHMENT in document.embfile_names():
            if document.embfile_get(ATTACHMENT) == questions:
                return pdf
            document.embfile_del(ATTACHMENT)
        stream = document.embfile_add(ATTACHMENT, questions, filename=ATTACHMENT)
        for date in ("CreationDate", "ModDate"):
            document.xref_set_key(stream, f"Params/{date}", EPOCH)
        return bytes(document.tobytes(garbage=1, deflate=True, no_new_id=True, encryption=pymupdf.PDF_ENCRYPT_KEEP))


def attach_questions(path: Path, questions_path: Path) -> int:
    """Attach a file of questions to a PDF, in place; it keeps its mode and owner, and a link to it stays.

    Returns
    -------
    int
        The number of questions.

    Raises
    ------
    DocumentError
        If the PDF cannot be read.
    FileError
        If the PDF is signed, if the questions file is too large or not UTF-8, or if some of its lines cannot be used
        or have a `text` that is not on their page. The PDF is unchanged then.
    OSError
        If the PDF cannot be written. It is unchanged then.
    """
    check_replaceable(path)
    document = parse(path)
    content, expected = _read_questions(questions_path)
    _, notes = place_questions(replace(document, expected_questions=expected), split_into_passages(document))
    if notes:
        raise FileError(questions_path.name, *_texts(notes))
    pdf = path.read_bytes()
    with pymupdf.open("pdf", pdf) as opened:
        if opened.get_sigflags() > 1:
            raise FileError(path.name, "is signed, and the change would break the signature; attach the questions "
                                       "before signing")
    new_pdf = with_questions(pdf, content)
    replace_file(path, lambda file: file.write(new_pdf))
    return sum(len(question.questions) for question in expected)


def _read_questions(path: Path) -> tuple[bytes, tuple[ExpectedQuestion, ...]]:
    """The content of a questions file, as bytes and parsed."""
    content = path.read_bytes()
    if len(content) > MAX_QUESTIONS_BYTES:
        raise FileError(path.name, f"is larger than {MAX_QUESTIONS_BYTES >> 20} MiB; leave some out")
    try:
        expected, notes = read_questions(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise FileError(path.name, "is not UTF-8; save it as UTF-8") from None
    if notes or not expected:
        raise FileError(path.name, *(_texts(notes) or ["holds no questions"]))
    return content, expected


def _texts(notes: Sequence[Message]) -> list[str]:
    return [text_of(DOCUMENT_NOTES, note) for note in notes]
