"""Search by meaning in Amazon S3 Vectors: one vector a passage, in an index that the stack creates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shotwise.adapters.aws.remote import aws_client, batches, cut, stem, translated
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

# The index has to declare it: filterable metadata may take 2,048 bytes a vector, all of it 40 KB.
NON_FILTERABLE = ("text",)
TEXT_BYTES = 18_000  # for people who look into the index; twice that where Korean is escaped in JSON
MAX_PUT, MAX_PUT_BYTES = 500, 16 << 20  # a request; the service takes 20 MiB
NUMBER_BYTES = 24  # a component of a vector in JSON, at most
MAX_DELETED, MAX_LISTED = 500, 1000
MAX_FOUND = 100
READ_SECONDS = 10


class S3VectorsSearch:
    """Implements `knowledge.ports.PassageSearch`. Needs the rights PutVectors, DeleteVectors, ListVectors, QueryVectors
    and GetVectors (for what a query returns besides keys)."""

    needs_vectors = True
    lexical = False

    def __init__(self, bucket: str, index: str, client: Any = None) -> None:
        self._bucket = bucket
        self._index = index
        self._given = client
        self._place = {"vectorBucketName": bucket, "indexName": index}
        self.name = str(self)

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Write a vector a passage, under a key made of name, version and number: twice the same replaces itself.
        A vector can be found as soon as its writing returns."""
        if len(vectors) != len(volume.passages):
            raise KnowledgeError(f"{volume.document.name}: {len(vectors)} vectors for {len(volume.passages)} passages")
        entries = (_entry(volume, number, passage, vectors[number]) for number, passage in enumerate(volume.passages))
        for batch in batches(entries, MAX_PUT, _size, MAX_PUT_BYTES):
            with translated(f"{self} did not take {volume.document.name}"):
                self._client().put_vectors(**self._place, vectors=batch)

    def keep_only(self, name: str, version: str | None) -> None:
        """Delete the document's other vectors.

        The service finds keys by no prefix, so all keys of the index are listed: a request for every 1,000 of them.
        Some 100 requests where there are 100,000 passages, which the change of a document may cost.
        """
        ours, kept = stem(name), None if version is None else stem(name, version)
        old = [key for key in self._keys() if key.startswith(ours) and not (kept and key.startswith(kept))]
        for batch in batches(old, MAX_DELETED):
            with translated(f"{self} did not remove {name}"):
                self._client().delete_vectors(**self._place, keys=batch)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """The passages nearest to the query, 100 at most; none at all for a query without a vector."""
        if query.vector is None or limit < 1:
            return []
        only = {"filter": {"action": {"$eq": True}}} if action_only else {}
        with translated(f"{self} did not answer"):
            found = self._client().query_vectors(
                **self._place, topK=min(limit, MAX_FOUND), queryVector={"float32": list(query.vector)},
                returnMetadata=True, returnDistance=False, **only)
        keys = (_key(vector.get("metadata")) for vector in found["vectors"])
        return [[key for key in keys if key]]

    def _keys(self) -> Iterator[str]:
        """Every key of the index, read to the end before anything is deleted."""
        token: dict[str, str] = {}
        while True:
            with translated(f"{self} was not listed"):
                page = self._client().list_vectors(**self._place, maxResults=MAX_LISTED, **token)
            yield from (vector["key"] for vector in page["vectors"])
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _client(self) -> Any:
        if self._given is None:
            self._given = aws_client("s3vectors", read_seconds=READ_SECONDS)
        return self._given

    def __str__(self) -> str:
        return f"the vector index {self._bucket}/{self._index}"


def _entry(volume: IndexedDocument, number: int, passage: Passage, vector: Sequence[float]) -> dict[str, Any]:
    name = volume.document.name
    return {"key": f"{stem(name, volume.version)}{number}", "data": {"float32": [float(value) for value in vector]},
            "metadata": {"document": name, "version": volume.version, "number": number, "page": passage.page,
                         "action": passage.action, "text": cut(passage.text, TEXT_BYTES)}}


def _size(entry: Mapping[str, Any]) -> int:
    """About what an entry takes in the request."""
    return NUMBER_BYTES * len(entry["data"]["float32"]) + 2 * len(entry["metadata"]["text"].encode()) + 4096


def _key(metadata: Any) -> PassageId | None:
    """None for a vector that somebody else put into the index."""
    try:
        return PassageId(str(metadata["document"]), str(metadata["version"]), int(metadata["number"]))
    except (TypeError, ValueError, LookupError):
        return None
