"""Stand-ins for what the knowledge pipeline needs from outside: each implements a port of `knowledge.ports`."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings, Query
from shotwise.messages import Message

# Each line is one concept, in the words of both languages: texts about the same concepts are near.
CONCEPTS = (
    ("비스킷", "biscuit"), ("얇", "thin"), ("두껍", "두꺼", "thick"), ("기공", "porosity"), ("미성형", "short shot"),
    ("온도", "temperature"), ("높", "high"), ("낮", "low"), ("급탕", "pour"), ("균열", "crack"), ("점심", "lunch"),
    ("밸브", "valve"), ("형체력", "tonnage"),
)


class FakeEmbedder:
    """Embeds by concept; a text of none has a direction of its own. texts: of each call; fails_from: the number of the
    first call, from 1, that fails."""

    def __init__(self, name: str = "fake/14", fails_from: int | None = None) -> None:
        self.name = name
        self.dimensions = len(CONCEPTS) + 1
        self.texts: list[list[str]] = []
        self.fails_from = fails_from

    def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """One vector of unit length a text."""
        self.texts.append(list(texts))
        if self.fails_from is not None and len(self.texts) >= self.fails_from:
            raise KnowledgeError("the embedder does not answer")
        return [_unit(text.lower()) for text in texts]


def _unit(text: str) -> tuple[float, ...]:
    found = [float(any(word in text for word in words)) for words in CONCEPTS]
    found.append(float(not any(found)))
    length = math.hypot(*found)
    return tuple(value / length for value in found)


class FakeTextGenerator:
    """Plays pieces of text; an error among them is raised, a number waited for, in seconds. asked: system and prompt of
    each call; given: the number of pieces that were taken; closed: whether the last text was let go."""

    name = "fake-writer"

    def __init__(self, *pieces: str | float | Exception) -> None:
        self._pieces = pieces
        self.asked: list[tuple[str, str]] = []
        self.given = 0
        self.closed = False

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """The pieces, one by one."""
        self.asked.append((system, prompt))
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, float):
                    time.sleep(piece)
                    continue
                self.given += 1
                yield piece
        finally:
            self.closed = True


class FakePassageSearch:
    """Keeps vectors in memory and finds by cosine. failing: the calls that raise; extra: rankings that are given
    besides."""

    def __init__(self, *, needs_vectors: bool = True, lexical: bool = False,
                 extra: Sequence[list[PassageId]] = ()) -> None:
        self.name = "memory"
        self.needs_vectors = needs_vectors
        self.lexical = lexical
        self.extra = list(extra)
        self.failing: set[str] = set()
        self.kept: dict[tuple[str, str], list[tuple[Sequence[float], bool]]] = {}
        self.calls: list[str] = []

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Add a version."""
        self._call("put")
        actions = [passage.action for passage in volume.passages]
        given = vectors if self.needs_vectors else [()] * len(actions)
        self.kept[volume.document.name, volume.version] = list(zip(given, actions, strict=True))

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove other versions."""
        self._call("keep_only")
        self.kept = {key: found for key, found in self.kept.items() if key[0] != name or key[1] == version}

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """By cosine, then `extra`."""
        self._call("rankings")
        if query.vector is None:
            return self.extra
        scored = [(-sum(a * b for a, b in zip(query.vector, vector, strict=True)), PassageId(name, version, number))
                  for (name, version), kept in self.kept.items() for number, (vector, action) in enumerate(kept)
                  if action or not action_only]
        scored.sort(key=lambda pair: pair[0])
        return [[key for _, key in scored[:limit]], *self.extra]

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise KnowledgeError(f"the searcher's {name} does not answer")


class InMemoryDocumentStore:
    """A library in memory. failing: the calls that raise KnowledgeError before they do anything; before: called with
    the name of each call; read: the names whose postings were read."""

    def __init__(self) -> None:
        self.documents: dict[str, IndexedDocument] = {}
        self.failed: dict[str, Message] = {}
        self.failing: set[str] = set()
        self.read: Counter[str] = Counter()
        self.before: Callable[[str], Any] = lambda call: None

    def versions(self) -> Mapping[str, str]:
        """File name → version."""
        self._call("versions")
        return {name: volume.version for name, volume in sorted(self.documents.items())}

    def summaries(self) -> list[DocumentSummary]:
        """Every document."""
        return [DocumentSummary(name, volume.document.title, volume.version, len(volume.document.pages), len(volume.passages),
                      volume.document.notes) for name, volume in sorted(self.documents.items())]

    def postings(self, name: str, version: str) -> Postings:
        """The postings of a version of a document."""
        self._call("postings")
        self.read[name] += 1
        if name not in self.documents or self.documents[name].version != version:
            raise KnowledgeError(f"no {name} of version {version}")
        return self.documents[name].postings

    def passages(self, keys: Sequence[PassageId]) -> list[Passage | None]:
        """The passages of the keys."""
        self._call("passages")
        return [self._passage(key) for key in keys]

    def _passage(self, key: PassageId) -> Passage | None:
        volume = self.documents.get(key.document)
        if volume is None or volume.version != key.version or key.number >= len(volume.passages):
            return None
        return volume.passages[key.number]

    def page_text(self, document: str, page: int) -> str:
        """The text of a page."""
        self._call("page_text")
        pages = self.documents[document].document.pages if document in self.documents else ()
        return next((found.text for found in pages if found.number == page), "")

    def put(self, volume: IndexedDocument) -> None:
        """Keep a document."""
        self._call("put")
        self.documents[volume.document.name] = volume
        self.failed.pop(volume.document.name, None)

    def remove(self, name: str) -> None:
        """Forget a document."""
        self._call("remove")
        self.documents.pop(name, None)
        self.failed.pop(name, None)

    def note_failure(self, name: str, failure: Message | None) -> None:
        """Note a failure, or forget it."""
        self._call("note_failure")
        self.failed.pop(name, None)
        if failure is not None:
            self.failed[name] = failure

    def failures(self) -> Mapping[str, Message]:
        """File name → reason."""
        return dict(self.failed)

    def close(self) -> None:
        """Nothing is open."""

    def _call(self, name: str) -> None:
        self.before(name)
        if name in self.failing:
            raise KnowledgeError(f"the library's {name} does not answer")
