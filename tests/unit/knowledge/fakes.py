"""Test doubles of the ports of `shotwise.knowledge.ports`."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings, Query
from shotwise.messages import Message

# Each line is one concept, in the words of both languages: texts about the same concepts are near each other.
CONCEPTS = (
    ("비스킷", "biscuit"), ("얇", "thin"), ("두껍", "두꺼", "thick"), ("기공", "porosity"), ("미성형", "short shot"),
    ("온도", "temperature"), ("높", "high"), ("낮", "low"), ("급탕", "pour"), ("균열", "crack"), ("점심", "lunch"),
    ("밸브", "valve"), ("형체력", "tonnage"),
)


class FakeEmbedder:
    """Embeds a text by the concepts it names; texts that name none share a direction of their own.

    Attributes
    ----------
    texts : the texts of each call
    fails_from : the number of the first call that fails, from 1; None: none fails
    """

    def __init__(self, name: str = "fake/14", fails_from: int | None = None) -> None:
        self.name = name
        self.dimensions = len(CONCEPTS) + 1
        self.texts: list[list[str]] = []
        self.fails_from = fails_from

    def embed(self, texts: Sequence[str], deadline: Deadline | None = None) -> list[tuple[float, ...]]:
        """Return one vector of unit length per text."""
        self.texts.append(list(texts))
        if self.fails_from is not None and len(self.texts) >= self.fails_from:
            raise KnowledgeError("the embedder does not answer")
        return [_unit_vector(text.lower()) for text in texts]


def _unit_vector(text: str) -> tuple[float, ...]:
    components = [float(any(word in text for word in words)) for words in CONCEPTS]
    components.append(float(not any(components)))
    length = math.hypot(*components)
    return tuple(component / length for component in components)


class FakeTextGenerator:
    """Yields scripted pieces of text. An error among them is raised, a number is waited for, in seconds.

    Attributes
    ----------
    prompts : system prompt and user prompt of each call
    taken : the number of pieces that were taken
    closed : whether the last generator was closed or exhausted
    """

    name = "fake-model"

    def __init__(self, *pieces: str | float | Exception) -> None:
        self._pieces = pieces
        self.prompts: list[tuple[str, str]] = []
        self.taken = 0
        self.closed = False

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Yield the pieces, one by one."""
        self.prompts.append((system, prompt))
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, float):
                    time.sleep(min(piece, deadline.seconds_left))
                    deadline.check(self.name)
                    continue
                self.taken += 1
                yield piece
        finally:
            self.closed = True


class FakePassageSearch:
    """Keeps vectors in memory and ranks by cosine.

    Attributes
    ----------
    failing : names of the methods that raise KnowledgeError
    extra_rankings : rankings that are returned beside that by cosine
    versions : (name, version) → for each passage its vector and whether it announces countermeasures
    calls : names of the methods called
    """

    def __init__(self, *, needs_vectors: bool = True, lexical: bool = False,
                 extra_rankings: Sequence[list[PassageId]] = ()) -> None:
        self.name = "memory"
        self.needs_vectors = needs_vectors
        self.lexical = lexical
        self.extra_rankings = list(extra_rankings)
        self.failing: set[str] = set()
        self.versions: dict[tuple[str, str], list[tuple[Sequence[float], bool]]] = {}
        self.calls: list[str] = []

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add a version."""
        self._call("put")
        actions = [passage.action for passage in indexed_document.passages]
        needed_vectors = vectors if self.needs_vectors else [()] * len(actions)
        self.versions[indexed_document.document.name, indexed_document.version] = list(
            zip(needed_vectors, actions, strict=True))

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove other versions."""
        self._call("keep_only")
        self.versions = {key: passages for key, passages in self.versions.items()
                         if key[0] != name or key[1] == version}

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Rank by cosine, and add the extra rankings."""
        self._call("rankings")
        if query.vector is None:
            return self.extra_rankings
        scored = [(-sum(a * b for a, b in zip(query.vector, vector, strict=True)), PassageId(name, version, number))
                  for (name, version), passages in self.versions.items()
                  for number, (vector, action) in enumerate(passages) if action or not action_only]
        scored.sort(key=lambda pair: pair[0])
        return [[passage_id for _, passage_id in scored[:limit]], *self.extra_rankings]

    def _call(self, method: str) -> None:
        self.calls.append(method)
        if method in self.failing:
            raise KnowledgeError(f"{method} of the passage search does not answer")


class InMemoryDocumentStore:
    """A document store in memory.

    Attributes
    ----------
    documents : the documents by name
    failed : failures by name
    failed_versions : the version of the file that each failure noted last
    failing : names of the methods that raise KnowledgeError before they do anything
    posting_reads : how often the postings of each document were read
    on_call : called with the name of each method before it runs
    """

    def __init__(self) -> None:
        self.documents: dict[str, IndexedDocument] = {}
        self.failed: dict[str, Message] = {}
        self.failed_versions: dict[str, str] = {}
        self.failing: set[str] = set()
        self.posting_reads: Counter[str] = Counter()
        self.on_call: Callable[[str], Any] = lambda method: None

    def versions(self) -> Mapping[str, str]:
        """Return the versions by file name."""
        self._call("versions")
        return {name: indexed.version for name, indexed in sorted(self.documents.items())}

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document."""
        return [DocumentSummary(name, indexed.document.title, indexed.version, len(indexed.document.pages),
                                len(indexed.passages), indexed.document.notes)
                for name, indexed in sorted(self.documents.items())]

    def postings(self, name: str, version: str) -> Postings:
        """Return the postings of a version of a document."""
        self._call("postings")
        self.posting_reads[name] += 1
        if name not in self.documents or self.documents[name].version != version:
            raise KnowledgeError(f"no {name} of version {version}")
        return self.documents[name].postings

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passages of the ids."""
        self._call("passages")
        return [self._passage(passage_id) for passage_id in passage_ids]

    def _passage(self, passage_id: PassageId) -> Passage | None:
        indexed = self.documents.get(passage_id.document)
        if indexed is None or indexed.version != passage_id.version or passage_id.number >= len(indexed.passages):
            return None
        return indexed.passages[passage_id.number]

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page."""
        self._call("page_text")
        pages = self.documents[document].document.pages if document in self.documents else ()
        return next((candidate.text for candidate in pages if candidate.number == page), "")

    def put(self, indexed_document: IndexedDocument) -> None:
        """Keep a document."""
        self._call("put")
        name = indexed_document.document.name
        self.documents[name] = indexed_document
        self.failed.pop(name, None)

    def remove(self, name: str) -> None:
        """Forget a document."""
        self._call("remove")
        self.documents.pop(name, None)
        self.failed.pop(name, None)

    def note_failure(self, name: str, failure: Message | None, version: str = "") -> None:
        """Note a failure, or forget it."""
        self._call("note_failure")
        self.failed.pop(name, None)
        if failure is not None:
            self.failed[name], self.failed_versions[name] = failure, version

    def noted_failure(self, name: str, version: str) -> Message | None:
        """Return the failure of this version."""
        self._call("noted_failure")
        return self.failed.get(name) if version and self.failed_versions.get(name) == version else None

    def failures(self) -> Mapping[str, Message]:
        """Return the failures by file name."""
        return dict(self.failed)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _call(self, method: str) -> None:
        self.on_call(method)
        if method in self.failing:
            raise KnowledgeError(f"{method} of the document store does not answer")
