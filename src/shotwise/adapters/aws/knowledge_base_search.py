"""Search by a Bedrock Knowledge Base that is fed page by page, through a data source of type CUSTOM.

The knowledge base embeds by itself. A page is one of its documents, with our names for it as attributes, because page
numbers come back in no other way from every kind of vector store. The data source must not chunk (strategy NONE).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from shotwise.adapters.aws.remote import aws_client, batches, stem, translated, wait_until
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import IndexedDocument, Passage, PassageId, Query

AT_ONCE = 10  # documents a request
MAX_LISTED = 1000
MAX_FOUND = 100
MAX_PASSAGES = 1000  # of a page; more would not be our numbers
# The service takes 20,000 characters, what embeds them takes 8,192 tokens.
QUERY_CHARACTERS = PAGE_CHARACTERS = 8_000
READ_SECONDS = 10
SEARCH_SECONDS = 3  # who asks is waiting
ATTEMPTS = 5  # the service takes 5 requests of this kind a second
WAIT_SECONDS, PAUSE_SECONDS = 600, 5
INDEXED = "INDEXED"
# PARTIALLY_INDEXED and its like are failures too: a page that lacks its attributes is never found.
FAILED = {"FAILED", "IGNORED", "PARTIALLY_INDEXED", "METADATA_PARTIALLY_INDEXED", "METADATA_UPDATE_FAILED"}
LEAVING = {"DELETING", "DELETE_IN_PROGRESS", "NOT_FOUND"}


@dataclass(frozen=True)
class _PageText:
    """The passages of one page, the first of which has the number `first`."""

    page: int
    first: int
    passages: tuple[Passage, ...]


class KnowledgeBaseSearch:
    """Implements `knowledge.ports.PassageSearch`. agent: client for bedrock-agent; runtime: for bedrock-agent-runtime.

    It ranks pages: every passage of a page that is found follows in the order of the page. `put` waits until the
    service has indexed all pages, which takes a minute or more; `keep_only` does not wait for their removal.
    """

    needs_vectors = False
    lexical = False

    def __init__(self, knowledge_base_id: str, data_source_id: str, agent: Any = None, runtime: Any = None, *,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self._knowledge_base_id = knowledge_base_id
        self._place = {"knowledgeBaseId": knowledge_base_id, "dataSourceId": data_source_id}
        self._given_agent = agent
        self._given_runtime = runtime
        self._sleep = sleep
        self.name = str(self)

    def put(self, volume: IndexedDocument, vectors: Sequence[Sequence[float]]) -> None:
        """Feed the pages and wait until all are indexed. Their identifiers are made of name, version and page, so
        twice the same replaces itself."""
        name = volume.document.name
        documents = {_identifier(volume, page): _document(volume, page) for page in _pages(volume.passages)}
        for batch in batches(documents.values(), AT_ONCE):
            with translated(f"{self} did not take {name}"):
                taken = self._agent().ingest_knowledge_base_documents(**self._place, documents=batch)
            _check(name, taken["documentDetails"])
        waiting = set(documents)
        wait_until(lambda: self._indexed(name, waiting), f"{self} did not index {name}", seconds=WAIT_SECONDS,
                   pause=PAUSE_SECONDS, sleep=self._sleep)

    def keep_only(self, name: str, version: str | None) -> None:
        """Remove the pages of the other versions: a request for every 1,000 pages of the data source, one for every
        10 that are removed."""
        ours, kept = stem(name), None if version is None else stem(name, version)
        old = [identifier for identifier in self._identifiers()
               if identifier.startswith(ours) and not (kept and identifier.startswith(kept))]
        for batch in batches(old, AT_ONCE):
            with translated(f"{self} did not remove {name}"):
                removed = self._agent().delete_knowledge_base_documents(**self._place,
                                                                        documentIdentifiers=_named(batch))
            _check(name, removed["documentDetails"])

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """The passages of the pages found; with action_only those of them that are countermeasures."""
        text = query.text.strip()[:QUERY_CHARACTERS]
        if not text or limit < 1:
            return []
        search: dict[str, Any] = {"numberOfResults": min(limit, MAX_FOUND)}
        if action_only:
            search["filter"] = {"equals": {"key": "action", "value": True}}
        with translated(f"{self} did not answer"):
            found = self._runtime().retrieve(
                knowledgeBaseId=self._knowledge_base_id, retrievalQuery={"text": text},
                retrievalConfiguration={"vectorSearchConfiguration": search})
        # A page comes twice where the data source cuts pages up after all.
        keys = dict.fromkeys(key for result in found["retrievalResults"]
                             for key in _keys(result.get("metadata"), action_only))
        return [list(keys)[:limit]]

    def _indexed(self, name: str, waiting: set[str]) -> bool:
        """Whether all pages are indexed; those that are leave `waiting` and are not asked for again."""
        for batch in batches(sorted(waiting), AT_ONCE):
            with translated(f"{self} did not say how {name} stands"):
                found = self._agent().get_knowledge_base_documents(**self._place, documentIdentifiers=_named(batch))
            _check(name, found["documentDetails"])
            waiting.difference_update(_custom(detail) for detail in found["documentDetails"]
                                      if detail["status"] == INDEXED)
        return not waiting

    def _identifiers(self) -> Iterator[str]:
        """Every page of the data source that is not being removed already."""
        token: dict[str, str] = {}
        while True:
            with translated(f"{self} was not listed"):
                page = self._agent().list_knowledge_base_documents(**self._place, maxResults=MAX_LISTED, **token)
            yield from (_custom(detail) for detail in page["documentDetails"] if detail["status"] not in LEAVING)
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _agent(self) -> Any:
        if self._given_agent is None:
            self._given_agent = aws_client("bedrock-agent", read_seconds=READ_SECONDS, attempts=ATTEMPTS)
        return self._given_agent

    def _runtime(self) -> Any:
        if self._given_runtime is None:
            self._given_runtime = aws_client("bedrock-agent-runtime", read_seconds=SEARCH_SECONDS, attempts=2)
        return self._given_runtime

    def __str__(self) -> str:
        return f"the knowledge base {self._knowledge_base_id}"


def _pages(passages: Sequence[Passage]) -> Iterator[_PageText]:
    for page, group in groupby(enumerate(passages), lambda numbered: numbered[1].page):
        numbered = list(group)
        if any(passage.text for _, passage in numbered):  # the service takes no empty text
            yield _PageText(page, numbered[0][0], tuple(passage for _, passage in numbered))


def _identifier(volume: IndexedDocument, page: _PageText) -> str:
    return f"{stem(volume.document.name, volume.version)}{page.page}-{page.first}"


def _document(volume: IndexedDocument, page: _PageText) -> dict[str, Any]:
    """A page as the service takes it. actions: the numbers of its countermeasures, which `action` says it has."""
    actions = [str(page.first + at) for at, passage in enumerate(page.passages) if passage.action]
    attributes: dict[str, str | int | bool] = {
        "document": volume.document.name, "version": volume.version, "page": page.page, "first": page.first,
        "last": page.first + len(page.passages) - 1, "action": bool(actions)}
    if actions:
        attributes["actions"] = ",".join(actions)
    text = "\n\n".join(passage.text for passage in page.passages)[:PAGE_CHARACTERS]
    return {
        "metadata": {"type": "IN_LINE_ATTRIBUTE",
                     "inlineAttributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()]},
        "content": {"dataSourceType": "CUSTOM", "custom": {
            "customDocumentIdentifier": {"id": _identifier(volume, page)}, "sourceType": "IN_LINE",
            "inlineContent": {"type": "TEXT", "textContent": {"data": text}}}}}


def _value(value: str | int | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "booleanValue": value}
    if isinstance(value, int):
        return {"type": "NUMBER", "numberValue": value}
    return {"type": "STRING", "stringValue": value}


def _named(identifiers: Iterable[str]) -> list[dict[str, Any]]:
    return [{"dataSourceType": "CUSTOM", "custom": {"id": identifier}} for identifier in identifiers]


def _custom(detail: Mapping[str, Any]) -> str:
    return str(detail["identifier"].get("custom", {}).get("id", ""))


def _check(name: str, details: Iterable[Mapping[str, Any]]) -> None:
    """KnowledgeError where a page failed, with the service's reason."""
    for detail in details:
        if detail["status"] in FAILED:
            reason = detail.get("statusReason") or "no reason given"
            raise KnowledgeError(f"a page of {name} is {detail['status']} in the knowledge base: {reason}")


def _keys(metadata: Any, action_only: bool) -> list[PassageId]:
    """The passages of a page that was found; none for what another data source put into the knowledge base.
    Numbers come back as floats."""
    try:
        name, version = str(metadata["document"]), str(metadata["version"])
        first, last = int(metadata["first"]), int(metadata["last"])
        wanted = {int(number) for number in metadata["actions"].split(",")} if action_only else None
    except (TypeError, ValueError, OverflowError, AttributeError, LookupError):
        return []
    return [PassageId(name, version, number) for number in range(first, min(last, first + MAX_PASSAGES) + 1)
            if wanted is None or number in wanted]
