"""How a document lies in S3: gzip over one JSON object that holds all of it but the Markdown of its pages.

`{format, name, title, sha256, version, notes, pages: [[number, text]], passages: [[page, headings, lines, action]],
postings: {terms, starts, places, counts, firsts, questions, actions}}`; a line is [text] where its quote is the same,
else [text, quote]; the arrays of the postings are Base64.
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

# Raise it with every change of the above: an object of another format is refused until its document is ingested anew.
FORMAT = 2
ARRAYS = ("starts", "places", "counts", "firsts", "questions", "actions")


@dataclass(frozen=True)
class Kept:
    """A document as the library serves it. pages: number → text; size: bytes of its JSON."""

    entry: DocumentSummary
    pages: Mapping[int, str]
    passages: tuple[Passage, ...]
    postings: Postings
    size: int


def packed(volume: IndexedDocument) -> bytes:
    """The object's content; the same for the same volume."""
    document, postings = volume.document, volume.postings
    content = {
        "format": FORMAT, "name": document.name, "title": document.title, "sha256": document.sha256,
        "version": volume.version, "notes": [message_to_json(note) for note in document.notes],
        "pages": [[page.number, page.text] for page in document.pages],
        "passages": [[passage.page, passage.headings, [_line(line) for line in passage.lines], passage.action]
                     for passage in volume.passages],
        "postings": {"terms": postings.terms, **{
            name: base64.b64encode(getattr(postings, name)).decode() for name in ARRAYS}}}
    # ASCII alone: JSON then carries lone surrogates too, which a PDF's text may hold.
    return gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)


def unpacked(body: bytes) -> Kept:
    """What `packed` made; KnowledgeError for anything else."""
    try:
        text = gzip.decompress(body)
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise KnowledgeError(f"has format {content['format']!r}, this version reads {FORMAT}; "
                                 "ingest its document again")
        return _checked(_kept(content, len(text)))
    except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError) as error:
        raise KnowledgeError(f"holds no document of ours, or a damaged one: {error!r}") from error


def _line(line: Line) -> list[str]:
    return [line.text] if line.text == line.quote else [line.text, line.quote]


def _kept(content: dict[str, Any], size: int) -> Kept:
    name, title = str(content["name"]), str(content["title"])
    passages = tuple(
        Passage(name, title, int(page), tuple(headings), tuple(Line(line[0], line[-1]) for line in lines), bool(action))
        for page, headings, lines, action in content["passages"])
    arrays = {array: base64.b64decode(content["postings"][array], validate=True) for array in ARRAYS}
    pages = {int(number): str(text) for number, text in content["pages"]}
    entry = DocumentSummary(name, title, str(content["version"]), len(pages), len(passages),
                            tuple(message_from_json(note, name) for note in content["notes"]))
    return Kept(entry, pages, passages, Postings(tuple(content["postings"]["terms"]), **arrays), size)


def _checked(found: Kept) -> Kept:
    """Arrays that do not fit together would fail far from here, in the middle of a search."""
    postings = found.postings
    if (len(postings.starts) != 4 * (len(postings.terms) + 1) or len(postings.places) != 4 * len(postings.counts)
            or len(postings.firsts) != 4 * (len(found.passages) + 1) or len(postings.actions) != len(found.passages)
            or not _places_fit(found)):
        raise ValueError("its postings do not fit together")
    return found


def _places_fit(found: Kept) -> bool:
    """Whether every passage has its places: first its headings, and as many more texts as it has lines."""
    firsts, places, questions = (_uint32(found.postings.firsts), _uint32(found.postings.places),
                                 found.postings.questions)
    return len(questions) == firsts[-1] and max(places, default=-1) < firsts[-1] and all(
        questions[first:first + 1] == b"\0" and questions[first:end].count(0) == len(passage.lines) + 1
        for passage, first, end in zip(found.passages, firsts, firsts[1:], strict=False))


def _uint32(content: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(content) // 4}I", content)
