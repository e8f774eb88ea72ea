"""Convert documents to and from their objects in S3: gzip of one JSON object, without the Markdown of the pages.

`{format, name, title, sha256, version, notes, pages: [[number, text]], passages: [[page, headings, lines, action]],
postings: {terms, starts, places, counts, firsts, questions, actions}}`. A line is [text] if its quote is the same, else
[text, quote]; a note is {code, params}, or text in objects of versions before there were codes; the arrays of the
postings are Base64.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shotwise.adapters.stored_messages import message_from_json, message_to_json
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Line, Passage, Postings

# Increment it with every incompatible change of the format: an object of another format is refused until its document
# is ingested again.
FORMAT = 2
ARRAYS = ("starts", "places", "counts", "firsts", "questions", "actions")


@dataclass(frozen=True)
class StoredDocument:
    """A document as it was read from S3.

    Attributes
    ----------
    summary : DocumentSummary
        Name, title, version, sizes and notes.
    pages : mapping of int to str
        Text of each page as extracted from the PDF, by page number.
    passages : tuple of Passage
        All passages, in order.
    postings : Postings
        The inverted index of the passages.
    json_bytes : int
        Size of the document as JSON.
    """

    summary: DocumentSummary
    pages: Mapping[int, str]
    passages: tuple[Passage, ...]
    postings: Postings
    json_bytes: int


def pack_document(indexed_document: IndexedDocument) -> bytes:
    """Return the content of the object; it is the same for the same document."""
    document, postings = indexed_document.document, indexed_document.postings
    content = {
        "format": FORMAT, "name": document.name, "title": document.title, "sha256": document.sha256,
        "version": indexed_document.version, "notes": [message_to_json(note) for note in document.notes],
        "pages": [[page.number, page.text] for page in document.pages],
        "passages": [[passage.page, passage.headings, [_line_to_json(line) for line in passage.lines], passage.action]
                     for passage in indexed_document.passages],
        "postings": {"terms": postings.terms, **{
            name: base64.b64encode(getattr(postings, name)).decode() for name in ARRAYS}}}
    # In ASCII, JSON can also contain lone surrogates, which the text of a PDF may have.
    return gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)


def unpack_document(body: bytes) -> StoredDocument:
    """Read the result of `pack_document`. Raises KnowledgeError for any other content."""
    try:
        text = gzip.decompress(body)
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise KnowledgeError(f"has format {content['format']!r}, this version reads {FORMAT}; "
                                 "ingest its document again")
        document = _from_json(content, len(text))
        _check_postings(document)
        return document
    except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError) as error:
        raise KnowledgeError(f"is not a document of Shotwise, or is damaged: {error!r}") from error


def _line_to_json(line: Line) -> list[str]:
    return [line.text] if line.text == line.quote else [line.text, line.quote]


def _from_json(content: dict[str, Any], json_bytes: int) -> StoredDocument:
    name, title = str(content["name"]), str(content["title"])
    passages = tuple(
        Passage(name, title, int(page), tuple(headings), tuple(Line(line[0], line[-1]) for line in lines), bool(action))
        for page, headings, lines, action in content["passages"])
    arrays = {array: base64.b64decode(content["postings"][array], validate=True) for array in ARRAYS}
    pages = {int(number): str(text) for number, text in content["pages"]}
    notes = tuple(message_from_json(note, name) for note in content["notes"])
    summary = DocumentSummary(name, title, str(content["version"]), len(pages), len(passages), notes)
    return StoredDocument(summary, pages, passages, Postings(tuple(content["postings"]["terms"]), **arrays), json_bytes)


def _check_postings(document: StoredDocument) -> None:
    """Raise ValueError for inconsistent arrays, which would otherwise fail in the middle of a search."""
    postings, passage_count = document.postings, len(document.passages)
    if (len(postings.starts) != 4 * (len(postings.terms) + 1) or len(postings.places) != 4 * len(postings.counts)
            or len(postings.firsts) != 4 * (passage_count + 1) or len(postings.actions) != passage_count
            or not _have_places(document)):
        raise ValueError("its postings do not fit together")


def _have_places(document: StoredDocument) -> bool:
    """Return whether the places of every passage are as `Postings` defines them, and none is out of range."""
    postings = document.postings
    firsts, places, questions = _read_uint32(postings.firsts), _read_uint32(postings.places), postings.questions
    return len(questions) == firsts[-1] and max(places, default=-1) < firsts[-1] and all(
        questions[first:first + 1] == b"\0" and questions[first:end].count(0) == len(passage.lines) + 1
        for passage, first, end in zip(document.passages, firsts, firsts[1:], strict=False))


def _read_uint32(content: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(content) // 4}I", content)
