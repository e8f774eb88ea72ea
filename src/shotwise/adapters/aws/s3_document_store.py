"""Store documents in S3, one object each, so that a single request stores a document and nobody reads half of it."""

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

from shotwise.adapters.aws.client import aws_client, error_code, translate_boto_errors
from shotwise.adapters.aws.keys import name_digest
from shotwise.adapters.aws.s3_document_format import StoredDocument, pack_document, unpack_document
from shotwise.adapters.stored_messages import failure_of_version, failure_to_json, message_from_json
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import DocumentSummary, IndexedDocument, Passage, PassageId, Postings
from shotwise.messages import Message

CACHE_BYTES = 128 << 20  # of JSON; the parsed documents take two to three times that
READ_SECONDS = 10
PARALLEL_REQUESTS = 8
MAX_QUOTED_NAME = 512  # characters of a quoted name that still fit a key; S3 takes 1,024 bytes, prefix included
MISSING = ("404", "NoSuchKey")
T = TypeVar("T")


@dataclass(frozen=True)
class _Row:
    """What is remembered of a document that is no longer cached: the ETag of its object, and its summary."""

    etag: str
    summary: DocumentSummary


class _DamagedObject(KnowledgeError):
    """An object is not a document of Shotwise, or has another format."""


class S3DocumentStore:
    """Implements `knowledge.ports.DocumentStore`. Instances are thread-safe.

    Documents are read when their ETag has changed, and are cached in memory: the first call after a cold start reads
    all of them, 8 at a time. Changes by other instances are visible after at most `fresh_seconds`. Only `versions` and
    `summaries` check for such changes, so that one search sees one state. If the cache exceeds `cache_bytes`, the least
    recently used documents are dropped, and read again when they are needed.

    Parameters
    ----------
    bucket, prefix : str
        Bucket of the objects and prefix of their keys.
    client : boto3 client, optional
        Client of s3; by default created at the first call.
    fresh_seconds : float
        Maximum age of the listing of the bucket.
    cache_bytes : int
        Maximum size of the cached documents as JSON.
    """

    def __init__(self, bucket: str, prefix: str, client: Any = None, fresh_seconds: float = 15, *,
                 cache_bytes: int = CACHE_BYTES) -> None:
        self._bucket = bucket
        self._documents_prefix, self._failures_prefix = f"{prefix}documents/", f"{prefix}failures/"
        self._cached_client = client
        self._fresh_seconds = fresh_seconds
        self._cache = _Cache(cache_bytes)
        self._write_lock = threading.RLock()  # held while refreshing, storing or removing
        self._rows_lock = threading.Lock()
        # Rows by the key of the object. The dict is replaced, never changed, so that readers need no lock.
        self._rows: dict[str, _Row] = {}
        self._listed_at: float | None = None

    def versions(self) -> Mapping[str, str]:
        """Return the version of every document by file name, at most `fresh_seconds` old."""
        return {row.summary.name: row.summary.version for row in self._fresh_rows()}

    def summaries(self) -> list[DocumentSummary]:
        """Return a summary of every document, ordered by name, at most `fresh_seconds` old."""
        return sorted((row.summary for row in self._fresh_rows()), key=lambda summary: summary.name)

    def postings(self, name: str, version: str) -> Postings:
        """Return the postings of a version of a document."""
        document = self._find(name)
        if document is None or document.summary.version != version:
            raise KnowledgeError(f"s3://{self._bucket}/{self._documents_prefix} holds no {name!r} of version {version}")
        return document.postings

    def passages(self, passage_ids: Sequence[PassageId]) -> list[Passage | None]:
        """Return the passage of each id; None for one that does not exist in that version."""
        return [self._passage(passage_id) for passage_id in passage_ids]

    def page_text(self, document: str, page: int) -> str:
        """Return the text of a page as extracted from the PDF; empty if there is no such page."""
        stored_document = self._find(document)
        return stored_document.pages.get(page, "") if stored_document else ""

    def put(self, indexed_document: IndexedDocument) -> None:
        """Store the document with one request, and delete the failure of its name with another one."""
        name, body = indexed_document.document.name, pack_document(indexed_document)
        key = _object_key(self._documents_prefix, name)
        with self._write_lock:
            etag = self._write_object(key, body, "application/gzip")
            self._remember(key, etag, unpack_document(body))
            self._delete_object(_object_key(self._failures_prefix, name))

    def remove(self, name: str) -> None:
        """Delete the document and the failure of this name."""
        key = _object_key(self._documents_prefix, name)
        with self._write_lock:
            self._delete_object(key)
            self._forget(key)
            self._delete_object(_object_key(self._failures_prefix, name))

    def note_failure(self, name: str, failure: Message | None, version: str = "") -> None:
        """Store why the newest file of this name could not be read, in a separate object; None deletes that."""
        if failure is None:
            self._delete_object(_object_key(self._failures_prefix, name))
            return
        body = json.dumps({"name": name, "reason": failure_to_json(failure, version)}).encode()
        self._write_object(_object_key(self._failures_prefix, name), body, "application/json")

    def noted_failure(self, name: str, version: str) -> Message | None:
        """Return why this version of the file could not be read; None unless the last failure noted that version."""
        failure = self._read_failure(_object_key(self._failures_prefix, name))
        return failure_of_version(failure[1], name, version) if failure else None

    def failures(self) -> Mapping[str, Message]:
        """Return, by file name, why the newest file could not be read; each call makes one request per failure."""
        failures = _map_in_threads(self._read_failure, self._list_objects(self._failures_prefix))
        by_name = {name: message_from_json(stored, name) for name, stored in filter(None, failures)}
        return dict(sorted(by_name.items()))

    def close(self) -> None:
        """Do nothing: nothing is open between calls."""

    def _read_failure(self, key: str) -> tuple[str, Any] | None:
        """Return the name of a file and the JSON of its failure."""
        stored_object = self._read_object(key)
        if stored_object is None:
            return None
        try:
            content = json.loads(stored_object[0])
            name, stored = str(content["name"]), content["reason"]
            message_from_json(stored, name)  # raises an error for anything else
            return name, stored
        except (ValueError, TypeError, LookupError) as error:
            raise KnowledgeError(f"s3://{self._bucket}/{key} is not a stored failure: {error!r}") from error

    def _passage(self, passage_id: PassageId) -> Passage | None:
        document = self._find(passage_id.document)
        if document is None or document.summary.version != passage_id.version:
            return None
        return document.passages[passage_id.number] if 0 <= passage_id.number < len(document.passages) else None

    def _find(self, name: str) -> StoredDocument | None:
        if self._listed_at is None:
            self._fresh_rows()
        key = _object_key(self._documents_prefix, name)
        if key not in self._rows:
            return None
        return self._cache.get(key) or self._load(key)

    def _fresh_rows(self) -> Iterable[_Row]:
        """Return the rows, refreshed if they are too old: one thread does that while the others wait."""
        if self._is_stale():
            with self._write_lock:
                if self._is_stale():
                    self._refresh()
        return self._rows.values()

    def _is_stale(self) -> bool:
        return self._listed_at is None or time.monotonic() - self._listed_at >= self._fresh_seconds

    def _refresh(self) -> None:
        now = time.monotonic()
        etags = self._list_objects(self._documents_prefix)
        for key in self._rows.keys() - etags.keys():
            self._forget(key)
        _map_in_threads(self._load_or_skip, [key for key, etag in etags.items()
                                             if key not in self._rows or self._rows[key].etag != etag])
        self._listed_at = now

    def _load_or_skip(self, key: str) -> None:
        """Read a document into the cache; skip and log one that cannot be read.

        It must not prevent the use of the others, and ingesting it again repairs it.
        """
        try:
            self._load(key)
        except _DamagedObject as error:
            logging.getLogger(__name__).error("skipped: %s", error)
            self._forget(key)

    def _load(self, key: str) -> StoredDocument | None:
        """Read a document; return None if it was removed meanwhile."""
        stored_object = self._read_object(key)
        if stored_object is None:
            self._forget(key)
            return None
        body, etag = stored_object
        try:
            document = unpack_document(body)
        except KnowledgeError as error:
            raise _DamagedObject(f"s3://{self._bucket}/{key} {error}") from error
        if _object_key(self._documents_prefix, document.summary.name) != key:
            raise _DamagedObject(f"s3://{self._bucket}/{key} is not where {document.summary.name!r} belongs")
        self._remember(key, etag, document)
        return document

    def _remember(self, key: str, etag: str, document: StoredDocument) -> None:
        with self._rows_lock:
            self._cache.put(key, document)
            self._rows = {**self._rows, key: _Row(etag, document.summary)}

    def _forget(self, key: str) -> None:
        with self._rows_lock:
            self._cache.drop(key)
            self._rows = {other: row for other, row in self._rows.items() if other != key}

    def _list_objects(self, prefix: str) -> dict[str, str]:
        """Return the ETag of every object by key, except the empty object that stands for a folder in the console."""
        with translate_boto_errors(f"s3://{self._bucket}/{prefix} was not listed"):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])
                    if entry["Key"] != prefix}

    def _read_object(self, key: str) -> tuple[bytes, str] | None:
        """Return content and ETag of an object; None if it does not exist."""
        with translate_boto_errors(f"s3://{self._bucket}/{key} was not read"):
            try:
                response = self._client().get_object(Bucket=self._bucket, Key=key)
                return response["Body"].read(), response["ETag"]
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise

    def _write_object(self, key: str, body: bytes, content_type: str) -> str:
        """Store an object and return its ETag."""
        with translate_boto_errors(f"s3://{self._bucket}/{key} was not stored"):
            response = self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
            return str(response["ETag"])

    def _delete_object(self, key: str) -> None:
        with translate_boto_errors(f"s3://{self._bucket}/{key} was not removed"):
            self._client().delete_object(Bucket=self._bucket, Key=key)

    def _client(self) -> Any:
        if self._cached_client is None:
            self._cached_client = aws_client("s3", read_seconds=READ_SECONDS)
        return self._cached_client


class _Cache:
    """Documents of up to `max_bytes` of JSON: the least recently used are dropped first, the newest is never."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._documents: OrderedDict[str, StoredDocument] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> StoredDocument | None:
        """Return the cached document of a key, if any."""
        with self._lock:
            if key in self._documents:
                self._documents.move_to_end(key)
            return self._documents.get(key)

    def put(self, key: str, document: StoredDocument) -> None:
        """Add a document, and drop others if the cache is too large."""
        with self._lock:
            self._documents[key] = document
            self._documents.move_to_end(key)
            total_bytes = sum(cached.json_bytes for cached in self._documents.values())
            while total_bytes > self._max_bytes and len(self._documents) > 1:
                total_bytes -= self._documents.popitem(last=False)[1].json_bytes

    def drop(self, key: str) -> None:
        """Remove the cached document of a key, if any."""
        with self._lock:
            self._documents.pop(key, None)


def _object_key(prefix: str, name: str) -> str:
    """Return the key of a document's object: its name in ASCII; a very long name is cut and followed by its digest."""
    quoted = quote(name, safe="", errors="surrogatepass")
    if len(quoted) > MAX_QUOTED_NAME:
        quoted = f"{quoted[:MAX_QUOTED_NAME]}-{name_digest(name)}"
    return f"{prefix}{quoted}.json.gz"


def _map_in_threads(function: Callable[[str], T], keys: Iterable[str]) -> list[T]:
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        return list(pool.map(function, keys))
