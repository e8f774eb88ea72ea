"""A document's object in S3 is read if it is complete and of this format, and refused otherwise."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

import pytest
from sample_indexed_documents import make_document
from stored_objects import POSTINGS, stored_object

from shotwise.adapters.aws.s3_document_format import pack_document, unpack_document
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, Passage, Postings
from shotwise.messages import Message


def test_the_object_that_the_other_tests_damage_is_sound() -> None:
    """All parts of the object are read as the format describes them."""
    document = unpack_document(stored_object())
    assert document.summary == DocumentSummary("x.pdf", "X", "v1", 0, 1) and document.pages == {}
    assert document.passages == (Passage("x.pdf", "X", 1, ("b",), (), True),)
    assert document.postings == Postings(("b",), b"\0\0\0\0\1\0\0\0", b"\0\0\0\0", b"\2", b"\0\0\0\0\2\0\0\0",
                                         b"\0\1", b"\1")


def test_notes_that_were_stored_as_text_are_read() -> None:
    """An object that a version before codes wrote keeps its English notes, without the name that they began with."""
    document = unpack_document(stored_object(notes=["x.pdf: page 3 is a picture", {"code": "repaired", "params": {}}]))
    assert document.summary.notes == (Message("earlier_text", {"text": "page 3 is a picture"}), Message("repaired"))


@pytest.mark.parametrize("texts", [(), ("기포가 생긴다", "압력을 올린다")])
def test_what_was_packed_is_unpacked(texts: tuple[str, ...]) -> None:
    """Passages and postings come back, also without any; the words of the questions are in the postings alone."""
    document = make_document(*texts, questions={(0, 1): ("왜?", "언제?"), (1, 0): ("누가?",)})
    unpacked = unpack_document(pack_document(document))
    assert (unpacked.passages, unpacked.postings) == (document.passages, document.postings)
    assert unpacked.postings.questions == (b"\0\0\1\1\0\0\1\0\0" if texts else b"")
    assert pack_document(document) == pack_document(replace(document, questions={}))


@pytest.mark.parametrize("number", [0, 1, 3, "2", None])
def test_another_format_is_refused(number: Any) -> None:
    """An object of another format is refused with what to do."""
    with pytest.raises(KnowledgeError, match=f"has format {number!r}, this version reads 2; ingest its document again"):
        unpack_document(stored_object(format=number))


@pytest.mark.parametrize("body", [
    stored_object(notes=[7]), stored_object(notes=[{"code": "repaired"}]), b"", b"no gzip", stored_object()[:-9],
    stored_object()[:20], *(gzip.compress(content, mtime=0) for content in (b"no JSON", b"[]", b"\xff", b"{}")),
    stored_object(postings={}), stored_object(passages=[[1]]), stored_object(pages=7)])
def test_a_damaged_or_foreign_object_is_refused(body: bytes) -> None:
    """An object that is damaged, or something else, is a KnowledgeError."""
    with pytest.raises(KnowledgeError, match="is not a document of Shotwise, or is damaged"):
        unpack_document(body)


@pytest.mark.parametrize("changes", [
    {"terms": []}, {"starts": "no base 64"}, {"starts": "AAAAAA=="}, {"places": ""}, {"counts": "AQE="},
    {"firsts": ""}, {"firsts": "AAAAAA=="}, {"firsts": "AAAAAAIAAAACAAAA"}, {"firsts": None}, {"questions": None},
    {"questions": "AA=="}, {"questions": "AAA="}, {"questions": "AQA="}, {"places": "AgAAAA=="},
    {"actions": "AAAA"}])
def test_postings_that_do_not_fit_together_are_refused(changes: dict[str, Any]) -> None:
    """Postings that do not fit together are refused, because they would fail in the middle of a search."""
    with pytest.raises(KnowledgeError, match="or is damaged"):
        unpack_document(stored_object(postings={**POSTINGS, **changes}))


@pytest.mark.parametrize("name", POSTINGS)
def test_no_part_of_the_postings_may_be_missing(name: str) -> None:
    """An object without a part of its postings, or with other passages, is refused."""
    with pytest.raises(KnowledgeError, match=f"or is damaged: KeyError.*{name}"):
        unpack_document(stored_object(postings={part: content for part, content in POSTINGS.items() if part != name}))
    with pytest.raises(KnowledgeError, match="its postings do not fit together"):
        unpack_document(stored_object(passages=[]))
