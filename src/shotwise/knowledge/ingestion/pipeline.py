"""PDF → library: parse, cut, embed, keep. The write side; what happens to a file is told, never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.chunk import passages
from shotwise.knowledge.ingestion.expected_questions import placed
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.postings import postings
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

    library: DocumentStore
    analyzer: Analyzer
    searcher: PassageSearch | None = None
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
            if self.library.versions().get(name) != version:
                return self._add(self.read(path), version)
        except DocumentError as error:
            return self.refuse(name, str(error))
        self.library.note_failure(name, None)
        if self.searcher:  # what a crash may have left
            self.searcher.keep_only(name, version)
        return IngestResult(name, "unchanged")

    def refuse(self, name: str, reason: str) -> IngestResult:
        """Note why a file is not read; what was kept under its name stays."""
        self.library.note_failure(name, reason)
        return IngestResult(name, "failed", reason=reason)

    def remove(self, name: str) -> IngestResult:
        """Forget a document; nothing happens where there is none."""
        known = name in self.library.versions() or name in self.library.failures()
        self.library.remove(name)
        if self.searcher:
            self.searcher.keep_only(name, None)
        return IngestResult(name, "removed" if known else "unchanged")

    def _add(self, document: Document, version: str) -> IngestResult:
        """PassageSearch first, library last: until then the old version is what is found."""
        found = tuple(passages(document))
        questions, notes = placed(document, found)
        document = replace(document, notes=document.notes + notes)
        volume = IndexedDocument(document, version, found, postings(found, self.analyzer, questions), questions)
        if self.searcher:
            vectors = self.embedder.embed([passage.text for passage in found]) \
                if self.embedder and self.searcher.needs_vectors else []
            self.searcher.put(volume, vectors)
        self.library.put(volume)
        if self.searcher:
            self.searcher.keep_only(document.name, version)
        return IngestResult(document.name, "added", len(document.pages), len(found), notes=document.notes)

    def _version(self, path: Path) -> str:
        """Of the content and of everything that decides how it is read."""
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DocumentError(f"{path.name}: cannot be read ({error.strerror})") from error
        parts = (content, str(EDITION), self.analyzer.digest, self.name, self.searcher.name if self.searcher else "")
        return hashlib.sha256(":".join(parts).encode()).hexdigest()[:16]
