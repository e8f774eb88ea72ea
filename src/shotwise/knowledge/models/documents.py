"""The dataclasses of a document: pages, lines, passages, postings, expected questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shotwise.messages import Message


@dataclass(frozen=True)
class Page:
    """One page of a PDF.

    Attributes
    ----------
    number : int
        Physical page number, from 1.
    markdown : str
        Text with headings and tables marked up.
    text : str
        Text as extracted from the PDF, against which quotes are verified.
    """

    number: int
    markdown: str
    text: str


@dataclass(frozen=True)
class ExpectedQuestion:
    """Questions that a statement or section of a page answers.

    They help the search to find the passage; they are never quoted in an answer.

    Attributes
    ----------
    page : int
        Physical page number, from 1.
    text : str
        The statement that answers them, as on the page, or the heading of a section that answers as a whole.
    questions : tuple of str
        The questions.
    """

    page: int
    text: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A parsed PDF.

    Attributes
    ----------
    name : str
        File name.
    title : str
        Title from the PDF's metadata, else the file name without its suffix.
    sha256 : str
        Hash of the file, hexadecimal.
    pages : tuple of Page
        All pages, in order.
    notes : tuple of Message
        What could not be read properly.
    expected_questions : tuple of ExpectedQuestion
        Questions from an attachment of the PDF.
    """

    name: str
    title: str
    sha256: str
    pages: tuple[Page, ...]
    notes: tuple[Message, ...] = ()
    expected_questions: tuple[ExpectedQuestion, ...] = ()


@dataclass(frozen=True)
class Line:
    """A sentence, list item or table row of a passage.

    Attributes
    ----------
    text : str
        The text to search.
    quote : str
        The part of the text to quote, a complete statement.
    """

    text: str
    quote: str


@dataclass(frozen=True)
class Passage:
    """Consecutive lines of one page under one heading.

    Attributes
    ----------
    document : str
        File name of the document.
    title : str
        Title of the document.
    page : int
        Physical page number, from 1.
    headings : tuple of str
        The headings above the passage, outermost first.
    lines : tuple of Line
        The lines, in order.
    action : bool
        Whether the headings announce countermeasures.
    """

    document: str
    title: str
    page: int
    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    action: bool

    @property
    def text(self) -> str:
        """Headings and lines as one text, for embedders and language models."""
        return "\n".join([" / ".join(self.headings), *(line.text for line in self.lines)]).strip()


@dataclass(frozen=True)
class Postings:
    """An inverted index of one document: which terms occur in which places, and how often.

    A place is a piece of text whose terms are counted separately. A passage has these places, in this order: its
    headings together with the document's title, each question that the passage as a whole answers, then for each line
    the line itself and each question that it answers. Places are numbered through the document.

    The arrays are bytes, so that stores can write them unchanged; integers are little-endian. There are T terms, P
    postings (pairs of a term and a place), N passages and S places. The places of term t, in ascending order, are
    `places[starts[t]:starts[t + 1]]`; the same slice of `counts` has the number of its occurrences in each.

    Attributes
    ----------
    terms : tuple of str
        The terms, sorted.
    starts : bytes, uint32 array of shape (T + 1,)
        The first posting of each term, then P.
    places : bytes, uint32 array of shape (P,)
        The place of each posting.
    counts : bytes, uint8 array of shape (P,)
        The occurrences of each posting's term in its place; 255 stands for any larger number as well.
    firsts : bytes, uint32 array of shape (N + 1,)
        The first place of each passage, then S.
    questions : bytes, uint8 array of shape (S,)
        1 for a place that is a question.
    actions : bytes, uint8 array of shape (N,)
        1 for a passage whose headings announce countermeasures.
    """

    terms: tuple[str, ...]
    starts: bytes
    places: bytes
    counts: bytes
    firsts: bytes
    questions: bytes
    actions: bytes


# (number of a passage from 0, number of its line from 1, or 0 for the passage as a whole) → the questions it answers.
Questions = Mapping[tuple[int, int], tuple[str, ...]]


@dataclass(frozen=True)
class IndexedDocument:
    """A document with everything that a store needs.

    Attributes
    ----------
    document : Document
        The parsed PDF.
    version : str
        Hash of its content and of all settings and code versions that decide how it is read.
    passages : tuple of Passage
        The passages; a passage's number is its position here.
    postings : Postings
        The inverted index of the passages.
    questions : Questions
        The questions that passages and lines answer.
    """

    document: Document
    version: str
    passages: tuple[Passage, ...]
    postings: Postings
    questions: Questions = field(default_factory=dict)


@dataclass(frozen=True)
class PassageId:
    """Identifies a passage.

    Attributes
    ----------
    document : str
        File name of the document.
    version : str
        Version of the document.
    number : int
        Number of the passage in that version, from 0.
    """

    document: str
    version: str
    number: int


@dataclass(frozen=True)
class DocumentSummary:
    """An entry of a list of stored documents.

    Attributes
    ----------
    name : str
        File name.
    title : str
        Title of the document.
    version : str
        Version of the document.
    pages : int
        Number of pages.
    passages : int
        Number of passages.
    notes : tuple of Message
        What could not be read properly.
    """

    name: str
    title: str
    version: str
    pages: int
    passages: int
    notes: tuple[Message, ...] = ()
