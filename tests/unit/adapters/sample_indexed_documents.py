"""Small indexed documents, and names that documents must be allowed to have."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shotwise.knowledge.ingestion.postings import Place, pack_postings
from shotwise.knowledge.models import Document, IndexedDocument, Line, Page, Passage, Postings, Questions
from shotwise.messages import Message

NOTES = (Message("page_empty", {"page": 3, "cause": "crash"}),)
ODD_NAMES = ["guide.pdf", "한글 이름.pdf", " two  spaces .pdf", "../x.pdf", ".", "a/b%2Fc.pdf", 'q"uo\'te\\.pdf',
             "a-b.pdf", "가" * 300, "가" * 299 + "나", "n" * 300]


def passage(text: str, *, name: str = "guide.pdf", page: int = 1, action: bool = False,
            headings: tuple[str, ...] = ("기포",)) -> Passage:
    """Make a passage of two lines, of which the second is quoted in part."""
    return Passage(name, "Guide", page, headings, (Line(text, text), Line(f"- {text}", text)), action)


def make_document(*texts: str, name: str = "guide.pdf", version: str = "v1", pages: Sequence[int] = (),
           actions: Sequence[int] = (), questions: Questions | None = None) -> IndexedDocument:
    """Make an indexed document of these passages.

    `pages` holds the page of each passage, without it each has its own; `actions` holds the numbers of the passages
    that are countermeasures.
    """
    numbers = pages or range(1, len(texts) + 1)
    passages = tuple(passage(text, name=name, page=page, action=number in actions)
                     for number, (text, page) in enumerate(zip(texts, numbers, strict=True)))
    document = Document(name, "Guide", "5ha", tuple(Page(page, f"# Page {page}", f"Text of {page}")
                                                    for page in dict.fromkeys(numbers)), NOTES)
    return IndexedDocument(document, version, passages, heading_postings(passages, questions or {}),
                           questions or {})


def heading_postings(passages: Sequence[Passage], questions: Questions) -> Postings:
    """Make postings of one term, which stands in the headings of every passage and counts twice there."""
    return pack_postings((_places(number, passage, questions) for number, passage in enumerate(passages)),
                         [passage.action for passage in passages])


def _places(number: int, passage: Passage, questions: Questions) -> list[Place]:
    return [place for line in range(len(passage.lines) + 1) for place in (
        ({} if line else {"기포": 2}, False), *[({}, True)] * len(questions.get((number, line), ())))]


def vector(angle: float, dimensions: int = 4) -> tuple[float, ...]:
    """Make a vector of unit length at an angle in degrees."""
    return (math.cos(math.radians(angle)), math.sin(math.radians(angle)), *[0.0] * (dimensions - 2))
