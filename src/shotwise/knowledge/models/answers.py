"""The dataclasses of a search and its answer: query, hits, sources, answer."""

from __future__ import annotations

from dataclasses import dataclass

from shotwise.knowledge.models.documents import Passage


@dataclass(frozen=True)
class Query:
    """A text to search passages for.

    Attributes
    ----------
    text : str
        The text of the query.
    vector : tuple of float or None
        Embedding of the text; None without an embedder.
    """

    text: str
    vector: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Hit:
    """A passage that a search found.

    Attributes
    ----------
    passage : Passage
        The passage.
    relevance : float
        Share of the query's terms that the passage covers, weighted by their importance; 0 to 1.
    line_scores : tuple of float
        How well each line of the passage answers the query, comparable within the passage only; empty if unknown.
    """

    passage: Passage
    relevance: float
    line_scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Source:
    """A quote that was verified against its page.

    Attributes
    ----------
    document : str
        File name of the PDF.
    title : str
        Title of the document.
    page : int
        Physical page number, from 1.
    relevance : float
        Relevance of the passage, 0 to 1; for a quote that was found by meaning, its cosine.
    quote : str
        Text of the page, word for word.
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
    text : str
        Text of the answer; it cites sources as [1], [2] …
    sources : tuple of Source
        The quotes that support the answer; [1] is the first.
    recommendations : tuple of str
        Countermeasures, quoted from the documents.
    recommendation_sources : tuple of int
        For each recommendation its index in `sources`, from 0.
    grounded : bool
        False if the documents do not answer the question; the text then says so.
    generator : str
        Name of the language model that worded the text, or `extractive`.
    dropped : int
        Number of claims of the language model that were left out because they could not be verified.
    degraded : tuple of (str, str)
        Name and error class of each step that failed and was left out.
    """

    text: str
    sources: tuple[Source, ...]
    recommendations: tuple[str, ...]
    recommendation_sources: tuple[int, ...]
    grounded: bool
    generator: str
    dropped: int = 0
    degraded: tuple[tuple[str, str], ...] = ()
