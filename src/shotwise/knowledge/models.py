"""What travels through the knowledge pipeline: pages, passages, postings, sources, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shotwise.messages import Message


@dataclass(frozen=True)
class Page:
    """One page of a PDF, numbered from 1. markdown: with headings and tables; text: as the PDF holds it."""

    number: int
    markdown: str
    text: str


@dataclass(frozen=True)
class ExpectedQuestion:
    """Questions that a page is known to answer. text: the words of the page that do, a line of it, or the heading of a
    section that answers as a whole. A passage is found by them; they are never quoted."""

    page: int
    text: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A parsed PDF. name: its file name; sha256: of its bytes; notes: what was not read as it should have been;
    expected: the questions that came with it."""

    name: str
    title: str
    sha256: str
    pages: tuple[Page, ...]
    notes: tuple[Message, ...] = ()
    expected_questions: tuple[ExpectedQuestion, ...] = ()


@dataclass(frozen=True)
class Line:
    """A sentence, list item or table row of a passage. quote: the part that is quoted, a whole statement."""

    text: str
    quote: str


@dataclass(frozen=True)
class Passage:
    """What stands on one page under one heading. action: its heading says that these are countermeasures."""

    document: str
    title: str
    page: int
    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    action: bool

    @property
    def text(self) -> str:
        """Headings and lines as one text: what is embedded, and what a writer is given."""
        return "\n".join([" / ".join(self.headings), *(line.text for line in self.lines)]).strip()


@dataclass(frozen=True)
class Postings:
    """Which terms stand where in one document, and how often: all that a search by words needs of it.

    The places of its passages are numbered on through the document. Those of a passage: its headings, with the
    document's title, then each of its lines; after each of them the questions that are answered there, one by one.

    terms: sorted. Of term t, `places[starts[t]:starts[t + 1]]` are its places, ascending, and `counts` over the same
    span its frequencies there, at most 255. firsts: the first place of each passage, and the number of all. All
    little-endian: starts uint32 [T + 1], places uint32 [P], counts uint8 [P], firsts uint32 [N + 1]. questions: one
    byte a place, 1 where it is a question; actions: one byte a passage, 1 where its heading announces countermeasures.
    """

    terms: tuple[str, ...]
    starts: bytes
    places: bytes
    counts: bytes
    firsts: bytes
    questions: bytes
    actions: bytes


# Number of a passage, number of a line of it from 1 (0: the passage as a whole) → the questions answered there.
Questions = Mapping[tuple[int, int], tuple[str, ...]]


@dataclass(frozen=True)
class IndexedDocument:
    """A document as it is kept. version: of its content and of how it was read; passages: numbered from 0."""

    document: Document
    version: str
    passages: tuple[Passage, ...]
    postings: Postings
    questions: Questions = field(default_factory=dict)


@dataclass(frozen=True)
class PassageId:
    """Names a passage: its document, the version of that document, its number in it from 0."""

    document: str
    version: str
    number: int


@dataclass(frozen=True)
class DocumentSummary:
    """A kept document, as a list of documents shows it. notes: as of `Document`."""

    name: str
    title: str
    version: str
    pages: int
    passages: int
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Query:
    """What is searched for. text: in words; vector: its embedding, None where there is no embedder."""

    text: str
    vector: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Hit:
    """A passage found for a query. relevance: the weighted part of the query's words that it holds, 0 to 1; lines: how
    well each of its lines answers, against the others."""

    passage: Passage
    relevance: float
    lines: tuple[float, ...] = ()


@dataclass(frozen=True)
class Source:
    """A quote that was checked against its page. document: PDF file name; page: physical, from 1."""

    document: str
    title: str
    page: int
    relevance: float
    quote: str


@dataclass(frozen=True)
class Answer:
    """text cites sources as [1], [2] …; recommendation_sources: index into sources of each recommendation.

    grounded: False where the documents do not answer, and the text says so. generator: what worded it. dropped: claims
    that a language model made and whose quotes do not stand on their pages. degraded: what did not work, as (step,
    name of the error), and what there is without it.
    """

    text: str
    sources: tuple[Source, ...]
    recommendations: tuple[str, ...]
    recommendation_sources: tuple[int, ...]
    grounded: bool
    generator: str
    dropped: int = 0
    degraded: tuple[tuple[str, str], ...] = ()
