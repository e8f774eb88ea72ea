"""The dataclasses that travel through the knowledge pipeline: pages, passages, postings, hits, sources, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shotwise.messages import Message


@dataclass(frozen=True)
class Page:
    """One page of a PDF.

    Attributes
    ----------
    number : physical page number, from 1
    markdown : the text with headings and tables marked up
    text : the text as the PDF holds it
    """

    number: int
    markdown: str
    text: str


@dataclass(frozen=True)
class ExpectedQuestion:
    """Questions that a page is known to answer.

    They help the search find the passage; they are never quoted in an answer.

    Attributes
    ----------
    page : physical page number, from 1
    text : the words of that page that answer them: a line, or the heading of a section that answers as a whole
    questions : the questions
    """

    page: int
    text: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A parsed PDF.

    Attributes
    ----------
    name : file name
    title : title from the PDF's metadata, else the file name without its suffix
    sha256 : hash of the file's bytes, hexadecimal
    pages : all pages, in order
    notes : what could not be read as it should have been
    expected_questions : the questions that came attached to the PDF
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
    text : what is searched
    quote : the part that is quoted, a complete statement
    """

    text: str
    quote: str


@dataclass(frozen=True)
class Passage:
    """The lines of one page that stand under one heading.

    Attributes
    ----------
    document : file name of the document
    title : title of the document
    page : physical page number, from 1
    headings : the headings that the passage stands under, outermost first
    lines : its lines, in order
    action : whether the headings announce countermeasures
    """

    document: str
    title: str
    page: int
    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    action: bool

    @property
    def text(self) -> str:
        """Headings and lines as one text: what is embedded, and what a language model is shown."""
        return "\n".join([" / ".join(self.headings), *(line.text for line in self.lines)]).strip()


@dataclass(frozen=True)
class Postings:
    """An inverted index of one document: which terms occur in which places, and how often.

    A place is a piece of text that is counted by itself. A passage has these places, in this order: its headings
    together with the document's title, the questions that the passage as a whole answers, then for each line the line
    followed by the questions that the line answers. Places are numbered through the document.

    The arrays are bytes, so that stores can keep them as they are; integers are little-endian. T terms, P postings
    (pairs of a term and a place), N passages, S places. Of term t, `places[starts[t]:starts[t + 1]]` are its places in
    ascending order, and the same slice of `counts` says how often it occurs in each.

    Attributes
    ----------
    terms : the terms, sorted
    starts : uint32 [T + 1]
    places : uint32 [P]
    counts : uint8 [P], 255 where a term occurs more often
    firsts : uint32 [N + 1], the first place of each passage, then S
    questions : uint8 [S], 1 where the place is a question
    actions : uint8 [N], 1 where the passage's headings announce countermeasures
    """

    terms: tuple[str, ...]
    starts: bytes
    places: bytes
    counts: bytes
    firsts: bytes
    questions: bytes
    actions: bytes


# (number of a passage from 0, number of its line from 1; 0: the passage as a whole) → the questions answered there.
Questions = Mapping[tuple[int, int], tuple[str, ...]]


@dataclass(frozen=True)
class IndexedDocument:
    """A document with everything that a store keeps of it.

    Attributes
    ----------
    document : the parsed PDF
    version : a hash of its content and of all that decides how it is read
    passages : its passages; a passage's number is its position here
    postings : the inverted index of its passages
    questions : the questions that passages and lines answer
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
    document : file name of the document
    version : version of the document
    number : number of the passage in that version, from 0
    """

    document: str
    version: str
    number: int


@dataclass(frozen=True)
class DocumentSummary:
    """A stored document as a list of documents shows it.

    Attributes
    ----------
    name : file name
    title : title of the document
    version : version of the document
    pages : number of pages
    passages : number of passages
    notes : what could not be read as it should have been
    """

    name: str
    title: str
    version: str
    pages: int
    passages: int
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Attributes
    ----------
    text : the query in words
    vector : its embedding, None where there is no embedder
    """

    text: str
    vector: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Hit:
    """A passage that was found for a query.

    Attributes
    ----------
    passage : the passage
    relevance : the part of the query that the passage covers, 0 to 1, by the weights of the query's terms
    line_scores : how well each line of the passage answers, comparable within the passage; empty where unknown
    """

    passage: Passage
    relevance: float
    line_scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Source:
    """A quote that was checked against its page.

    Attributes
    ----------
    document : file name of the PDF
    title : title of the document
    page : physical page number, from 1
    relevance : that of the passage, 0 to 1; the cosine where the quote was found by meaning
    quote : words of the page
    """

    document: str
    title: str
    page: int
    relevance: float
    quote: str


@dataclass(frozen=True)
class Answer:
    """The answer to a question, or the statement that the documents do not answer it.

    Attributes
    ----------
    text : the answer; it cites sources as [1], [2] …
    sources : the quotes that it rests on; [1] is the first
    recommendations : countermeasures, in the words of the documents
    recommendation_sources : for each recommendation its index in `sources`, from 0
    grounded : False where the documents do not answer; the text then says so
    generator : name of the language model that worded the text, or "extractive"
    dropped : claims of the language model that were left out because their quotes could not be verified
    degraded : (step, class of the error) of each step that failed; the answer does without it
    """

    text: str
    sources: tuple[Source, ...]
    recommendations: tuple[str, ...]
    recommendation_sources: tuple[int, ...]
    grounded: bool
    generator: str
    dropped: int = 0
    degraded: tuple[tuple[str, str], ...] = ()
