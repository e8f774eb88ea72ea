"""PDF → library: parse, cut, embed, keep. The write side; what happens to a file is told, never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.expected_questions import place_questions
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Document, IndexedDocument
from shotwise.knowledge.ports import DocumentStore, Embedder, PassageSearch
from shotwise.knowledge.text.analyzer import Analyzer

# Raise it with every change of what `parse`, `chunk`, `analyzer` or `postings` make of a document: documents of another
# edition are read again.
EDITION = 4


@dataclass(frozen=True)
class IngestResult:
    """What became of one file. state: added, unchanged, removed or failed; reason: why it failed, naming the file;
    notes: what was not read as it should have been."""

    name: str
    state: str
    pages: int = 0
    passages: int = 0
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ingestion:
    """Puts documents into a library, and their passages where they are found by meaning."""

    document_store: DocumentStore
    analyzer: Analyzer
    passage_search: PassageSearch | None = None
    embedder: Embedder | None = None
    read: Callable[[Path], Document] = parse

    @property
    def name(self) -> str:
        """What embeds the passages, for logs and metrics."""
        return self.embedder.name if self.embedder else "lexical"

    def ingest(self, path: Path) -> IngestResult:
        """Put a PDF in, in place of one of the same file name. The same content again changes nothing; a file that
        cannot be read is noted with its reason, and the version kept before stays.

        Raises KnowledgeError where a store or embedder does not answer; trying again is safe.
        """
        name = path.name
        try:
            version = self._version(path)
            if self.document_store.versions().get(name) != version:
                return self._add(self.read(path), version)
        except DocumentError as error:
            return self.refuse(name, str(error))
        self.document_store.note_failure(name, None)
        if self.passage_search:  # what a crash may have left
            self.passage_search.keep_only(name, version)
        return IngestResult(name, "unchanged")

    def refuse(self, name: str, reason: str) -> IngestResult:
        """Note why a file is not read; what was kept under its name stays."""
        self.document_store.note_failure(name, reason)
        return IngestResult(name, "failed", reason=reason)

    def remove(self, name: str) -> IngestResult:
        """Forget a document; nothing happens where there is none."""
        known = name in self.document_store.versions() or name in self.document_store.failures()
        self.document_store.remove(name)
        if self.passage_search:
            self.passage_search.keep_only(name, None)
        return IngestResult(name, "removed" if known else "unchanged")

    def _add(self, document: Document, version: str) -> IngestResult:
        """PassageSearch first, library last: until then the old version is what is found."""
        found = tuple(split_into_passages(document))
        questions, notes = place_questions(document, found)
        document = replace(document, notes=document.notes + notes)
        volume = IndexedDocument(document, version, found, build_postings(found, self.analyzer, questions), questions)
        if self.passage_search:
            vectors = self.embedder.embed([passage.text for passage in found]) \
                if self.embedder and self.passage_search.needs_vectors else []
            self.passage_search.put(volume, vectors)
        self.document_store.put(volume)
        if self.passage_search:
            self.passage_search.keep_only(document.name, version)
        return IngestResult(document.name, "added", len(document.pages), len(found), notes=document.notes)

    def _version(self, path: Path) -> str:
        """Of the content and of everything that decides how it is read."""
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DocumentError(f"{path.name}: cannot be read ({error.strerror})") from error
        parts = (content, str(EDITION), self.analyzer.digest, self.name, self.passage_search.name if self.passage_search else "")
        return hashlib.sha256(":".join(parts).encode()).hexdigest()[:16]
