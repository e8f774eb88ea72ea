"""Pages are fed to a knowledge base, waited for, found and removed, as its model wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from sample_indexed_documents import ODD_NAMES, volume

from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

PLACE = {"knowledgeBaseId": "KB12345678", "dataSourceId": "DS12345678"}


class Base:
    """A searcher whose two clients answer what the test says, and check requests against the service's models."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        agent, runtime = aws("bedrock-agent"), aws("bedrock-agent-runtime")
        self.agent, self.runtime = Stubber(agent), Stubber(runtime)
        self.pauses: list[float] = []
        self.searcher = KnowledgeBaseSearch(PLACE["knowledgeBaseId"], PLACE["dataSourceId"], agent, runtime,
                                              sleep=self.pauses.append)

    def ingest(self, documents: Any, *statuses: str) -> None:
        """Expect pages to be fed."""
        self.agent.add_response("ingest_knowledge_base_documents", details(*((s, "x") for s in statuses)),
                                {**PLACE, "documents": documents})

    def get(self, asked: list[str], *states: tuple[str, str]) -> None:
        """Expect to be asked how pages stand."""
        self.agent.add_response("get_knowledge_base_documents", details(*states),
                                {**PLACE, "documentIdentifiers": named(asked)})


def named(identifiers: list[str]) -> list[dict[str, Any]]:
    """Identifiers as the service takes them."""
    return [{"dataSourceType": "CUSTOM", "custom": {"id": identifier}} for identifier in identifiers]


def details(*states: tuple[str, str]) -> dict[str, Any]:
    """Status and identifier of documents, as the service gives them."""
    return {"documentDetails": [{**PLACE, "status": status, "statusReason": "a reason", "identifier": {
        "dataSourceType": "CUSTOM", "custom": {"id": identifier}}} for status, identifier in states]}


@pytest.fixture
def base(aws: Callable[[str], Any]) -> Iterator[Base]:
    """Both clients stubbed; everything expected has to be asked."""
    found = Base(aws)
    with found.agent, found.runtime:
        yield found
        found.agent.assert_no_pending_responses()
        found.runtime.assert_no_pending_responses()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_page_is_fed_with_what_finds_its_passages_again(base: Base, name: str) -> None:
    """Text, page, first and last passage, and which of them are countermeasures."""
    page1, page3 = key_prefix(name, "v1") + "1-0", key_prefix(name, "v1") + "3-2"
    fed: list[dict[str, Any]] = [
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
    base.ingest(fed, "STARTING", "STARTING")
    base.get([page1, page3], ("INDEXED", page1), ("INDEXED", page3))
    base.searcher.put(volume("a", "b", "c", name=name, pages=[1, 1, 3], actions=[1]), [])
    assert base.pauses == []


def test_put_waits_for_every_page(base: Base) -> None:
    """Ten pages a request; what is indexed is not asked for again."""
    ids = sorted(f"{key_prefix('guide.pdf', 'v1')}{page}-{page - 1}" for page in range(1, 13))
    base.ingest(ANY, *["STARTING"] * 10)
    base.ingest(ANY, "PENDING", "PENDING")
    base.get(ids[:10], *[("INDEXED", one) for one in ids[:9]], ("IN_PROGRESS", ids[9]))
    base.get(ids[10:], ("NOT_FOUND", ids[10]), ("INDEXED", ids[11]))
    base.get([ids[9], ids[10]], ("INDEXED", ids[9]), ("PENDING", ids[10]))
    base.get([ids[10]], ("INDEXED", ids[10]))
    base.searcher.put(volume(*"abcdefghijkl"), [])
    assert base.pauses == [5, 5]


def test_put_waits_for_so_long_only(base: Base) -> None:
    """Ten minutes, then it says so."""
    page = key_prefix("guide.pdf", "v1") + "1-0"
    base.ingest(ANY, "STARTING")
    for _ in range(121):
        base.get([page], ("IN_PROGRESS", page))
    with pytest.raises(KnowledgeError, match="KB12345678 did not index guide.pdf within 600 s"):
        base.searcher.put(volume("a"), [])
    assert sum(base.pauses) == 600


@pytest.mark.parametrize("status", ["FAILED", "IGNORED", "PARTIALLY_INDEXED", "METADATA_UPDATE_FAILED",
                                    "METADATA_PARTIALLY_INDEXED"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_page_that_fails_fails_the_document(base: Base, status: str, at_once: bool) -> None:
    """With the service's reason, whether it says so at once or later."""
    page = key_prefix("guide.pdf", "v1") + "1-0"
    base.ingest(ANY, status if at_once else "STARTING")
    if not at_once:
        base.get([page], (status, page))
    with pytest.raises(KnowledgeError, match=f"a page of guide.pdf is {status} in the knowledge base: a reason"):
        base.searcher.put(volume("a"), [])


def test_a_document_without_passages_feeds_nothing(base: Base) -> None:
    """Nor asks for anything."""
    base.searcher.put(volume(), [])


def test_keep_only_removes_the_other_versions_of_this_document(base: Base) -> None:
    """Over several pages of the listing, ten a request; what is leaving already is left alone."""
    old = [f"{key_prefix('guide.pdf', 'v1')}{page}-0" for page in range(12)]
    others = [key_prefix("guide.pdf", "v1-2") + "1-0", key_prefix("guide.pdf", "v2") + "1-0", key_prefix("b.pdf", "v1") + "1-0"]
    listed = [("INDEXED", one) for one in [*others[1:], *old[:11]]], [
        ("FAILED", old[11]), ("DELETING", others[0]), ("INDEXED", "foreign")]
    base.agent.add_response("list_knowledge_base_documents", {**details(*listed[0]), "nextToken": "more"},
                            {**PLACE, "maxResults": 1000})
    base.agent.add_response("list_knowledge_base_documents", details(*listed[1]),
                            {**PLACE, "maxResults": 1000, "nextToken": "more"})
    for batch in (old[:10], old[10:]):
        base.agent.add_response("delete_knowledge_base_documents", details(*(("DELETING", one) for one in batch)),
                                {**PLACE, "documentIdentifiers": named(batch)})
    base.searcher.keep_only("guide.pdf", "v2")


def test_keep_only_none_removes_every_version(base: Base) -> None:
    """And says where the service does not."""
    one = key_prefix("guide.pdf", "v1") + "1-0"
    base.agent.add_response("list_knowledge_base_documents", details(("INDEXED", one)), {**PLACE, "maxResults": 1000})
    base.agent.add_response("delete_knowledge_base_documents", details(("FAILED", one)),
                            {**PLACE, "documentIdentifiers": named([one])})
    with pytest.raises(KnowledgeError, match="FAILED"):
        base.searcher.keep_only("guide.pdf", None)


def result(first: Any = 0.0, last: Any = 0.0, **more: Any) -> dict[str, Any]:
    """A page as the service gives it; numbers come as floats."""
    return {"content": {"text": "기포"}, "metadata": {"document": "한글 이름.pdf", "version": "v1", "page": 3.0,
                                                    "first": first, "last": last, **more}}


def expect(base: Base, results: list[dict[str, Any]], **search: Any) -> None:
    """Expect a search."""
    base.runtime.add_response("retrieve", {"retrievalResults": results}, {
        "knowledgeBaseId": PLACE["knowledgeBaseId"], "retrievalQuery": {"text": "기포는 왜"},
        "retrievalConfiguration": {"vectorSearchConfiguration": search}})


def test_a_page_that_is_found_gives_its_passages_in_order(base: Base) -> None:
    """A page twice counts once; what another data source put there is passed over; the limit is one of passages."""
    foreign = [{"content": {"text": "x"}}, {"content": {"text": "x"}, "metadata": {"document": "x"}},
               result("a", "b"), result(float("inf"), 2.0), result(5.0, 4.0)]
    expect(base, [result(4.0, 6.0), *foreign, result(5.0, 8.0), result(0.0, 1.0)], numberOfResults=6)
    assert base.searcher.rankings(Query(" 기포는 왜\n"), 6) == [
        [PassageId("한글 이름.pdf", "v1", number) for number in (4, 5, 6, 7, 8, 0)]]


def test_only_the_countermeasures_of_a_page_where_they_alone_are_wanted(base: Base) -> None:
    """The service finds pages that have some; their other passages are left out."""
    expect(base, [result(4.0, 9.0, action=True, actions="4,7"), result(0.0, 2.0), result(11.0, 12.0, actions="12")],
           numberOfResults=100, filter={"equals": {"key": "action", "value": True}})
    assert base.searcher.rankings(Query("기포는 왜"), 500, action_only=True) == [
        [PassageId("한글 이름.pdf", "v1", number) for number in (4, 7, 12)]]


@pytest.mark.parametrize(("text", "limit"), [("", 5), (" \n", 5), ("a", 0)])
def test_nothing_is_asked_for_nothing(base: Base, text: str, limit: int) -> None:
    """The service would refuse an empty question."""
    assert base.searcher.rankings(Query(text), limit) == []
    assert not base.searcher.needs_vectors and not base.searcher.lexical


def test_a_long_question_is_cut(base: Base) -> None:
    """To what the service embeds."""
    base.runtime.add_response("retrieve", {"retrievalResults": []}, {
        "knowledgeBaseId": PLACE["knowledgeBaseId"], "retrievalQuery": {"text": "가" * 8000},
        "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 5}}})
    assert base.searcher.rankings(Query("가" * 9000), 5) == [[]]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceNotFoundException",
                                  "ValidationException"])
@pytest.mark.parametrize(("client", "operation", "call"), [
    ("agent", "ingest_knowledge_base_documents", lambda searcher: searcher.put(volume("a"), [])),
    ("agent", "list_knowledge_base_documents", lambda searcher: searcher.keep_only("a", None)),
    ("runtime", "retrieve", lambda searcher: searcher.rankings(Query("a"), 5))])
def test_what_the_service_refuses_is_a_knowledge_error(base: Base, code: str, client: str, operation: str,
                                                       call: Any) -> None:
    """It names the knowledge base and what the service said."""
    getattr(base, client).add_client_error(operation, code, "no")
    with pytest.raises(KnowledgeError, match=f"the knowledge base KB12345678 .*{code}"):
        call(base.searcher)


@pytest.mark.parametrize("operation", ["get_knowledge_base_documents", "delete_knowledge_base_documents"])
def test_a_refusal_in_mid_work_is_a_knowledge_error(base: Base, operation: str) -> None:
    """While it waits or removes."""
    if operation.startswith("get"):
        base.ingest(ANY, "STARTING")
    else:
        base.agent.add_response("list_knowledge_base_documents", details(("INDEXED", key_prefix("guide.pdf") + "x")))
    base.agent.add_client_error(operation, "ThrottlingException")
    with pytest.raises(KnowledgeError, match="guide.pdf.*ThrottlingException"):
        if operation.startswith("get"):
            base.searcher.put(volume("a"), [])
        else:
            base.searcher.keep_only("guide.pdf", None)
