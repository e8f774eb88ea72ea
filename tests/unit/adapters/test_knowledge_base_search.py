"""Pages are fed to a knowledge base, waited for, found and removed; requests fit the service's model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from sample_indexed_documents import ODD_NAMES, make_document

from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

PLACE = {"knowledgeBaseId": "KB12345678", "dataSourceId": "DS12345678"}


class KnowledgeBase:
    """A passage search whose two clients give scripted answers and check requests against the services' models."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        agent, runtime = aws("bedrock-agent"), aws("bedrock-agent-runtime")
        self.agent, self.runtime = Stubber(agent), Stubber(runtime)
        self.pauses: list[float] = []
        self.passage_search = KnowledgeBaseSearch(PLACE["knowledgeBaseId"], PLACE["dataSourceId"], agent, runtime,
                                              sleep=self.pauses.append)

    def ingest(self, documents: Any, *statuses: str) -> None:
        """Expect pages to be fed."""
        self.agent.add_response("ingest_knowledge_base_documents", details(*((status, "x") for status in statuses)),
                                {**PLACE, "documents": documents})

    def get(self, identifiers: list[str], *states: tuple[str, str]) -> None:
        """Expect the status of pages to be asked for."""
        self.agent.add_response("get_knowledge_base_documents", details(*states),
                                {**PLACE, "documentIdentifiers": document_identifiers(identifiers)})


def document_identifiers(identifiers: list[str]) -> list[dict[str, Any]]:
    """Return identifiers as the service takes them."""
    return [{"dataSourceType": "CUSTOM", "custom": {"id": identifier}} for identifier in identifiers]


def details(*states: tuple[str, str]) -> dict[str, Any]:
    """Return status and identifier of documents as the service gives them."""
    return {"documentDetails": [{**PLACE, "status": status, "statusReason": "a reason", "identifier": {
        "dataSourceType": "CUSTOM", "custom": {"id": identifier}}} for status, identifier in states]}


@pytest.fixture
def knowledge_base(aws: Callable[[str], Any]) -> Iterator[KnowledgeBase]:
    """A knowledge base with stubbed clients; every request that is expected has to come."""
    knowledge_base = KnowledgeBase(aws)
    with knowledge_base.agent, knowledge_base.runtime:
        yield knowledge_base
        knowledge_base.agent.assert_no_pending_responses()
        knowledge_base.runtime.assert_no_pending_responses()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_page_is_fed_with_what_finds_its_passages_again(knowledge_base: KnowledgeBase, name: str) -> None:
    """A page brings its text, its number, its passages and which of them are countermeasures."""
    page1, page3 = key_prefix(name, "v1") + "1-0", key_prefix(name, "v1") + "3-2"
    documents: list[dict[str, Any]] = [
        {"metadata": {"type": "IN_LINE_ATTRIBUTE", "inlineAttributes": [
            {"key": "document", "value": {"type": "STRING", "stringValue": name}},
            {"key": "version", "value": {"type": "STRING", "stringValue": "v1"}},
            {"key": "page", "value": {"type": "NUMBER", "numberValue": page}},
            {"key": "first", "value": {"type": "NUMBER", "numberValue": first}},
            {"key": "last", "value": {"type": "NUMBER", "numberValue": last}},
            {"key": "action", "value": {"type": "BOOLEAN", "booleanValue": bool(actions)}},
            *([{"key": "actions", "value": {"type": "STRING", "stringValue": actions}}] if actions else [])]},
         "content": {"dataSourceType": "CUSTOM", "custom": {
             "customDocumentIdentifier": {"id": identifier}, "sourceType": "IN_LINE",
             "inlineContent": {"type": "TEXT", "textContent": {"data": text}}}}}
        for identifier, page, first, last, actions, text in (
            (page1, 1, 0, 1, "1", "기포\na\n- a\n\n기포\nb\n- b"), (page3, 3, 2, 2, "", "기포\nc\n- c"))]
    knowledge_base.ingest(documents, "STARTING", "STARTING")
    knowledge_base.get([page1, page3], ("INDEXED", page1), ("INDEXED", page3))
    knowledge_base.passage_search.put(make_document("a", "b", "c", name=name, pages=[1, 1, 3], actions=[1]), [])
    assert knowledge_base.pauses == []


def test_put_waits_for_every_page(knowledge_base: KnowledgeBase) -> None:
    """Pages go ten a request, and those that are indexed are not asked for again."""
    ids = sorted(f"{key_prefix('guide.pdf', 'v1')}{page}-{page - 1}" for page in range(1, 13))
    knowledge_base.ingest(ANY, *["STARTING"] * 10)
    knowledge_base.ingest(ANY, "PENDING", "PENDING")
    knowledge_base.get(ids[:10], *[("INDEXED", identifier) for identifier in ids[:9]], ("IN_PROGRESS", ids[9]))
    knowledge_base.get(ids[10:], ("NOT_FOUND", ids[10]), ("INDEXED", ids[11]))
    knowledge_base.get([ids[9], ids[10]], ("INDEXED", ids[9]), ("PENDING", ids[10]))
    knowledge_base.get([ids[10]], ("INDEXED", ids[10]))
    knowledge_base.passage_search.put(make_document(*"abcdefghijkl"), [])
    assert knowledge_base.pauses == [5, 5]


def test_put_gives_up_waiting(knowledge_base: KnowledgeBase) -> None:
    """After ten minutes of pauses it is a KnowledgeError."""
    page = key_prefix("guide.pdf", "v1") + "1-0"
    knowledge_base.ingest(ANY, "STARTING")
    for _ in range(121):
        knowledge_base.get([page], ("IN_PROGRESS", page))
    with pytest.raises(KnowledgeError, match="KB12345678 did not index guide.pdf within 600 s"):
        knowledge_base.passage_search.put(make_document("a"), [])
    assert sum(knowledge_base.pauses) == 600


@pytest.mark.parametrize("status", ["FAILED", "IGNORED", "PARTIALLY_INDEXED", "METADATA_UPDATE_FAILED",
                                    "METADATA_PARTIALLY_INDEXED"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_page_that_fails_fails_the_document(knowledge_base: KnowledgeBase, status: str, at_once: bool) -> None:
    """A page that fails is a KnowledgeError with the service's reason, at once or later."""
    page = key_prefix("guide.pdf", "v1") + "1-0"
    knowledge_base.ingest(ANY, status if at_once else "STARTING")
    if not at_once:
        knowledge_base.get([page], (status, page))
    with pytest.raises(KnowledgeError, match=f"a page of guide.pdf is {status} in the knowledge base: a reason"):
        knowledge_base.passage_search.put(make_document("a"), [])


def test_a_document_without_passages_feeds_nothing(knowledge_base: KnowledgeBase) -> None:
    """A document without passages sends no request."""
    knowledge_base.passage_search.put(make_document(), [])


def test_keep_only_removes_the_other_versions_of_this_document(knowledge_base: KnowledgeBase) -> None:
    """The listing is read to its end, ten pages are removed a request, and those that are leaving are left alone."""
    old = [f"{key_prefix('guide.pdf', 'v1')}{page}-0" for page in range(12)]
    others = [key_prefix(name, version) + "1-0"
              for name, version in (("guide.pdf", "v1-2"), ("guide.pdf", "v2"), ("b.pdf", "v1"))]
    listing = [("INDEXED", identifier) for identifier in [*others[1:], *old[:11]]], [
        ("FAILED", old[11]), ("DELETING", others[0]), ("INDEXED", "foreign")]
    knowledge_base.agent.add_response("list_knowledge_base_documents", {**details(*listing[0]), "nextToken": "more"},
                            {**PLACE, "maxResults": 1000})
    knowledge_base.agent.add_response("list_knowledge_base_documents", details(*listing[1]),
                            {**PLACE, "maxResults": 1000, "nextToken": "more"})
    for batch in (old[:10], old[10:]):
        knowledge_base.agent.add_response("delete_knowledge_base_documents",
                                          details(*(("DELETING", page) for page in batch)),
                                          {**PLACE, "documentIdentifiers": document_identifiers(batch)})
    knowledge_base.passage_search.keep_only("guide.pdf", "v2")


def test_keep_only_none_removes_every_version(knowledge_base: KnowledgeBase) -> None:
    """Without a version every page is removed; a page that the service does not remove is a KnowledgeError."""
    page = key_prefix("guide.pdf", "v1") + "1-0"
    knowledge_base.agent.add_response("list_knowledge_base_documents", details(("INDEXED", page)),
                                      {**PLACE, "maxResults": 1000})
    knowledge_base.agent.add_response("delete_knowledge_base_documents", details(("FAILED", page)),
                            {**PLACE, "documentIdentifiers": document_identifiers([page])})
    with pytest.raises(KnowledgeError, match="FAILED"):
        knowledge_base.passage_search.keep_only("guide.pdf", None)


def page_hit(first: Any = 0.0, last: Any = 0.0, **more: Any) -> dict[str, Any]:
    """Return a page as the service gives it; numbers come as floats."""
    return {"content": {"text": "기포"}, "metadata": {"document": "한글 이름.pdf", "version": "v1", "page": 3.0,
                                                    "first": first, "last": last, **more}}


def expect_search(knowledge_base: KnowledgeBase, hits: list[dict[str, Any]], **search: Any) -> None:
    """Expect a search."""
    knowledge_base.runtime.add_response("retrieve", {"retrievalResults": hits}, {
        "knowledgeBaseId": PLACE["knowledgeBaseId"], "retrievalQuery": {"text": "기포는 왜"},
        "retrievalConfiguration": {"vectorSearchConfiguration": search}})


def test_a_page_that_is_found_gives_its_passages_in_order(knowledge_base: KnowledgeBase) -> None:
    """A page twice counts once, pages of other data sources are ignored, and the limit counts passages."""
    foreign = [{"content": {"text": "x"}}, {"content": {"text": "x"}, "metadata": {"document": "x"}},
               page_hit("a", "b"), page_hit(float("inf"), 2.0), page_hit(5.0, 4.0)]
    expect_search(knowledge_base, [page_hit(4.0, 6.0), *foreign, page_hit(5.0, 8.0), page_hit(0.0, 1.0)],
                  numberOfResults=6)
    assert knowledge_base.passage_search.rankings(Query(" 기포는 왜\n"), 6) == [
        [PassageId("한글 이름.pdf", "v1", number) for number in (4, 5, 6, 7, 8, 0)]]


def test_action_only_finds_countermeasures_alone(knowledge_base: KnowledgeBase) -> None:
    """The service finds pages with countermeasures; other passages of those pages are left out."""
    hits = [page_hit(4.0, 9.0, action=True, actions="4,7"), page_hit(0.0, 2.0), page_hit(11.0, 12.0, actions="12")]
    expect_search(knowledge_base, hits,
                  numberOfResults=100, filter={"equals": {"key": "action", "value": True}})
    assert knowledge_base.passage_search.rankings(Query("기포는 왜"), 500, action_only=True) == [
        [PassageId("한글 이름.pdf", "v1", number) for number in (4, 7, 12)]]


@pytest.mark.parametrize(("text", "limit"), [("", 5), (" \n", 5), ("a", 0)])
def test_nothing_is_asked_for_nothing(knowledge_base: KnowledgeBase, text: str, limit: int) -> None:
    """An empty question, which the service would refuse, and a limit of none send no request."""
    assert knowledge_base.passage_search.rankings(Query(text), limit) == []
    assert not knowledge_base.passage_search.needs_vectors and not knowledge_base.passage_search.lexical


def test_a_long_question_is_cut(knowledge_base: KnowledgeBase) -> None:
    """A question is cut to the characters that the service embeds."""
    knowledge_base.runtime.add_response("retrieve", {"retrievalResults": []}, {
        "knowledgeBaseId": PLACE["knowledgeBaseId"], "retrievalQuery": {"text": "가" * 8000},
        "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 5}}})
    assert knowledge_base.passage_search.rankings(Query("가" * 9000), 5) == [[]]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceNotFoundException",
                                  "ValidationException"])
@pytest.mark.parametrize(("client", "operation", "call"), [
    ("agent", "ingest_knowledge_base_documents", lambda passage_search: passage_search.put(make_document("a"), [])),
    ("agent", "list_knowledge_base_documents", lambda passage_search: passage_search.keep_only("a", None)),
    ("runtime", "retrieve", lambda passage_search: passage_search.rankings(Query("a"), 5))])
def test_what_the_service_refuses_is_a_knowledge_error(knowledge_base: KnowledgeBase, code: str, client: str,
                                                       operation: str, call: Any) -> None:
    """The error names the knowledge base and the service's code."""
    getattr(knowledge_base, client).add_client_error(operation, code, "no")
    with pytest.raises(KnowledgeError, match=f"the knowledge base KB12345678 .*{code}"):
        call(knowledge_base.passage_search)


@pytest.mark.parametrize("operation", ["get_knowledge_base_documents", "delete_knowledge_base_documents"])
def test_a_refusal_in_mid_work_is_a_knowledge_error(knowledge_base: KnowledgeBase, operation: str) -> None:
    """An error while pages are waited for or removed is a KnowledgeError that names the document."""
    if operation.startswith("get"):
        knowledge_base.ingest(ANY, "STARTING")
    else:
        knowledge_base.agent.add_response("list_knowledge_base_documents",
                                          details(("INDEXED", key_prefix("guide.pdf") + "x")))
    knowledge_base.agent.add_client_error(operation, "ThrottlingException")
    with pytest.raises(KnowledgeError, match="guide.pdf.*ThrottlingException"):
        if operation.startswith("get"):
            knowledge_base.passage_search.put(make_document("a"), [])
        else:
            knowledge_base.passage_search.keep_only("guide.pdf", None)
