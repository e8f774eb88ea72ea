"""What the knowledge pipeline needs from outside; adapters implement it. All of them raise KnowledgeError.

A `DocumentStore` keeps the documents and is the truth: what it does not hold does not exist. A `PassageSearch` only finds places
by meaning; it can be made anew from the library's documents at any time. Documents are put into the searcher first and
into the library last, so a crash in between leaves the old version whole: keys of a version that the library does not
hold are passed over.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings, Query
from shotwise.messages import Message


class PageTexts(Protocol):
    """Gives the text of pages, against which quotes are verified."""

    def page_text(self, document: str, page: int) -> str:
        """The text of a page as the PDF holds it; empty where there is no such page."""
        ...


class DocumentStore(Protocol):
    """Keeps documents with their pages, passages and postings. Each writing call is one transaction: a reader sees
    the old version or the new one, whole."""

    def versions(self) -> Mapping[str, str]:
        """File name → version of every document. Asked before every search, so it has to be quick; it may be some
        seconds old."""
        ...

    def summaries(self) -> list[DocumentSummary]:
        """Every document, by name."""
        ...

    def postings(self, name: str, version: str) -> Postings:
        """The postings of a document. KnowledgeError where that version is not kept (any more)."""
        ...

    def passages(self, keys: Sequence[PassageId]) -> list[Passage | None]:
        """The passages that the keys name, None for each one that is not there in that version."""
        ...

    def page_text(self, document: str, page: int) -> str:
        """The text of a page as the PDF holds it; empty where there is no such page."""
        ...

    def put(self, volume: IndexedDocument) -> None:
        """Keep the document, in place of one of the same name; what was noted of its failure is forgotten."""
        ...

    def remove(self, name: str) -> None:
        """Forget the document and its failure; nothing happens where there is none."""
        ...

    def note_failure(self, name: str, failure: Message | None) -> None:
        """Note why the newest file of this name could not be read, None to forget that; the version kept stays."""
        ...

    def failures(self) -> Mapping[str, Message]:
        """File name → why its newest file could not be read."""
        ...

    def close(self) -> None:
        """Let go of what is open; nothing is asked afterwards."""
        ...


class PassageSearch(Protocol):
    """Finds passages by meaning."""

    name: str  # which store it is: a document is put into another one anew
    needs_vectors: bool  # put and rankings want embeddings from us; a service that embeds by itself does not
    lexical: bool  # one of its rankings is by words: ours by BM25 is then left out

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the passages of a version beside those of others; returns when they can be found. vectors: one a
        passage, none at all where there is no embedder. Twice the same leaves it there once."""
        ...

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove every other version of the document, or all of them where version is None."""
        ...

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """The passages for the query, best first: one ranking for each way to search that the store has."""
        ...


class Embedder(Protocol):
    """Turns text into vectors of unit length."""

    name: str  # model and dimensions: vectors of two names do not compare
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """One vector a text."""
        ...


class TextGenerator(Protocol):
    """Writes an answer from passages: a language model."""

    name: str

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """The text in pieces, as they come. Closing the iterator stops the model."""
        ...
