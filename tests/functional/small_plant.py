"""A small plant for tests: its documents are text files, pages separated by form feeds, so no PDF is parsed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from unit.knowledge.fakes import InMemoryDocumentStore

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import DocumentError
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ingestion.pipeline import Ingestion
from shotwise.knowledge.models import Document, Page
from shotwise.knowledge.ports import TextGenerator
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

THIN, REMEDY = "비스킷이 얇으면 주물 안에 기공이 생긴다.", "급탕량을 늘려 비스킷 두께를 회복한다."
BISCUIT = f"# 얇은 비스킷\n## 원인\n{THIN}\n## 대책\n{REMEDY}"
FURNACE = "# 용해로 관리\n용해로 온도가 높으면 금형에 소착이 생긴다."
QUESTION, LUNCH = "비스킷이 얇으면 어떤 결함이 생기나요?", "구내식당 점심 메뉴는 무엇인가요?"


def read(path: Path) -> Document:
    """Read a text file as a document; one that begins with `!` cannot be read."""
    text = path.read_text("utf-8")
    if text.startswith("!"):
        raise DocumentError(path.name, "damaged")
    pages = tuple(Page(number, page, page) for number, page in enumerate(text.split("\f"), 1))
    return Document(path.name, path.stem, hashlib.sha256(text.encode()).hexdigest(), pages)


@dataclass
class Plant:
    """A plant with its files and documents.

    Attributes
    ----------
    own : the folder of uploads
    shipped : the folder of the manuals that come with Shotwise
    analyzer : splits text into terms
    document_store : the documents that are searched
    """

    own: Path
    shipped: Path
    analyzer: Analyzer
    document_store: InMemoryDocumentStore = field(default_factory=InMemoryDocumentStore)

    @property
    def documents(self) -> FolderFileStore:
        """The file store of both folders."""
        return FolderFileStore([self.own, self.shipped], "http://127.0.0.1:8000/uploads", "application/pdf")

    @property
    def ingestion(self) -> Ingestion:
        """The ingestion into the document store."""
        return Ingestion(self.document_store, self.analyzer, read=read)

    def answerer(self, text_generator: TextGenerator | None = None) -> Answerer:
        """An answerer over the document store."""
        return Answerer(HybridSearch(self.document_store, self.analyzer), text_generator=text_generator)

    def store_file(self, name: str, text: str) -> None:
        """Put a file into the file store without ingesting it."""
        (self.own / name).write_text(text, "utf-8")

    def add(self, name: str, text: str) -> None:
        """Put a file into the file store and ingest it."""
        self.store_file(name, text)
        assert self.ingestion.ingest(self.own / name).state == "added"


def small_plant(folder: Path, analyzer: Analyzer) -> Plant:
    """Make an empty plant in a folder."""
    plant = Plant(folder / "own", folder / "shipped", analyzer)
    plant.own.mkdir()
    plant.shipped.mkdir()
    return plant


def message(*names: str, event: str = "ObjectCreated:Put") -> str:
    """Return the body of a message of S3 about these names, encoded as S3 does."""
    return json.dumps({"Records": [
        {"eventSource": "aws:s3", "eventName": event, "eventTime": "2026-01-01T00:00:00.000Z",
         "s3": {"bucket": {"name": "documents"}, "object": {"key": quote_plus(name, safe="/"), "sequencer": "0"}}}
        for name in names]})


def batch(*bodies: str) -> dict[str, Any]:
    """Return an SQS event with a message for each body; their ids are m1, m2 and so on."""
    return {"Records": [
        {"messageId": f"m{number}", "receiptHandle": str(uuid.uuid4()), "body": body, "attributes": {},
         "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
         "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:documents"}
        for number, body in enumerate(bodies, 1)]}


def events_of(text: str) -> Iterator[tuple[str, Any]]:
    """Yield (kind, data) of server-sent events; every event has exactly those two lines."""
    *blocks, rest = text.split("\n\n")
    assert rest == "", f"the stream ends within an event: {rest!r}"
    for block in blocks:
        kind, data = block.split("\n")
        assert kind.startswith("event: ") and data.startswith("data: "), block
        yield kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))
