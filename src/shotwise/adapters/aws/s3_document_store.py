"""The library in S3: one object a document, so that putting one is one request and a reader never sees half of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from botocore.exceptions import ClientError

from shotwise.adapters.aws.remote import aws_client, digest, translated
from shotwise.adapters.aws.s3_document_format import Kept, packed, unpacked
from shotwise.adapters.stored_messages import message_from_json, message_to_json
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings
from shotwise.messages import Message

MEMORY_BYTES = 128 << 20  # of the documents' JSON; what is made of it takes two to three times that
READ_SECONDS = 10
AT_ONCE = 8
READABLE = 512  # characters of a quoted name that is still a key; S3 takes 1,024 bytes, prefix included
GONE = ("404", "NoSuchKey")
T = TypeVar("T")


@dataclass(frozen=True)
class _Row:
    """What is known of a document without reading it again: the ETag of its content and how a list shows it."""

    tag: str
    entry: DocumentSummary


class _Damaged(KnowledgeError):
    """An object that is no document of ours, or of another format."""


class S3DocumentStore:
    """Implements `knowledge.ports.DocumentStore` under `prefix` of `bucket`. Usable from several threads.

    Documents are read when their ETag is new and then held in memory: the first call after a cold start reads them
    all, 8 at a time. What other instances put shows after `fresh_seconds` at the latest; `versions` and `summaries`
    alone look for it, so that one search sees one state. Beyond `memory_bytes` the documents that were used longest
    ago are dropped, and read again when they are wanted.
    """

    def __init__(self, bucket: str, prefix: str, client: Any = None, fresh_seconds: float = 15, *,
                 memory_bytes: int = MEMORY_BYTES) -> None:
        self._bucket = bucket
        self._documents, self._failures = f"{prefix}documents/", f"{prefix}failures/"
        self._given = client
        self._fresh_seconds = fresh_seconds
        self._memory = _Memory(memory_bytes)
        self._changing = threading.RLock()  # held by who refreshes, puts or removes, for as long as that takes
        self._noting = threading.Lock()
        # PassageId → row. Replaced, never changed, so that readers need no lock.
        self._rows: dict[str, _Row] = {}
        self._read_at: float | None = None

    def versions(self) -> Mapping[str, str]:
        """File name → version, at most `fresh_seconds` old."""
        return {row.entry.name: row.entry.version for row in self._fresh()}

    def summaries(self) -> list[DocumentSummary]:
        """Every document, by name, at most `fresh_seconds` old."""
        return sorted((row.entry for row in self._fresh()), key=lambda entry: entry.name)

    def postings(self, name: str, version: str) -> Postings:
        """The postings of a version of a document."""
        found = self._find(name)
        if found is None or found.entry.version != version:
            raise KnowledgeError(f"s3://{self._bucket}/{self._documents} holds no {name!r} of version {version}")
        return found.postings

    def passages(self, keys: Sequence[PassageId]) -> list[Passage | None]:
        """The passages that the keys name."""
        return [self._passage(key) for key in keys]

    def page_text(self, document: str, page: int) -> str:
        """The PDF's own text of a page; empty where there is no such page."""
        found = self._find(document)
        return found.pages.get(page, "") if found else ""

    def put(self, volume: IndexedDocument) -> None:
        """Keep the document: one request replaces it whole, a second one forgets what was noted of its failure."""
        name, body = volume.document.name, packed(volume)
        key = _key(self._documents, name)
        with self._changing:
            tag = self._write(key, body, "application/gzip")
            self._hold(key, tag, unpacked(body))
            self._delete(_key(self._failures, name))

    def remove(self, name: str) -> None:
        """Forget the document and its failure."""
        key = _key(self._documents, name)
        with self._changing:
            self._delete(key)
            self._forget(key)
            self._delete(_key(self._failures, name))

    def note_failure(self, name: str, failure: Message | None) -> None:
        """Note why the newest file of this name could not be read, in an object of its own; None removes it."""
        if failure is None:
            self._delete(_key(self._failures, name))
            return
        body = json.dumps({"name": name, "reason": message_to_json(failure)}).encode()
        self._write(_key(self._failures, name), body, "application/json")

    def failures(self) -> Mapping[str, Message]:
        """File name → why its newest file could not be read; one request each, every time."""
        return dict(sorted(pair for pair in _each(self._failure, self._listed(self._failures)) if pair))

    def close(self) -> None:
        """Nothing is open between calls."""

    def _failure(self, key: str) -> tuple[str, Message] | None:
        found = self._read(key)
        if found is None:
            return None
        try:
            note = json.loads(found[0])
            name = str(note["name"])
            return name, message_from_json(note["reason"], name)
        except (ValueError, TypeError, LookupError) as error:
            raise KnowledgeError(f"s3://{self._bucket}/{key} holds no note of ours: {error!r}") from error

    def _passage(self, key: PassageId) -> Passage | None:
        found = self._find(key.document)
        if found is None or found.entry.version != key.version or not 0 <= key.number < len(found.passages):
            return None
        return found.passages[key.number]

    def _find(self, name: str) -> Kept | None:
        if self._read_at is None:
            self._fresh()
        key = _key(self._documents, name)
        if key not in self._rows:
            return None
        return self._memory.get(key) or self._load(key)

    def _fresh(self) -> Iterable[_Row]:
        """The rows, read anew where they are too old: one thread reads, the others wait for it."""
        if self._is_old():
            with self._changing:
                if self._is_old():
                    self._refresh()
        return self._rows.values()

    def _is_old(self) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at >= self._fresh_seconds

    def _refresh(self) -> None:
        now = time.monotonic()
        listed = self._listed(self._documents)
        for key in self._rows.keys() - listed.keys():
            self._forget(key)
        _each(self._load_quietly, [key for key, tag in listed.items()
                                   if key not in self._rows or self._rows[key].tag != tag])
        self._read_at = now

    def _load_quietly(self, key: str) -> None:
        """Read a document and return nothing, so that a refresh holds no more of them than the memory may. One that
        cannot be understood is passed over, and said: it must not stop the others, and ingesting it again mends it."""
        try:
            self._load(key)
        except _Damaged as error:
            logging.getLogger(__name__).error("passed over: %s", error)
            self._forget(key)

    def _load(self, key: str) -> Kept | None:
        """Read a document; None where it was removed meanwhile."""
        read = self._read(key)
        if read is None:
            self._forget(key)
            return None
        body, tag = read
        try:
            found = unpacked(body)
        except KnowledgeError as error:
            raise _Damaged(f"s3://{self._bucket}/{key} {error}") from error
        if _key(self._documents, found.entry.name) != key:
            raise _Damaged(f"s3://{self._bucket}/{key} is not where {found.entry.name!r} belongs")
        self._hold(key, tag, found)
        return found

    def _hold(self, key: str, tag: str, found: Kept) -> None:
        with self._noting:
            self._memory.put(key, found)
            self._rows = {**self._rows, key: _Row(tag, found.entry)}

    def _forget(self, key: str) -> None:
        with self._noting:
            self._memory.drop(key)
            self._rows = {other: row for other, row in self._rows.items() if other != key}

    def _listed(self, prefix: str) -> dict[str, str]:
        """PassageId → ETag of every object. The empty object by which the console shows a folder is passed over."""
        with translated(f"s3://{self._bucket}/{prefix} was not listed"):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])
                    if found["Key"] != prefix}

    def _read(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag of an object, None where there is none."""
        with translated(f"s3://{self._bucket}/{key} was not read"):
            try:
                found = self._client().get_object(Bucket=self._bucket, Key=key)
                return found["Body"].read(), found["ETag"]
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    return None
                raise

    def _write(self, key: str, body: bytes, content_type: str) -> str:
        with translated(f"s3://{self._bucket}/{key} was not stored"):
            done = self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
            return str(done["ETag"])

    def _delete(self, key: str) -> None:
        with translated(f"s3://{self._bucket}/{key} was not removed"):
            self._client().delete_object(Bucket=self._bucket, Key=key)

    def _client(self) -> Any:
        if self._given is None:
            self._given = aws_client("s3", read_seconds=READ_SECONDS)
        return self._given


class _Memory:
    """Documents up to so many bytes of JSON; the ones used longest ago go first, the newest always stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Kept | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: str, found: Kept) -> None:
        with self._lock:
            self._held[key] = found
            self._held.move_to_end(key)
            filled = sum(held.size for held in self._held.values())
            while filled > self._most and len(self._held) > 1:
                filled -= self._held.popitem(last=False)[1].size

    def drop(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)


def _key(prefix: str, name: str) -> str:
    """Where a document lies: its name in ASCII; of a very long name the beginning, told apart by its digest."""
    quoted = quote(name, safe="", errors="surrogatepass")
    return f"{prefix}{quoted if len(quoted) <= READABLE else f'{quoted[:READABLE]}-{digest(name)}'}.json.gz"


def _each(read: Callable[[str], T], keys: Iterable[str]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, keys))
