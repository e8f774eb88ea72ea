"""Search by meaning in Amazon S3 Vectors, with one vector per passage in an index that the stack creates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shotwise.adapters.aws.client import aws_client, translate_boto_errors
from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.batching import batches, truncate_utf8
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

# The index has to declare it: a vector may have 2,048 bytes of filterable metadata, and 40 KB in all.
NON_FILTERABLE = ("text",)
MAX_TEXT_BYTES = 18_000  # for people who inspect the index; twice as much if Korean is escaped in JSON
MAX_PUT, MAX_PUT_BYTES = 500, 16 << 20  # per request; the service accepts 20 MiB
COMPONENT_BYTES = 24  # maximum for a component of a vector in JSON
MAX_DELETED, MAX_LISTED = 500, 1000  # per request
MAX_HITS = 100
READ_SECONDS = 10


class S3VectorsSearch:
    """Implements `knowledge.ports.PassageSearch`.

    It requires the rights PutVectors, DeleteVectors, ListVectors, QueryVectors and GetVectors (for the metadata that a
    query returns).
    """

    needs_vectors = True
    lexical = False

    def __init__(self, bucket: str, index: str, client: Any = None) -> None:
        self._bucket = bucket
        self._index = index
        self._cached_client = client
        self._location = {"vectorBucketName": bucket, "indexName": index}
        self.name = str(self)

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Write one vector per passage.

        Its key consists of name, version and number, so putting the same version again replaces it. Vectors can be
        found as soon as they are written.
        """
        name, passages = indexed_document.document.name, indexed_document.passages
        if len(vectors) != len(passages):
            raise KnowledgeError(f"{name}: {len(vectors)} vectors for {len(passages)} passages")
        entries = (_entry(indexed_document, number, passage, vectors[number])
                   for number, passage in enumerate(passages))
        for batch in batches(entries, MAX_PUT, _entry_bytes, MAX_PUT_BYTES):
            with translate_boto_errors(f"{self} did not take {name}"):
                self._client().put_vectors(**self._location, vectors=batch)

    def keep_only(self, name: str, version: str | None) -> None:
        """Delete the document's other vectors.

        The service cannot list keys by prefix, so all keys of the index are listed, 1,000 per request: 100 requests for
        100,000 passages, which is acceptable for the change of a document.
        """
        prefix, kept_prefix = key_prefix(name), None if version is None else key_prefix(name, version)
        old_keys = [key for key in self._keys()
                    if key.startswith(prefix) and not (kept_prefix and key.startswith(kept_prefix))]
        for batch in batches(old_keys, MAX_DELETED):
            with translate_boto_errors(f"{self} did not remove {name}"):
                self._client().delete_vectors(**self._location, keys=batch)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return the passages nearest to the query, 100 at most; no ranking for a query without a vector."""
        if query.vector is None or limit < 1:
            return []
        action_filter = {"filter": {"action": {"$eq": True}}} if action_only else {}
        with translate_boto_errors(f"{self} did not answer"):
            response = self._client().query_vectors(
                **self._location, topK=min(limit, MAX_HITS), queryVector={"float32": list(query.vector)},
                returnMetadata=True, returnDistance=False, **action_filter)
        passage_ids = (_passage_id(vector.get("metadata")) for vector in response["vectors"])
        return [[passage_id for passage_id in passage_ids if passage_id]]

    def _keys(self) -> Iterator[str]:
        """Yield every key of the index."""
        token: dict[str, str] = {}
        while True:
            with translate_boto_errors(f"{self} was not listed"):
                page = self._client().list_vectors(**self._location, maxResults=MAX_LISTED, **token)
            yield from (vector["key"] for vector in page["vectors"])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _client(self) -> Any:
        if self._cached_client is None:
            self._cached_client = aws_client("s3vectors", read_seconds=READ_SECONDS)
        return self._cached_client

    def __str__(self) -> str:
        return f"the vector index {self._bucket}/{self._index}"


def _entry(indexed_document: IndexedDocument, number: int, passage: Passage,
           vector: Sequence[float]) -> dict[str, Any]:
    name, version = indexed_document.document.name, indexed_document.version
    return {"key": f"{key_prefix(name, version)}{number}",
            "data": {"float32": [float(component) for component in vector]},
            "metadata": {"document": name, "version": version, "number": number, "page": passage.page,
                         "action": passage.action, "text": truncate_utf8(passage.text, MAX_TEXT_BYTES)}}


def _entry_bytes(entry: Mapping[str, Any]) -> int:
    """Estimate the size of an entry in the request."""
    return COMPONENT_BYTES * len(entry["data"]["float32"]) + 2 * len(entry["metadata"]["text"].encode()) + 4096


def _passage_id(metadata: Any) -> PassageId | None:
    """Return the passage of a vector; None for a vector of the index that is not a passage of Shotwise."""
    try:
        return PassageId(str(metadata["document"]), str(metadata["version"]), int(metadata["number"]))
    except (TypeError, ValueError, LookupError):
        return None
