"""Search with a Bedrock Knowledge Base that receives single pages through a data source of type CUSTOM.

The knowledge base embeds the pages itself. Each page is one document of the knowledge base. Its attributes identify our
document, page and passages, because not every kind of vector store returns page numbers otherwise. The data source must
not split its documents into chunks (strategy NONE).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from shotwise.adapters.aws.client import aws_client, translate_boto_errors
from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.batching import batches
from shotwise.adapters.polling import wait_until
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

MAX_PAGES_PER_REQUEST = 10
MAX_LISTED = 1000
MAX_HITS = 100
MAX_PASSAGES_PER_PAGE = 1000  # a page with more was not written by Shotwise
# The service accepts 20,000 characters, its embedder 8,192 tokens.
MAX_QUERY_CHARACTERS = MAX_PAGE_CHARACTERS = 8_000
READ_SECONDS = 10
SEARCH_SECONDS = 3  # somebody is waiting for the answer
ATTEMPTS = 5  # the service accepts only 5 requests of this kind per second
WAIT_SECONDS, PAUSE_SECONDS = 600, 5
INDEXED = "INDEXED"
# Partially indexed pages are failures as well, because a page without its attributes is never found.
FAILED = {"FAILED", "IGNORED", "PARTIALLY_INDEXED", "METADATA_PARTIALLY_INDEXED", "METADATA_UPDATE_FAILED"}
LEAVING = {"DELETING", "DELETE_IN_PROGRESS", "NOT_FOUND"}


@dataclass(frozen=True)
class _PageText:
    """The passages of one page.

    Attributes
    ----------
    page : int
        Physical page number, from 1.
    first : int
        Number of the page's first passage in its document.
    passages : tuple of Passage
        All passages of the page, in order.
    """

    page: int
    first: int
    passages: tuple[Passage, ...]


class KnowledgeBaseSearch:
    """Implements `knowledge.ports.PassageSearch`.

    It ranks pages; all passages of a page that is found have its rank, in the order of the page. `put` waits until the
    service has indexed all pages, which takes a minute or more; `keep_only` does not wait for their removal.

    Parameters
    ----------
    knowledge_base_id, data_source_id : str
        Ids of the knowledge base and its data source.
    agent : boto3 client, optional
        Client of bedrock-agent; by default created at the first call.
    runtime : boto3 client, optional
        Client of bedrock-agent-runtime; by default created at the first call.
    search_seconds : float
        Time limit of each of the two tries of a search.
    sleep : callable
        Stand-in for `time.sleep` in tests.
    """

    needs_vectors = False
    lexical = False

    def __init__(self, knowledge_base_id: str, data_source_id: str, agent: Any = None, runtime: Any = None, *,
                 search_seconds: float = SEARCH_SECONDS, sleep: Callable[[float], None] = time.sleep) -> None:
        self._knowledge_base_id = knowledge_base_id
        self._location = {"knowledgeBaseId": knowledge_base_id, "dataSourceId": data_source_id}
        self._cached_agent = agent
        self._cached_runtime = runtime
        self._search_seconds = search_seconds
        self._sleep = sleep
        self.name = str(self)

    def put(self, indexed_document: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Send the pages and wait until all are indexed.

        The identifier of a page consists of name, version and page, so putting the same version again replaces it.
        """
        name = indexed_document.document.name
        documents = {_identifier(indexed_document, page): _page_document(indexed_document, page)
                     for page in _page_texts(indexed_document.passages)}
        for batch in batches(documents.values(), MAX_PAGES_PER_REQUEST):
            with translate_boto_errors(f"{self} did not take {name}"):
                response = self._agent().ingest_knowledge_base_documents(**self._location, documents=batch)
            _check_statuses(name, response["documentDetails"])
        waiting = set(documents)
        wait_until(lambda: self._are_indexed(name, waiting), f"{self} did not index {name}", seconds=WAIT_SECONDS,
                   pause=PAUSE_SECONDS, sleep=self._sleep)

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the pages of the document's other versions.

        This takes one request per 1,000 pages of the data source, and one per 10 pages to remove.
        """
        prefix, kept_prefix = key_prefix(name), None if version is None else key_prefix(name, version)
        old = [identifier for identifier in self._identifiers()
               if identifier.startswith(prefix) and not (kept_prefix and identifier.startswith(kept_prefix))]
        for batch in batches(old, MAX_PAGES_PER_REQUEST):
            with translate_boto_errors(f"{self} did not remove {name}"):
                response = self._agent().delete_knowledge_base_documents(
                    **self._location, documentIdentifiers=_document_identifiers(batch))
            _check_statuses(name, response["documentDetails"])

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return the passages of the pages that the service finds; with `action_only` only countermeasures."""
        text = query.text.strip()[:MAX_QUERY_CHARACTERS]
        if not text or limit < 1:
            return []
        search: dict[str, Any] = {"numberOfResults": min(limit, MAX_HITS)}
        if action_only:
            search["filter"] = {"equals": {"key": "action", "value": True}}
        with translate_boto_errors(f"{self} did not answer"):
            response = self._runtime().retrieve(
                knowledgeBaseId=self._knowledge_base_id, retrievalQuery={"text": text},
                retrievalConfiguration={"vectorSearchConfiguration": search})
        # A page is found several times if the data source splits pages into chunks after all.
        passage_ids = dict.fromkeys(passage_id for hit in response["retrievalResults"]
                                    for passage_id in _passage_ids(hit.get("metadata"), action_only))
        return [list(passage_ids)[:limit]]

    def _are_indexed(self, name: str, waiting: set[str]) -> bool:
        """Return whether all pages are indexed. Indexed pages are removed from `waiting`, the rest is checked again."""
        for batch in batches(sorted(waiting), MAX_PAGES_PER_REQUEST):
            with translate_boto_errors(f"{self} did not give the status of {name}"):
                response = self._agent().get_knowledge_base_documents(
                    **self._location, documentIdentifiers=_document_identifiers(batch))
            _check_statuses(name, response["documentDetails"])
            waiting.difference_update(_identifier_of(detail) for detail in response["documentDetails"]
                                      if detail["status"] == INDEXED)
        return not waiting

    def _identifiers(self) -> Iterator[str]:
        """Yield the identifiers of all pages of the data source that are not being removed."""
        token: dict[str, str] = {}
        while True:
            with translate_boto_errors(f"{self} was not listed"):
                page = self._agent().list_knowledge_base_documents(**self._location, maxResults=MAX_LISTED, **token)
            yield from (_identifier_of(detail) for detail in page["documentDetails"]
                        if detail["status"] not in LEAVING)
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _agent(self) -> Any:
        if self._cached_agent is None:
            self._cached_agent = aws_client("bedrock-agent", read_seconds=READ_SECONDS, attempts=ATTEMPTS)
        return self._cached_agent

    def _runtime(self) -> Any:
        if self._cached_runtime is None:
            self._cached_runtime = aws_client("bedrock-agent-runtime", read_seconds=self._search_seconds, attempts=2)
        return self._cached_runtime

    def __str__(self) -> str:
        return f"the knowledge base {self._knowledge_base_id}"


def _page_texts(passages: Sequence[Passage]) -> Iterator[_PageText]:
    for page, group in groupby(enumerate(passages), lambda numbered: numbered[1].page):
        numbered = list(group)
        if any(passage.text for _, passage in numbered):  # the service takes no empty text
            yield _PageText(page, numbered[0][0], tuple(passage for _, passage in numbered))


def _identifier(indexed_document: IndexedDocument, page: _PageText) -> str:
    return f"{key_prefix(indexed_document.document.name, indexed_document.version)}{page.page}-{page.first}"


def _page_document(indexed_document: IndexedDocument, page: _PageText) -> dict[str, Any]:
    """Build the request for a page. Its attribute `actions` lists the numbers of the passages with countermeasures."""
    actions = [str(page.first + offset) for offset, passage in enumerate(page.passages) if passage.action]
    attributes: dict[str, str | int | bool] = {
        "document": indexed_document.document.name, "version": indexed_document.version, "page": page.page,
        "first": page.first, "last": page.first + len(page.passages) - 1, "action": bool(actions)}
    if actions:
        attributes["actions"] = ",".join(actions)
    text = "\n\n".join(passage.text for passage in page.passages)[:MAX_PAGE_CHARACTERS]
    return {
        "metadata": {"type": "IN_LINE_ATTRIBUTE", "inlineAttributes": [
            {"key": key, "value": _typed_value(attribute)} for key, attribute in attributes.items()]},
        "content": {"dataSourceType": "CUSTOM", "custom": {
            "customDocumentIdentifier": {"id": _identifier(indexed_document, page)}, "sourceType": "IN_LINE",
            "inlineContent": {"type": "TEXT", "textContent": {"data": text}}}}}


def _typed_value(attribute: str | int | bool) -> dict[str, Any]:
    if isinstance(attribute, bool):
        return {"type": "BOOLEAN", "booleanValue": attribute}
    if isinstance(attribute, int):
        return {"type": "NUMBER", "numberValue": attribute}
    return {"type": "STRING", "stringValue": attribute}


def _document_identifiers(identifiers: Iterable[str]) -> list[dict[str, Any]]:
    return [{"dataSourceType": "CUSTOM", "custom": {"id": identifier}} for identifier in identifiers]


def _identifier_of(detail: Mapping[str, Any]) -> str:
    return str(detail["identifier"].get("custom", {}).get("id", ""))


def _check_statuses(name: str, details: Iterable[Mapping[str, Any]]) -> None:
    """Raise KnowledgeError where a page failed, with the service's reason."""
    for detail in details:
        if detail["status"] in FAILED:
            reason = detail.get("statusReason") or "no reason given"
            raise KnowledgeError(f"a page of {name} is {detail['status']} in the knowledge base: {reason}")


def _passage_ids(metadata: Any, action_only: bool) -> list[PassageId]:
    """Return the passages of a page that was found; none for an entry of another data source.

    The service returns numbers as floats.
    """
    try:
        name, version = str(metadata["document"]), str(metadata["version"])
        first, last = int(metadata["first"]), int(metadata["last"])
        actions = {int(number) for number in metadata["actions"].split(",")} if action_only else None
    except (TypeError, ValueError, OverflowError, AttributeError, LookupError):
        return []
    return [PassageId(name, version, number) for number in range(first, min(last, first + MAX_PASSAGES_PER_PAGE) + 1)
            if actions is None or number in actions]
