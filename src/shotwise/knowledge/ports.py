"""The interfaces through which the knowledge pipeline reaches the outside; adapters implement them.

Every method raises KnowledgeError where what is behind it does not answer.

A `DocumentStore` keeps the documents and decides what exists. A `PassageSearch` only ranks passages by meaning and can
be rebuilt from the store at any time. A document is put into the passage search first and into the store last, so a
crash in between leaves the old version complete: passage ids of a version that the store does not hold are ignored.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings, Query
from shotwise.messages import Message


class PageTexts(Protocol):
    """Gives the text of pages, against which quotes are verified."""

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as the PDF holds it; empty where there is no such page."""
        ...


class DocumentStore(Protocol):
    """Keeps documents with their pages, passages and postings.

    Each method that writes is one transaction: a reader sees either the old version or the new one, complete.
    """

    def versions(self) -> Mapping[str, str]:
        """Return the version of every document by file name.

        It is asked before every search, so it has to be quick; the answer may be some seconds old.
        """
        ...

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document, ordered by name."""
        ...

    def postings(self, name: str, version: str) -> Postings:
        """Return the postings of a document. Raises KnowledgeError if that version is not kept, or no longer."""
        ...

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passage of each id, None where it does not exist in that version."""
        ...

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as the PDF holds it; empty where there is no such page."""
        ...

    def put(self, indexed_document: IndexedDocument) -> None:
        """Keep the document in place of one of the same name, and forget a failure noted under that name."""
        ...

    def remove(self, name: str) -> None:
        """Forget the document and its failure; do nothing where there is none."""
        ...

    def note_failure(self, name: str, failure: Message | None) -> None:
        """Note why the newest file of this name could not be read; None forgets that. The kept version stays."""
        ...

    def failures(self) -> Mapping[str, Message]:
        """Return, by file name, why the newest file could not be read."""
        ...

    def close(self) -> None:
        """Release what is open. No other method is called afterwards."""
        ...


class PassageSearch(Protocol):
    """Ranks passages by meaning.

    Attributes
    ----------
    name : names the store; a document is ingested again when it changes
    needs_vectors : whether `put` and `rankings` need embeddings from us; a service that embeds by itself does not
    lexical : whether one of its rankings is by words; ours by BM25 is then left out
    """

    name: str
    needs_vectors: bool
    lexical: bool

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the passages of a version beside those of other versions; return when they can be found.

        Putting the same version twice leaves it there once. `vectors` holds one embedding per passage, or nothing
        where there is no embedder.
        """
        ...

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove every other version of the document; all of them where `version` is None."""
        ...

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return one ranking for each way to search that the store has, best passage first."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of unit length.

    Attributes
    ----------
    name : model and dimensions; vectors of different names cannot be compared
    dimensions : length of a vector
    """

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """Return one vector per text."""
        ...


class TextGenerator(Protocol):
    """Words an answer from passages: a language model.

    Attributes
    ----------
    name : name of the model, as an answer states it
    """

    name: str

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """Yield the text in pieces, as they arrive. Closing the generator stops the model."""
        ...
