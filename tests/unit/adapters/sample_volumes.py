"""Small volumes that tests put, and names that documents must be allowed to have."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from shotwise.knowledge.passage import Document, Line, Page, Passage, Postings, Questions, Volume

ODD_NAMES = ["guide.pdf", "한글 이름.pdf", " two  spaces .pdf", "../x.pdf", ".", "a/b%2Fc.pdf", 'q"uo\'te\\.pdf',
             "a-b.pdf", "가" * 300, "가" * 299 + "나", "n" * 300]
PLACES = 6  # of a passage: its headings, its two lines, and the questions of each


def passage(text: str, *, name: str = "guide.pdf", page: int = 1, action: bool = False,
            headings: tuple[str, ...] = ("기포",)) -> Passage:
    """A passage of one line of which a part is quoted."""
    return Passage(name, "Guide", page, headings, (Line(text, text), Line(f"- {text}", text)), action)


def volume(*texts: str, name: str = "guide.pdf", version: str = "v1", pages: Sequence[int] = (),
           actions: Sequence[int] = (), questions: Questions | None = None) -> Volume:
    """A document of these passages. pages: of each passage, one each where absent; actions: numbers of passages."""
    numbers = pages or range(1, len(texts) + 1)
    passages = tuple(passage(text, name=name, page=page, action=number in actions)
                     for number, (text, page) in enumerate(zip(texts, numbers, strict=True)))
    document = Document(name, "Guide", "5ha", tuple(Page(page, f"# Page {page}", f"Text of {page}")
                                                    for page in dict.fromkeys(numbers)), ("page 3 is a picture",))
    return Volume(document, version, passages, postings(len(passages), actions), questions or {})


def postings(passages: int, actions: Sequence[int] = ()) -> Postings:
    """One term that stands in the headings of every passage, which count twice; a passage has two lines."""
    firsts = range(0, PLACES * (passages + 1), PLACES)
    return Postings(("기포",), struct.pack("<2I", 0, passages), struct.pack(f"<{passages}I", *firsts[:-1]),
                    bytes([2]) * passages, struct.pack(f"<{passages + 1}I", *firsts),
                    bytes(number in actions for number in range(passages)))


def vector(angle: float, dimensions: int = 4) -> tuple[float, ...]:
    """A vector of unit length at an angle in degrees."""
    return (math.cos(math.radians(angle)), math.sin(math.radians(angle)), *[0.0] * (dimensions - 2))
