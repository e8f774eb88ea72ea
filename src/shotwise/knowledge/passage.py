"""What travels through the knowledge pipeline: pages, passages, sources, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Page:
    """One page of a PDF, numbered from 1. markdown: with headings and tables; text: as the PDF holds it."""

    number: int
    markdown: str
    text: str


@dataclass(frozen=True)
class Document:
    """A parsed PDF. name: its file name; sha256: of its bytes."""

    name: str
    title: str
    sha256: str
    pages: tuple[Page, ...]


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
    """text cites sources as [1], [2] …; recommendation_sources: index into sources of each recommendation."""

    text: str
    sources: tuple[Source, ...]
    recommendations: tuple[str, ...]
    recommendation_sources: tuple[int, ...]
    grounded: bool
    generator: str


class Index(Protocol):
    """Where passages are kept and found. Implementations raise KnowledgeError."""

    def search(self, tokens: Sequence[str], limit: int, *, action_only: bool = False) -> list[Passage]:
        """The passages that hold any of `tokens`, best first."""
        ...

    def frequencies(self, tokens: Sequence[str]) -> Mapping[str, int]:
        """In how many passages each token stands; tokens that stand in none may be absent."""
        ...

    def size(self) -> int:
        """The number of passages."""
        ...

    def documents(self) -> Mapping[str, str]:
        """File name → title of every document."""
        ...

    def page_text(self, document: str, page: int) -> str:
        """The text of a page as the PDF holds it."""
        ...


class WritableIndex(Index, Protocol):
    """An index that documents can be put into; each call is one transaction."""

    def replace(self, document: Document, passages: Sequence[Passage]) -> None:
        """Put the document in, in place of one of the same name."""
        ...

    def digest(self, name: str) -> str | None:
        """The sha256 of the document of this name, None where there is none."""
        ...
