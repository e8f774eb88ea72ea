"""The interfaces of the stores, searches and models that the knowledge pipeline uses; adapters implement them.

Every method raises KnowledgeError if the service behind it does not answer.

A `DocumentStore` stores the documents and decides which exist. A `PassageSearch` only ranks passages by meaning and can
be rebuilt from the store at any time. A document is put into the passage search first and into the store last, so a
crash in between leaves the old version complete: ids of passages whose version is not in the store are ignored.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from shotwise.deadline import Deadline
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings, Query
from shotwise.messages import Message


class PageTexts(Protocol):
    """Returns the text of pages, against which quotes are verified."""

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as extracted from the PDF; empty if there is no such page."""
        ...


class DocumentStore(Protocol):
    """Stores documents with their pages, passages and postings.

    Each method that writes is one transaction: a reader sees either the old version or the new one, complete.
    """

    def versions(self) -> Mapping[str, str]:
        """Return the version of every document by file name.

        It is called before every search, so it has to be fast; the versions may be some seconds old.
        """
        ...

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document, ordered by name."""
        ...

    def postings(self, name: str, version: str) -> Postings:
        """Return the postings of a document. Raises KnowledgeError if the store does not have that version."""
        ...

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passage of each id; None for one that does not exist in that version."""
        ...

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as extracted from the PDF; empty if there is no such page."""
        ...

    def put(self, indexed_document: IndexedDocument) -> None:
        """Store the document, replacing any version of the same name and deleting a failure of that name."""
        ...

    def remove(self, name: str) -> None:
        """Delete the document and the failure of this name, if there are any."""
        ...

    def note_failure(self, name: str, failure: Message | None, version: str = "") -> None:
        """Store why the newest file of this name could not be read; None deletes the reason. The document stays.

        `version` is the version of the file that could not be read; it is empty if reading it again may succeed.
        """
        ...

    def noted_failure(self, name: str, version: str) -> Message | None:
        """Return why this version of the file could not be read; None unless the last failure noted that version."""
        ...

    def failures(self) -> Mapping[str, Message]:
        """Return, by file name, why the newest file could not be read."""
        ...

    def close(self) -> None:
        """Close connections and files. No other method is called afterwards."""
        ...


class PassageSearch(Protocol):
    """Ranks passages by meaning.

    Attributes
    ----------
    name : str
        Name of the store; when it changes, documents are ingested again.
    needs_vectors : bool
        Whether `put` and `rankings` need embeddings; a service that embeds texts itself does not.
    lexical : bool
        Whether one of its rankings is by words, which then replaces the ranking by `Bm25Index`.
    """

    name: str
    needs_vectors: bool
    lexical: bool

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add the passages of a version without removing other versions; return when they can be found.

        Putting the same version twice has the same effect as once. `vectors` has one embedding per passage; it is empty
        without an embedder.
        """
        ...

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove every other version of the document, or all versions if `version` is None."""
        ...

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return one ranking for each method of search that the store has, best passage first."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of unit length.

    Attributes
    ----------
    name : str
        Model and dimensions; vectors of embedders with different names cannot be compared.
    dimensions : int
        Length of the vectors.
    """

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str], deadline: Deadline | None = None) -> list[tuple[float, ...]]:
        """Return one vector per text.

        With a deadline there is a single try, which ends by then; without it there are several, as for documents.
        """
        ...


class TextGenerator(Protocol):
    """A language model that words answers from passages.

    Attributes
    ----------
    name : str
        Name of the model, which answers report as their generator.
    """

    name: str

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Yield the text in pieces, as they arrive. Closing the iterator stops the model, and so does the deadline.

        Raises
        ------
        KnowledgeError
            The model fails; TimeLimitExceeded if it does not finish in time.
        Cancelled
            The deadline was cancelled.
        """
        ...
