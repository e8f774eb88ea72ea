"""The form of a document's object in S3: gzip of one JSON object, with all of it but the Markdown of its pages.

`{format, name, title, sha256, version, notes, pages: [[number, text]], passages: [[page, headings, lines, action]],
postings: {terms, starts, places, counts, firsts, questions, actions}}`. A line is [text] where its quote is the same,
else [text, quote]; a note is {code, params}, or text where a version before codes wrote it; the arrays of the postings
are Base64.
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

# Raise it with every change of the above that cannot be read without it: an object of another format is refused until
# its document is ingested again.
FORMAT = 2
ARRAYS = ("starts", "places", "counts", "firsts", "questions", "actions")


@dataclass(frozen=True)
class StoredDocument:
    """A document as it was read from S3.

    Attributes
    ----------
    summary : DocumentSummary
    pages : mapping
        Number of the page → its text as the PDF holds it.
    passages : tuple of Passage
    postings : Postings
    json_bytes : int
        Size of its JSON.
    """

    summary: DocumentSummary
    pages: Mapping[int, str]
    passages: tuple[Passage, ...]
    postings: Postings
    json_bytes: int


def pack_document(indexed_document: IndexedDocument) -> bytes:
    """Return the object's content; the same document gives the same bytes."""
    document, postings = indexed_document.document, indexed_document.postings
    content = {
        "format": FORMAT, "name": document.name, "title": document.title, "sha256": document.sha256,
        "version": indexed_document.version, "notes": [message_to_json(note) for note in document.notes],
        "pages": [[page.number, page.text] for page in document.pages],
        "passages": [[passage.page, passage.headings, [_line_to_json(line) for line in passage.lines], passage.action]
                     for passage in indexed_document.passages],
        "postings": {"terms": postings.terms, **{
            name: base64.b64encode(getattr(postings, name)).decode() for name in ARRAYS}}}
    # ASCII alone: JSON then carries lone surrogates too, which a PDF's text may hold.
    return gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)


def unpack_document(body: bytes) -> StoredDocument:
    """Read what `pack_document` wrote. Raises KnowledgeError for anything else."""
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
        raise KnowledgeError(f"holds no document of ours, or a damaged one: {error!r}") from error


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
    """Raise ValueError for arrays that do not fit together: they would fail later, in the middle of a search."""
    postings, passage_count = document.postings, len(document.passages)
    if (len(postings.starts) != 4 * (len(postings.terms) + 1) or len(postings.places) != 4 * len(postings.counts)
            or len(postings.firsts) != 4 * (passage_count + 1) or len(postings.actions) != passage_count
            or not _have_places(document)):
        raise ValueError("its postings do not fit together")


def _have_places(document: StoredDocument) -> bool:
    """Whether every passage has its places: its headings first, then one for each line, and questions after them."""
    postings = document.postings
    firsts, places, questions = _read_uint32(postings.firsts), _read_uint32(postings.places), postings.questions
    return len(questions) == firsts[-1] and max(places, default=-1) < firsts[-1] and all(
        questions[first:first + 1] == b"\0" and questions[first:end].count(0) == len(passage.lines) + 1
        for passage, first, end in zip(document.passages, firsts, firsts[1:], strict=False))


def _read_uint32(content: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(content) // 4}I", content)
