"""Search by words and by meaning in OpenSearch Serverless: BM25 over Korean morphemes, and nearest vectors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError
from opensearchpy import ImproperlyConfigured, OpenSearch, OpenSearchException, Urllib3AWSV4SignerAuth
from opensearchpy.exceptions import TransportError

from shotwise.adapters.aws.opensearch_index import QUESTIONS, QUESTIONS_MAPPING, VECTOR, index_body
from shotwise.adapters.batching import batches, truncate_utf8
from shotwise.adapters.polling import wait_until
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

REQUEST_SECONDS = 10
MAX_PUT, MAX_PUT_BYTES = 100, 5 << 20  # per request; the service accepts 10 MiB
MAX_QUESTION_BYTES = 1 << 20  # per passage
MAX_HITS = 10_000  # more than the passages of any document
MAX_REMOVED = 1000  # per request
# At worst each character becomes a term in each of three fields, and a query may have 1,024 terms.
MAX_QUERY_CHARACTERS = 330
MAX_SHOWN = 300  # characters of a response in an error
HEADING_WEIGHT = 2
RETRY_PAUSES = (1.0, 2.0)  # seconds
THROTTLED = (429,)
BUSY = (429, 502, 503, 504)
# Changes become visible in a vector collection after up to a minute.
WAIT_SECONDS, PAUSE_SECONDS = 180, 5
HINTS = {403: "; the collection's data access policy has to name this role, its network policy this caller",
         404: "; the index is created by the first ingest"}
R = TypeVar("R")


@contextmanager
def translate_opensearch_errors(failure: str) -> Iterator[None]:
    """Raise an error of opensearch-py as a KnowledgeError that begins with `failure` and says what to check."""
    try:
        yield
    except (OpenSearchException, ImproperlyConfigured, BotoCoreError) as error:
        status = error.status_code if isinstance(error, TransportError) else None
        hint = HINTS.get(status, "") if isinstance(status, int) else ""
        raise KnowledgeError(f"{failure}: {error}{hint}") from error


class OpenSearchPassageSearch:
    """Implements `knowledge.ports.PassageSearch`.

    The service chooses the identifiers of passages and only deletes by identifier, so passages are searched before they
    are deleted. Changes become visible later, so `put` waits for them. One process at a time may put a document.

    Parameters
    ----------
    host, index : str
        OPENSEARCH_HOST, with or without https://, and OPENSEARCH_INDEX.
    region : str
        AWS region; empty for the one of the environment.
    dimensions : int
        Length of the vectors; 0 to search by words alone.
    client : OpenSearch, optional
        Client of the service; by default created at the first call.
    sleep : callable
        Stand-in for `time.sleep` in tests.
    """

    lexical = True

    def __init__(self, host: str, index: str, region: str, dimensions: int, client: OpenSearch | None = None, *,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self.needs_vectors = dimensions > 0
        self._host = host.removeprefix("https://").rstrip("/")
        self._index = index
        self._region = region
        self._dimensions = dimensions
        self._cached_client = client
        self._sleep = sleep
        self._is_ensured = False
        self.name = str(self)

    def ensure_index(self, dictionary_words: Sequence[str] = ()) -> None:
        """Create the index if it does not exist, and wait until it does; other processes may do so at the same time.

        If an existing index has no field for questions, the field is added, which requires the right aoss:UpdateIndex.
        Nothing else of an existing index is changed, even if its dimensions or words differ.
        """
        if self._exists():
            self._ensure_questions_field()
            return
        try:
            self._create(index_body(self._dimensions, dictionary_words))
        except KnowledgeError as error:
            if "engine" not in str(error).lower():
                raise
            self._create(index_body(self._dimensions, dictionary_words, engine=False))
        self._wait_until(self._exists, "was created but did not appear")

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Remove the stored passages of this version, write them anew and wait until all can be found."""
        name, passages = indexed_document.document.name, indexed_document.passages
        if self.needs_vectors and [len(vector) for vector in vectors] != [self._dimensions] * len(passages):
            raise KnowledgeError(f"{name}: there has to be a vector of {self._dimensions} dimensions a passage")
        if not self._is_ensured:
            self.ensure_index()
            self._is_ensured = True
        same_version = _all_of({"document": name}, {"version": indexed_document.version})
        # Deleted passages can still be found for a while and would be counted below; deleting them again is harmless.
        self._wait_until(lambda: not self._remove(same_version, name), f"did not remove {name}")
        lines = (_json_line(indexed_document, number, passage, vectors[number] if self.needs_vectors else ())
                 for number, passage in enumerate(passages))
        for batch in batches(lines, MAX_PUT, len, MAX_PUT_BYTES):
            self._send_bulk([json.dumps({"index": {}}) + "\n" + line for line in batch], f"did not take {name}")
        self._wait_until(lambda: self._count(same_version) == len(passages),
                         f"did not show all {len(passages)} passages of {name}")

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the document's other versions.

        They may be found for another minute; their ids are then ignored, because the store does not have them.
        """
        others = _all_of({"document": name})
        if version is not None:
            others["bool"]["must_not"] = [{"term": {"version": version}}]
        self._remove(others, name)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return a ranking by vectors, if index and query have them, and a ranking by words.

        The words of a passage include the questions that it answers. An index without the field for questions can be
        searched as well; the missing field counts as empty.
        """
        if limit < 1:
            return []
        action_filter = [{"term": {"action": True}}] if action_only else []
        searches: list[dict[str, Any]] = []
        if self.needs_vectors and query.vector is not None:
            nearest: dict[str, Any] = {"vector": list(query.vector), "k": limit}
            if action_filter:
                nearest["filter"] = {"bool": {"filter": action_filter}}
            searches.append({"knn": {VECTOR: nearest}})
        words = {"multi_match": {"query": query.text[:MAX_QUERY_CHARACTERS], "type": "most_fields",
                                 "fields": [f"headings^{HEADING_WEIGHT}", "text", QUESTIONS]}}
        searches.append({"bool": {"must": [words], "filter": action_filter}})
        return [self._search(search, limit) for search in searches]

    def _search(self, search: dict[str, Any], limit: int) -> list[PassageId]:
        hits = self._hits({"query": search, "size": min(limit, MAX_HITS), "_source": ["document", "version", "number"]})
        # If two processes put a passage at the same time, the index has it twice.
        return list(dict.fromkeys(passage_id for passage_id in map(_passage_id, hits["hits"]) if passage_id))

    def _remove(self, query: dict[str, Any], name: str) -> int:
        """Delete the passages that the query finds and return their number."""
        hits = self._hits({"query": query, "size": MAX_HITS, "_source": False})["hits"]
        for batch in batches(hits, MAX_REMOVED):
            self._send_bulk([json.dumps({"delete": {"_id": hit["_id"]}}) for hit in batch], f"did not remove {name}")
        return len(hits)

    def _count(self, query: dict[str, Any]) -> int:
        hits = self._hits({"query": query, "size": 0, "track_total_hits": True})
        return int(hits["total"]["value"])

    def _hits(self, body: dict[str, Any]) -> Mapping[str, Any]:
        response = self._request("did not answer", lambda client: client.search(body=body, index=self._index))
        if not isinstance(response, dict) or "hits" not in response:
            raise KnowledgeError(f"{self} did not answer a search with hits: {str(response)[:MAX_SHOWN]}")
        hits: Mapping[str, Any] = response["hits"]
        return hits

    def _send_bulk(self, lines: Sequence[str], failure: str) -> None:
        """Send one bulk request.

        It is only repeated if it was throttled: after a lost response, everything would be written twice.
        """
        body = "\n".join(lines) + "\n"
        response = self._request(failure, lambda client: client.bulk(body=body, index=self._index), THROTTLED)
        if not response["errors"]:
            return
        for operation in response["items"]:
            for action, outcome in operation.items():
                if "error" in outcome and not (action == "delete" and outcome["status"] == 404):
                    error = json.dumps(outcome["error"])[:MAX_SHOWN]
                    raise KnowledgeError(f"{self} {failure}: {outcome['status']} {error}")

    def _exists(self) -> bool:
        return bool(self._request("did not answer", lambda client: client.indices.exists(index=self._index)))

    def _ensure_questions_field(self) -> None:
        """Add the field for questions if it is missing, and wait until it exists.

        The mappings are strict, so the service refuses passages with an unknown field. The field is only added if it is
        missing, because a role that may create an index need not have the right to change it.
        """
        if self._has_questions_field():
            return
        self._request(f"did not take the new field {QUESTIONS}, which needs aoss:UpdateIndex",
                      lambda client: client.indices.put_mapping(body=QUESTIONS_MAPPING, index=self._index))
        self._wait_until(self._has_questions_field, f"did not show its new field {QUESTIONS}")

    def _has_questions_field(self) -> bool:
        response = self._request("did not answer", lambda client: client.indices.get_mapping(index=self._index))
        try:
            return all(QUESTIONS in index["mappings"].get("properties", {}) for index in response.values())
        except (AttributeError, LookupError, TypeError) as error:
            raise KnowledgeError(f"{self} did not answer with its mappings: {str(response)[:MAX_SHOWN]}") from error

    def _create(self, body: dict[str, Any]) -> None:
        def create(client: OpenSearch) -> None:
            try:
                client.indices.create(index=self._index, body=body)
            except TransportError as error:
                if error.error != "resource_already_exists_exception":
                    raise

        self._request("was not created", create)

    def _wait_until(self, is_done: Callable[[], bool], failure: str) -> None:
        wait_until(is_done, f"{self} {failure}", seconds=WAIT_SECONDS, pause=PAUSE_SECONDS, sleep=self._sleep)

    def _request(self, failure: str, call: Callable[[OpenSearch], R], retry_statuses: Sequence[int] = BUSY) -> R:
        """Call the client, up to two more times after a pause if the status is one of `retry_statuses`."""
        pauses = list(RETRY_PAUSES)
        with translate_opensearch_errors(f"{self} {failure}"):
            while True:
                try:
                    return call(self._client())
                except TransportError as error:
                    if not pauses or error.status_code not in retry_statuses:
                        raise
                    self._sleep(pauses.pop(0))

    def _client(self) -> OpenSearch:
        if self._cached_client is None:
            session = boto3.Session()
            credentials, region = session.get_credentials(), self._region or session.region_name
            if credentials is None or not region:
                missing = "an AWS region" if credentials else "AWS credentials"
                raise KnowledgeError(f"{self} needs {missing}, and the environment has none")
            # Without compression, with which the service rejects the signature, and without retries (see `_send_bulk`).
            self._cached_client = OpenSearch(
                hosts=[{"host": self._host, "port": 443}], use_ssl=True, timeout=REQUEST_SECONDS, max_retries=0,
                http_compress=False, http_auth=Urllib3AWSV4SignerAuth(credentials, region, "aoss"))
        return self._cached_client

    def __str__(self) -> str:
        return f"the OpenSearch index {self._index} at {self._host}"


def _all_of(*terms: dict[str, str]) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": term} for term in terms]}}


def _json_line(indexed_document: IndexedDocument, number: int, passage: Passage, vector: Sequence[float]) -> str:
    """Write a passage as one line of JSON, with the questions that it or one of its lines answers."""
    source: dict[str, Any] = {
        "document": indexed_document.document.name, "version": indexed_document.version, "number": number,
        "page": passage.page, "action": passage.action, "headings": " / ".join(passage.headings),
        "text": "\n".join(line.text for line in passage.lines)}
    questions = [question for line_number in range(len(passage.lines) + 1)
                 for question in indexed_document.questions.get((number, line_number), ())]
    if questions:
        source[QUESTIONS] = truncate_utf8("\n".join(questions), MAX_QUESTION_BYTES)
    if vector:
        source[VECTOR] = [float(component) for component in vector]
    return json.dumps(source)


def _passage_id(hit: Mapping[str, Any]) -> PassageId | None:
    """Return the passage of a hit; None for an entry of the index that is not a passage of Shotwise."""
    try:
        source = hit["_source"]
        return PassageId(str(source["document"]), str(source["version"]), int(source["number"]))
    except (TypeError, ValueError, LookupError):
        return None
