"""A document's object in S3 is read where it is whole and of this format, and refused otherwise."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

import pytest
from sample_indexed_documents import volume
from stored_objects import POSTINGS, kept_object

from shotwise.adapters.aws.s3_document_format import pack_document, unpack_document
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, Passage, Postings
from shotwise.messages import Message


def test_the_object_that_the_other_tests_damage_is_whole() -> None:
    """All of it, as its form says."""
    found = unpack_document(kept_object())
    assert found.summary == DocumentSummary("x.pdf", "X", "v1", 0, 1) and found.pages == {}
    assert found.passages == (Passage("x.pdf", "X", 1, ("b",), (), True),)
    assert found.postings == Postings(("b",), b"\0\0\0\0\1\0\0\0", b"\0\0\0\0", b"\2", b"\0\0\0\0\2\0\0\0",
                                      b"\0\1", b"\1")


def test_notes_that_were_stored_as_text_are_read() -> None:
    """An object that a version before codes wrote keeps its English notes, without the name that they began with."""
    document = unpack_document(kept_object(notes=["x.pdf: page 3 is a picture", {"code": "repaired", "params": {}}]))
    assert document.summary.notes == (Message("earlier_text", {"text": "page 3 is a picture"}), Message("repaired"))


@pytest.mark.parametrize("texts", [(), ("기포가 생긴다", "압력을 올린다")])
def test_what_was_packed_is_unpacked(texts: tuple[str, ...]) -> None:
    """A document without passages too; the words of the questions are in its postings alone."""
    kept = volume(*texts, questions={(0, 1): ("왜?", "언제?"), (1, 0): ("누가?",)})
    found = unpack_document(pack_document(kept))
    assert (found.passages, found.postings) == (kept.passages, kept.postings)
    assert found.postings.questions == (b"\0\0\1\1\0\0\1\0\0" if texts else b"")
    assert pack_document(kept) == pack_document(replace(kept, questions={}))


@pytest.mark.parametrize("number", [0, 1, 3, "2", None])
def test_another_format_is_refused(number: Any) -> None:
    """It says what to do."""
    with pytest.raises(KnowledgeError, match=f"has format {number!r}, this version reads 2; ingest its document again"):
        unpack_document(kept_object(format=number))


@pytest.mark.parametrize("body", [
    kept_object(notes=[7]), kept_object(notes=[{"code": "repaired"}]), b"", b"no gzip", kept_object()[:-9], kept_object()[:20], gzip.compress(b"no JSON"), gzip.compress(b"[]"),
    gzip.compress(b"\xff"), gzip.compress(b"{}"), kept_object(postings={}), kept_object(passages=[[1]]),
    kept_object(pages=7)])
def test_a_damaged_or_foreign_object_is_refused(body: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(KnowledgeError, match="holds no document of ours, or a damaged one"):
        unpack_document(body)


@pytest.mark.parametrize("changes", [
    {"terms": []}, {"starts": "no base 64"}, {"starts": "AAAAAA=="}, {"places": ""}, {"counts": "AQE="},
    {"firsts": ""}, {"firsts": "AAAAAA=="}, {"firsts": "AAAAAAIAAAACAAAA"}, {"firsts": None}, {"questions": None},
    {"questions": "AA=="}, {"questions": "AAA="}, {"questions": "AQA="}, {"places": "AgAAAA=="},
    {"actions": "AAAA"}])
def test_postings_that_do_not_fit_together_are_refused(changes: dict[str, Any]) -> None:
    """They would fail in the middle of a search."""
    with pytest.raises(KnowledgeError, match="a damaged one"):
        unpack_document(kept_object(postings={**POSTINGS, **changes}))


@pytest.mark.parametrize("name", POSTINGS)
def test_no_part_of_the_postings_may_be_missing(name: str) -> None:
    """Nor may the passages be others."""
    with pytest.raises(KnowledgeError, match=f"a damaged one: KeyError.*{name}"):
        unpack_document(kept_object(postings={part: content for part, content in POSTINGS.items() if part != name}))
    with pytest.raises(KnowledgeError, match="its postings do not fit together"):
        unpack_document(kept_object(passages=[]))
