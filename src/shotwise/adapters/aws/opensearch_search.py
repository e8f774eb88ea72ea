"""Search by words and by meaning in OpenSearch Serverless: BM25 over Korean morphemes, and nearest vectors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError
from opensearchpy import ImproperlyConfigured, OpenSearch, OpenSearchException, Urllib3AWSV4SignerAuth
from opensearchpy.exceptions import TransportError

from shotwise.adapters.aws.opensearch_index import QUESTIONS, QUESTIONS_MAPPING, VECTOR, index_body
from shotwise.adapters.aws.remote import batches, cut, wait_until
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

SECONDS = 10  # a request
MAX_PUT, MAX_PUT_BYTES = 100, 5 << 20  # a request; the service takes 10 MiB
NUMBER_BYTES = 24  # a component of a vector in JSON, at most
MAX_QUESTION_BYTES = 1 << 20  # of a passage
MAX_FOUND = 10_000  # more than any document has passages
MAX_REMOVED = 1000  # a request
# At worst each character becomes a term, in each of three fields, and a query may have 1,024 terms in all.
QUERY_CHARACTERS = 330
HEADING_WEIGHT = 2
RETRY_SECONDS = (1.0, 2.0)
TURNED_AWAY = (429,)
BUSY = (429, 502, 503, 504)
# What was written shows in a vector collection after up to a minute.
WAIT_SECONDS, PAUSE_SECONDS = 180, 5
HINTS = {403: "; the collection's data access policy has to name this role, its network policy this caller",
         404: "; the index is created by the first ingest"}
R = TypeVar("R")


class OpenSearchPassageSearch:
    """Implements `knowledge.ports.PassageSearch`. host, index: OPENSEARCH_HOST, with or without https://, and
    OPENSEARCH_INDEX; dimensions: of the vectors, 0 to search by words alone.

    The service takes no identifiers of ours and deletes by identifier alone, so documents are found first and then
    deleted; and it shows what was written only later, so `put` waits. One process at a time may put a document.
    """

    lexical = True

    def __init__(self, host: str, index: str, region: str, dimensions: int, client: OpenSearch | None = None, *,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self.needs_vectors = dimensions > 0
        self._host = host.removeprefix("https://").rstrip("/")
        self._index = index
        self._region = region
        self._dimensions = dimensions
        self._given = client
        self._sleep = sleep
        self._ensured = False
        self.name = str(self)

    def ensure_index(self, dictionary_words: Sequence[str] = ()) -> None:
        """Create the index where there is none and wait until it is there; whoever else does so meanwhile is
        welcome. An index that exists gets the field of the questions, if it was made before there was one, which
        takes the right aoss:UpdateIndex; else it is left as it is, also with other dimensions or words."""
        if self._exists():
            self._ensure_questions()
            return
        try:
            self._create(index_body(self._dimensions, dictionary_words))
        except KnowledgeError as error:
            if "engine" not in str(error).lower():
                raise
            self._create(index_body(self._dimensions, dictionary_words, engine=False))
        wait_until(self._exists, f"{self} was created and is not there", seconds=WAIT_SECONDS, pause=PAUSE_SECONDS,
                   sleep=self._sleep)

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Remove what is there of this version, write its passages and wait until all can be found."""
        name, passages = volume.document.name, volume.passages
        if self.needs_vectors and [len(vector) for vector in vectors] != [self._dimensions] * len(passages):
            raise KnowledgeError(f"{name}: there has to be a vector of {self._dimensions} dimensions a passage")
        if not self._ensured:
            self.ensure_index()
            self._ensured = True
        same = _all({"document": name}, {"version": volume.version})
        # What was deleted can be found for a while yet and would be counted below; deleting it again does nothing.
        wait_until(lambda: not self._remove(same, name), f"{self} did not remove {name}", seconds=WAIT_SECONDS,
                   pause=PAUSE_SECONDS, sleep=self._sleep)
        lines = (_line(volume, number, passage, vectors[number] if self.needs_vectors else ())
                 for number, passage in enumerate(passages))
        for batch in batches(lines, MAX_PUT, len, MAX_PUT_BYTES):
            self._bulk([json.dumps({"index": {}}) + "\n" + line for line in batch], f"did not take {name}")
        wait_until(lambda: self._count(same) == len(passages), f"{self} did not show all {len(passages)} passages of "
                   f"{name}", seconds=WAIT_SECONDS, pause=PAUSE_SECONDS, sleep=self._sleep)

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the document's other versions. They may be found for a minute yet: their keys name nothing then."""
        others = _all({"document": name})
        if version is not None:
            others["bool"]["must_not"] = [{"term": {"version": version}}]
        self._remove(others, name)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """The nearest passages, where index and query have vectors, then those that hold the query's words or come
        with questions that do. An index without questions is searched as well: a field that it lacks holds nothing."""
        if limit < 1:
            return []
        only = [{"term": {"action": True}}] if action_only else []
        searches: list[dict[str, Any]] = []
        if self.needs_vectors and query.vector is not None:
            near: dict[str, Any] = {"vector": list(query.vector), "k": limit}
            if only:
                near["filter"] = {"bool": {"filter": only}}
            searches.append({"knn": {VECTOR: near}})
        words = {"multi_match": {"query": query.text[:QUERY_CHARACTERS], "type": "most_fields",
                                 "fields": [f"headings^{HEADING_WEIGHT}", "text", QUESTIONS]}}
        searches.append({"bool": {"must": [words], "filter": only}})
        return [self._search(search, limit) for search in searches]

    def _search(self, search: dict[str, Any], limit: int) -> list[PassageId]:
        found = self._found({"query": search, "size": min(limit, MAX_FOUND),
                             "_source": ["document", "version", "number"]})
        # A passage is there twice where two processes put it at once; it counts once.
        return list(dict.fromkeys(key for key in map(_key, found["hits"]) if key))

    def _remove(self, query: dict[str, Any], name: str) -> int:
        """Delete what the query finds; how much that was."""
        hits = self._found({"query": query, "size": MAX_FOUND, "_source": False})["hits"]
        for batch in batches(hits, MAX_REMOVED):
            self._bulk([json.dumps({"delete": {"_id": hit["_id"]}}) for hit in batch], f"did not remove {name}")
        return len(hits)

    def _count(self, query: dict[str, Any]) -> int:
        found = self._found({"query": query, "size": 0, "track_total_hits": True})
        return int(found["total"]["value"])

    def _found(self, body: dict[str, Any]) -> Mapping[str, Any]:
        found = self._ask("did not answer", lambda client: client.search(body=body, index=self._index))
        if not isinstance(found, dict) or "hits" not in found:
            raise KnowledgeError(f"{self} did not answer a search with hits: {str(found)[:300]}")
        hits: Mapping[str, Any] = found["hits"]
        return hits

    def _bulk(self, lines: Sequence[str], failure: str) -> None:
        """One request. Tried again only where it was turned away: after a lost answer everything would be written
        twice."""
        body = "\n".join(lines) + "\n"
        done = self._ask(failure, lambda client: client.bulk(body=body, index=self._index), TURNED_AWAY)
        if not done["errors"]:
            return
        for item in done["items"]:
            for action, result in item.items():
                if "error" in result and not (action == "delete" and result["status"] == 404):
                    raise KnowledgeError(f"{self} {failure}: {result['status']} {json.dumps(result['error'])[:300]}")

    def _exists(self) -> bool:
        return bool(self._ask("did not answer", lambda client: client.indices.exists(index=self._index)))

    def _ensure_questions(self) -> None:
        """Add the field of the questions where it is missing, and wait for it: the mappings are strict, and a passage
        with an unknown field is refused. Looked for first, because who may create an index may not change it yet."""
        if self._has_questions():
            return
        self._ask(f"did not take the new field {QUESTIONS}, which needs aoss:UpdateIndex",
                  lambda client: client.indices.put_mapping(body=QUESTIONS_MAPPING, index=self._index))
        wait_until(self._has_questions, f"{self} did not show its new field {QUESTIONS}", seconds=WAIT_SECONDS,
                   pause=PAUSE_SECONDS, sleep=self._sleep)

    def _has_questions(self) -> bool:
        found = self._ask("did not answer", lambda client: client.indices.get_mapping(index=self._index))
        try:
            return all(QUESTIONS in index["mappings"].get("properties", {}) for index in found.values())
        except (AttributeError, LookupError, TypeError) as error:
            raise KnowledgeError(f"{self} did not answer with its mappings: {str(found)[:300]}") from error

    def _create(self, body: dict[str, Any]) -> None:
        def create(client: OpenSearch) -> None:
            try:
                client.indices.create(index=self._index, body=body)
            except TransportError as error:
                if error.error != "resource_already_exists_exception":
                    raise

        self._ask("was not created", create)

    def _ask(self, failure: str, call: Callable[[OpenSearch], R], again: Sequence[int] = BUSY) -> R:
        """Call, with the statuses of `again` twice more after a pause; errors as KnowledgeError."""
        pauses = list(RETRY_SECONDS)
        while True:
            try:
                return call(self._client())
            except (OpenSearchException, ImproperlyConfigured, BotoCoreError) as error:
                status = error.status_code if isinstance(error, TransportError) else "N/A"
                if not pauses or status not in again:
                    hint = HINTS.get(status, "") if isinstance(status, int) else ""
                    raise KnowledgeError(f"{self} {failure}: {error}{hint}") from error
                self._sleep(pauses.pop(0))

    def _client(self) -> OpenSearch:
        if self._given is None:
            session = boto3.Session()
            credentials, region = session.get_credentials(), self._region or session.region_name
            if credentials is None or not region:
                lacking = "an AWS region" if credentials else "AWS credentials"
                raise KnowledgeError(f"{self} needs {lacking} and there is nothing of the kind")
            # No compression: the service then rejects the signature. No retries below ours, see `_bulk`.
            self._given = OpenSearch(
                hosts=[{"host": self._host, "port": 443}], use_ssl=True, timeout=SECONDS, max_retries=0,
                http_compress=False, http_auth=Urllib3AWSV4SignerAuth(credentials, region, "aoss"))
        return self._given

    def __str__(self) -> str:
        return f"the OpenSearch index {self._index} at {self._host}"


def _all(*terms: dict[str, str]) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": term} for term in terms]}}


def _line(volume: IndexedDocument, number: int, passage: Passage, vector: Sequence[float]) -> str:
    """A passage as one line of JSON, with the questions that it or a line of it answers, if there are any."""
    source: dict[str, Any] = {
        "document": volume.document.name, "version": volume.version, "number": number, "page": passage.page,
        "action": passage.action, "headings": " / ".join(passage.headings),
        "text": "\n".join(line.text for line in passage.lines)}
    places = ((number, line) for line in range(len(passage.lines) + 1))
    questions = [question for place in places for question in volume.questions.get(place, ())]
    if questions:
        source[QUESTIONS] = cut("\n".join(questions), MAX_QUESTION_BYTES)
    if vector:
        source[VECTOR] = [float(value) for value in vector]
    return json.dumps(source)


def _key(hit: Mapping[str, Any]) -> PassageId | None:
    """None for a document that somebody else put into the index."""
    try:
        source = hit["_source"]
        return PassageId(str(source["document"]), str(source["version"]), int(source["number"]))
    except (TypeError, ValueError, LookupError):
        return None
