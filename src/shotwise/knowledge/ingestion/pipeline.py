"""Ingest PDFs: parse them, split them into passages, embed and store these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.expected_questions import place_questions
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.pdf_file import content_digest
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.ingestion.running_lines import left_out_note
from shotwise.knowledge.models import Document, IndexedDocument, Passage
from shotwise.knowledge.ports import DocumentStore, Embedder, PassageSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.messages import Message, failure_text, note_text

# Increment it with every change of `parse`, `chunk`, `analyzer` or `postings` that changes passages or postings of
# documents: documents of another edition are then ingested again.
EDITION = 5
# Failures that are not those of the file's content, so that the same file may be read next time.
TEMPORARY = frozenset({"unreadable_file", "changed_meanwhile", "reader_missing"})


@dataclass(frozen=True)
class IngestResult:
    """The outcome of ingesting or removing one file.

    Attributes
    ----------
    name : str
        File name.
    state : str
        `added`, `unchanged`, `removed` or `failed`.
    pages, passages : int
        Number of pages and passages that were added.
    failure : Message or None
        Why the file could not be read, with a code of `DOCUMENT_FAILURES`; None unless the state is `failed`.
    notes : tuple of Message
        What could not be read properly, with codes of `DOCUMENT_NOTES`.
    """

    name: str
    state: str
    pages: int = 0
    passages: int = 0
    failure: Message | None = None
    notes: tuple[Message, ...] = ()

    @property
    def reason(self) -> str:
        """Why the file could not be read, in English, beginning with its name; empty unless the state is failed."""
        return failure_text(self.name, self.failure) if self.failure else ""

    @property
    def note_texts(self) -> tuple[str, ...]:
        """The notes in English, each beginning with the name of the file."""
        return tuple(note_text(self.name, note) for note in self.notes)


@dataclass(frozen=True)
class Ingestion:
    """Puts documents into the store, and their passages into the search by meaning.

    Attributes
    ----------
    document_store : DocumentStore
        The store to put documents into.
    analyzer : Analyzer
        Splits text into terms for the search by words.
    passage_search : PassageSearch or None
        The search by meaning; None to search by words alone.
    embedder : Embedder or None
        Embeds passages; required if `passage_search` needs vectors.
    read : callable
        Reads a PDF; raises DocumentError for one that cannot be read. With the argument `seconds` it raises OutOfTime
        when that time is used up.
    """

    document_store: DocumentStore
    analyzer: Analyzer
    passage_search: PassageSearch | None = None
    embedder: Embedder | None = None
    read: Callable[..., Document] = parse

    @property
    def name(self) -> str:
        """The name of the embedder, for logs and metrics."""
        return self.embedder.name if self.embedder else "lexical"

    def ingest(self, path: Path, *, retry_failed: bool = True, seconds: float | None = None,
               keep: Callable[[], object] = lambda: None) -> IngestResult:
        """Put a PDF into the store, replacing a document of the same file name.

        Ingesting the same content again changes nothing. If the file cannot be read, the failure is stored with the
        file's version, and the previous document stays.

        Parameters
        ----------
        path : Path
            The file.
        retry_failed : bool
            Whether to read a file again that could not be read before. If it is False, the stored failure is returned
            instead, unless the file, its reader or what the index is made with has changed since.
        seconds : float, optional
            The time that reading the file may take.
        keep : callable, optional
            Called once the file has been read or is the stored one, before the document becomes searchable.

        Raises
        ------
        OutOfTime
            The file was not read within `seconds`.
        KnowledgeError
            A store or the embedder does not answer. Ingesting again is safe.
        """
        version = ""
        try:
            version = self._version(path)
            if self.document_store.versions().get(path.name) == version:
                return self._confirm(path.name, version, keep)
            if not retry_failed and (failure := self.document_store.noted_failure(path.name, version)):
                return IngestResult(path.name, "failed", failure=failure)
            return self._add(self.read(path) if seconds is None else self.read(path, seconds=seconds), version, keep)
        except DocumentError as error:
            return self.refuse(path.name, error.failure, "" if error.failure.code in TEMPORARY else version)

    def is_current(self, name: str, path: Path) -> bool:
        """Return whether ingesting this file under this name would change nothing, because it is read or has failed."""
        try:
            version = self._version(path)
        except DocumentError:
            return False
        if self.document_store.noted_failure(name, version):
            return True
        return self.document_store.versions().get(name) == version and name not in self.document_store.failures()

    def refuse(self, name: str, failure: Message, version: str = "") -> IngestResult:
        """Store why a file, of this version, is not read; the stored document of that name stays."""
        self.document_store.note_failure(name, failure, version)
        return IngestResult(name, "failed", failure=failure)

    def remove(self, name: str) -> IngestResult:
        """Remove a document and its failure, if there are any."""
        exists = name in self.document_store.versions() or name in self.document_store.failures()
        self.document_store.remove(name)
        if self.passage_search:
            self.passage_search.keep_only(name, None)
        return IngestResult(name, "removed" if exists else "unchanged")

    def _confirm(self, name: str, version: str, keep: Callable[[], object]) -> IngestResult:
        """Clear what an earlier failure or crash left of other versions of a document that is stored."""
        keep()
        self.document_store.note_failure(name, None)
        if self.passage_search:
            self.passage_search.keep_only(name, version)
        return IngestResult(name, "unchanged")

    def _add(self, document: Document, version: str, keep: Callable[[], object]) -> IngestResult:
        """Put a document into the passage search and then into the store, so that until then the old one is found."""
        passages = tuple(split_into_passages(document))
        questions, notes = place_questions(document, passages)
        notes = (*left_out_note(document), *(() if passages else (Message("no_passages"),)), *notes)
        document = replace(document, notes=document.notes + notes)
        indexed_document = IndexedDocument(
            document, version, passages, build_postings(passages, self.analyzer, questions), questions)
        keep()
        if self.passage_search:
            self.passage_search.put(indexed_document, self._embed(passages, self.passage_search))
        self.document_store.put(indexed_document)
        if self.passage_search:
            self.passage_search.keep_only(document.name, version)
        return IngestResult(document.name, "added", len(document.pages), len(passages), notes=document.notes)

    def _embed(self, passages: tuple[Passage, ...], passage_search: PassageSearch) -> list[tuple[float, ...]]:
        if not self.embedder or not passage_search.needs_vectors:
            return []
        return self.embedder.embed([passage.text for passage in passages])

    def _version(self, path: Path) -> str:
        """Compute a digest of the content and of everything that decides how it is read."""
        search_name = self.passage_search.name if self.passage_search else ""
        parts = (content_digest(path), str(EDITION), self.analyzer.digest, self.name, search_name)
        return hashlib.sha256(":".join(parts).encode()).hexdigest()[:16]
