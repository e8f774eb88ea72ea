"""What travels through the knowledge pipeline: pages, passages, postings, sources, answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page of a PDF, numbered from 1. markdown: with headings and tables; text: as the PDF holds it."""

    number: int
    markdown: str
    text: str


@dataclass(frozen=True)
class Document:
    """A parsed PDF. name: its file name; sha256: of its bytes; notes: what was not read as it should have been."""

    name: str
    title: str
    sha256: str
    pages: tuple[Page, ...]
    notes: tuple[str, ...] = ()


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
    """Which terms stand in which passages of one document, and how often: what a search by words needs of it.

    terms: sorted. Of term t, `passages[starts[t]:starts[t + 1]]` are the numbers of its passages, ascending, and
    `counts` over the same span its frequencies there, at most 255. All little-endian: starts uint32 [T + 1], passages
    uint32 [P], counts uint8 [P]. actions: one byte a passage, 1 where its heading announces countermeasures.
    """

    terms: tuple[str, ...]
    starts: bytes
    passages: bytes
    counts: bytes
    actions: bytes


@dataclass(frozen=True)
class Volume:
    """A document as it is kept. version: of its content and of how it was read; passages: numbered from 0."""

    document: Document
    version: str
    passages: tuple[Passage, ...]
    postings: Postings


@dataclass(frozen=True)
class Key:
    """Names a passage: its document, the version of that document, its number in it from 0."""

    document: str
    version: str
    number: int


@dataclass(frozen=True)
class Entry:
    """A kept document, as a list of documents shows it. notes: as of `Document`."""

    name: str
    title: str
    version: str
    pages: int
    passages: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """What is searched for. text: in words; vector: its embedding, None where there is no embedder."""

    text: str
    vector: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Hit:
    """A passage found for a query. relevance: the weighted part of the query's words that it holds, 0 to 1."""

    passage: Passage
    relevance: float


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
