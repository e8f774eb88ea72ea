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
MAX_PUT, MAX_PUT_BYTES = 100, 5 << 20  # a request; the service takes 10 MiB
MAX_QUESTION_BYTES = 1 << 20  # of a passage
MAX_HITS = 10_000  # more than any document has passages
MAX_REMOVED = 1000  # a request
# At worst each character becomes a term, in each of three fields, and a query may have 1,024 terms in all.
MAX_QUERY_CHARACTERS = 330
MAX_SHOWN = 300  # characters of a response in an error
HEADING_WEIGHT = 2
RETRY_PAUSES = (1.0, 2.0)  # seconds
TURNED_AWAY = (429,)
BUSY = (429, 502, 503, 504)
# What was written shows in a vector collection after up to a minute.
WAIT_SECONDS, PAUSE_SECONDS = 180, 5
HINTS = {403: "; the collection's data access policy has to name this role, its network policy this caller",
         404: "; the index is created by the first ingest"}
R = TypeVar("R")


@contextmanager
def translate_opensearch_errors(failure: str) -> Iterator[None]:
    """Raise what opensearch-py raises as a KnowledgeError that begins with `failure` and says what to check."""
    try:
        yield
    except (OpenSearchException, ImproperlyConfigured, BotoCoreError) as error:
        status = error.status_code if isinstance(error, TransportError) else None
        hint = HINTS.get(status, "") if isinstance(status, int) else ""
        raise KnowledgeError(f"{failure}: {error}{hint}") from error


class OpenSearchPassageSearch:
    """Implements `knowledge.ports.PassageSearch`.

    The service takes no identifiers of ours and deletes by identifier alone, so passages are found first and then
    deleted. It shows what was written only later, so `put` waits. One process at a time may put a document.

    Parameters
    ----------
    host, index : str
        OPENSEARCH_HOST, with or without https://, and OPENSEARCH_INDEX.
    region : str
        AWS region; empty for the one of the environment.
    dimensions : int
        Length of the vectors; 0 to search by words alone.
    client : OpenSearch, optional
        Made with the first call if it is absent.
    sleep : callable
        Waits for some seconds.
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
        """Create the index if there is none, and wait until it is there; others may do so at the same time.

        An index that was made before there was a field for questions gets it, which takes the right aoss:UpdateIndex.
        Else an existing index stays as it is, also with other dimensions or words.
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
        self._wait_until(self._exists, "was created and is not there")

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Remove what is there of this version, write its passages and wait until all can be found."""
        name, passages = indexed_document.document.name, indexed_document.passages
        if self.needs_vectors and [len(vector) for vector in vectors] != [self._dimensions] * len(passages):
            raise KnowledgeError(f"{name}: there has to be a vector of {self._dimensions} dimensions a passage")
        if not self._is_ensured:
            self.ensure_index()
            self._is_ensured = True
        same_version = _all_of({"document": name}, {"version": indexed_document.version})
        # What was deleted can be found for a while yet and would be counted below; deleting it again does nothing.
        self._wait_until(lambda: not self._remove(same_version, name), f"did not remove {name}")
        lines = (_json_line(indexed_document, number, passage, vectors[number] if self.needs_vectors else ())
                 for number, passage in enumerate(passages))
        for batch in batches(lines, MAX_PUT, len, MAX_PUT_BYTES):
            self._send_bulk([json.dumps({"index": {}}) + "\n" + line for line in batch], f"did not take {name}")
        self._wait_until(lambda: self._count(same_version) == len(passages),
                         f"did not show all {len(passages)} passages of {name}")

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the document's other versions.

        They may be found for another minute: their ids then name passages that do not exist.
        """
        others = _all_of({"document": name})
        if version is not None:
            others["bool"]["must_not"] = [{"term": {"version": version}}]
        self._remove(others, name)

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return the nearest passages, if index and query have vectors, then those that contain the query's words.

        The words of a passage include the questions that it answers. An index without a field for questions is searched
        as well: a field that it lacks contains nothing.
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
        # A passage is there twice where two processes put it at once; it counts once.
        return list(dict.fromkeys(passage_id for passage_id in map(_passage_id, hits["hits"]) if passage_id))

    def _remove(self, query: dict[str, Any], name: str) -> int:
        """Delete what the query finds; return how many passages that were."""
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

        It is tried again only where it was turned away: after a lost answer everything would be written twice.
        """
        body = "\n".join(lines) + "\n"
        response = self._request(failure, lambda client: client.bulk(body=body, index=self._index), TURNED_AWAY)
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
        """Add the field for questions if it is missing, and wait for it.

        The mappings are strict: a passage with an unknown field is refused. The field is looked for first, because a
        role that may create an index need not have the right to change it.
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
        """Call the client; twice more after a pause where it answers with a status that is tried again."""
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
                raise KnowledgeError(f"{self} needs {missing} and there is nothing of the kind")
            # No compression: the service then rejects the signature. No retries below ours, see `_send_bulk`.
            self._cached_client = OpenSearch(
                hosts=[{"host": self._host, "port": 443}], use_ssl=True, timeout=REQUEST_SECONDS, max_retries=0,
                http_compress=False, http_auth=Urllib3AWSV4SignerAuth(credentials, region, "aoss"))
        return self._cached_client

    def __str__(self) -> str:
        return f"the OpenSearch index {self._index} at {self._host}"


def _all_of(*terms: dict[str, str]) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": term} for term in terms]}}


def _json_line(indexed_document: IndexedDocument, number: int, passage: Passage, vector: Sequence[float]) -> str:
    """A passage as one line of JSON, with the questions that it or a line of it answers, if there are any."""
    source: dict[str, Any] = {
        "document": indexed_document.document.name, "version": indexed_document.version, "number": number,
        "page": passage.page, "action": passage.action, "headings": " / ".join(passage.headings),
        "text": "\n".join(line.text for line in passage.lines)}
    places = ((number, line) for line in range(len(passage.lines) + 1))
    questions = [question for place in places for question in indexed_document.questions.get(place, ())]
    if questions:
        source[QUESTIONS] = truncate_utf8("\n".join(questions), MAX_QUESTION_BYTES)
    if vector:
        source[VECTOR] = [float(component) for component in vector]
    return json.dumps(source)


def _passage_id(hit: Mapping[str, Any]) -> PassageId | None:
    """The passage of a hit; None for a document that somebody else put into the index."""
    try:
        source = hit["_source"]
        return PassageId(str(source["document"]), str(source["version"]), int(source["number"]))
    except (TypeError, ValueError, LookupError):
        return None
