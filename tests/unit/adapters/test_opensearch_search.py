"""Passages are indexed, found by words and by meaning, replaced and removed in OpenSearch Serverless."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from opensearch_collection import HOST, Collection
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth
from sample_indexed_documents import ODD_NAMES, make_document, vector

from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

BUSY = {"error": {"type": "circuit", "reason": "slow down", "root_cause": [{"reason": "slow down"}]}}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_passage_is_found_again_by_words_and_by_meaning(collection: Collection, name: str) -> None:
    """Both rankings give ids of passages; farther passages come later or not at all."""
    collection.passage_search.put(make_document("용탕 온도", "이형제 분사", name=name), [vector(0), vector(80)])
    by_meaning, by_words = collection.passage_search.rankings(Query("이형제", vector(70)), 10)
    assert by_meaning == [PassageId(name, "v1", 1), PassageId(name, "v1", 0)] and by_words == [PassageId(name, "v1", 1)]
    [source, _] = collection.store.visible.values()
    assert source == {"document": name, "version": "v1", "number": 0, "page": 1, "action": False, "headings": "기포",
                      "text": "용탕 온도\n- 용탕 온도", "embedding": list(vector(0))}


def test_a_passage_is_found_by_the_questions_that_it_answers(collection: Collection) -> None:
    """Questions are stored beside the text, those of the whole passage first; other passages lack the field."""
    collection.passage_search.put(make_document("용탕 온도", "이형제 분사", questions={
        (0, 2): ("왜 굳나요?",), (0, 1): ("얼마나 뜨겁나요?", "몇 도인가요?"), (0, 0): ("무엇을 보나요?",)}),
        [vector(0), vector(80)])
    assert collection.search("뜨겁나요?") == collection.search("굳나요? 보나요?") == [[0]]
    assert collection.search("뜨겁나요?", 80) == [[1, 0], [0]]
    with_questions, without = collection.store.visible.values()
    assert with_questions["questions"] == "무엇을 보나요?\n얼마나 뜨겁나요?\n몇 도인가요?\n왜 굳나요?"
    assert with_questions["text"] == "용탕 온도\n- 용탕 온도" and "questions" not in without


def test_headings_count_twice(collection: Collection) -> None:
    """A query searches headings, text and questions, and headings count twice."""
    collection.passage_search.put(make_document("a"), [vector(0)])
    collection.search("기포")
    [search] = [json.loads(body) for _, path, body in collection.store.requests if b"multi_match" in body]
    assert search == {"query": {"bool": {"filter": [], "must": [{"multi_match": {
        "query": "기포", "type": "most_fields", "fields": ["headings^2", "text", "questions"]}}]}}, "size": 10,
        "_source": ["document", "version", "number"]}


def test_action_only_finds_countermeasures_alone(collection: Collection) -> None:
    """The filter is part of both searches, so other passages take no place in either."""
    document = make_document("온도 a", "온도 b", "온도 c", actions=[1])
    collection.passage_search.put(document, [vector(0), vector(1), vector(2)])
    assert collection.search("온도", 0) == [[0, 1, 2], [0, 1, 2]]
    assert collection.search("온도", 0, action_only=True) == [[1], [1]]


def test_without_vectors_there_is_one_ranking(collection: Collection, empty_collection: Collection) -> None:
    """A query or an index without vectors is searched by words alone."""
    collection.passage_search.put(make_document("온도"), [vector(0)])
    assert collection.search("온도") == [[0]]
    assert collection.passage_search.needs_vectors and collection.passage_search.lexical
    by_words = collection.open_search(0)
    assert not by_words.needs_vectors and by_words.lexical
    by_words.put(make_document("온도 둘", version="v2"), [])
    assert len(by_words.rankings(Query("온도", vector(0)), 10)) == 1 and by_words.rankings(Query("온도"), 0) == []


def test_a_long_question_is_cut(collection: Collection) -> None:
    """A question is cut to the terms that a query may have."""
    collection.search("온" * 600)
    assert "온" * 330 + '"' in json.dumps(json.loads(collection.store.requests[-1][2]), ensure_ascii=False)


def test_putting_twice_leaves_it_there_once(collection: Collection) -> None:
    """The same version is removed first, and what is still visible of it is not taken for the new one."""
    for _ in range(2):
        collection.passage_search.put(make_document("a", "b"), [vector(0), vector(1)])
        assert collection.store.visible == collection.store.written
    assert collection.visible_passages() == [("guide.pdf", "v1", 0), ("guide.pdf", "v1", 1)]


def test_put_waits_until_all_can_be_found(collection: Collection) -> None:
    """Putting returns after the pause in which the passages become visible."""
    collection.passage_search.put(make_document("a", "b"), [vector(0), vector(1)])
    assert collection.pauses == [5, 5, 5] and collection.search("a", 0)[0] == [0, 1]


def test_put_gives_up_waiting(collection: Collection) -> None:
    """After three minutes of pauses it is a KnowledgeError."""
    collection.store.refresh = lambda _=0: None  # type: ignore[method-assign]
    with pytest.raises(KnowledgeError, match="did not show all 1 passages of guide.pdf within 180 s"):
        collection.passage_search.put(make_document("a"), [vector(0)])
    assert sum(collection.pauses) == 180


def test_a_document_without_passages_is_put(collection: Collection) -> None:
    """A document without passages writes nothing and waits for nothing."""
    collection.passage_search.put(make_document(), [])
    assert collection.pauses == [] and not any(path.endswith("_bulk") for _, path, _ in collection.store.requests)


def test_keep_only_removes_the_other_versions_of_this_document(collection: Collection) -> None:
    """Other versions of this document are removed, other documents stay, and nothing is waited for."""
    for name in ("guide.pdf", "guide"):
        for version in ("v1", "v10"):
            collection.passage_search.put(make_document("a", "b", name=name, version=version), [vector(0), vector(1)])
    collection.pauses.clear()
    collection.passage_search.keep_only("guide.pdf", "v1")
    assert collection.visible_passages() == [
        ("guide", "v1", 0), ("guide", "v1", 1), ("guide", "v10", 0), ("guide", "v10", 1),
        ("guide.pdf", "v1", 0), ("guide.pdf", "v1", 1)]
    collection.passage_search.keep_only("guide.pdf", None)
    collection.passage_search.keep_only("never.pdf", None)
    assert len(collection.visible_passages()) == 4 and collection.pauses == []


def test_many_passages_go_in_several_requests(collection: Collection) -> None:
    """A request writes up to 100 passages and removes up to 1,000."""
    collection.passage_search.put(make_document(*["a"] * 2001), [vector(0)] * 2001)
    lines = [body.count(b"\n") for _, path, body in collection.store.requests if path.endswith("_bulk")]
    assert lines == [200] * 20 + [2]
    collection.store.requests.clear()
    collection.passage_search.keep_only("guide.pdf", None)
    lines = [body.count(b"\n") for _, path, body in collection.store.requests if path.endswith("_bulk")]
    assert lines == [1000, 1000, 1] and collection.visible_passages() == []


def test_a_passage_that_is_there_twice_is_ranked_once(collection: Collection) -> None:
    """A passage that two processes put at once is in each ranking once."""
    collection.passage_search.put(make_document("a"), [vector(0)])
    collection.store.written["copy"] = next(iter(collection.store.written.values()))
    collection.store.refresh()
    assert collection.search("a", 0) == [[0], [0]]


@pytest.mark.parametrize("vectors", [[], [vector(0)], [vector(0), vector(0, 5)]])
def test_there_has_to_be_a_vector_of_the_right_size_a_passage(collection: Collection, vectors: list[Any]) -> None:
    """Vectors of another number or length are a KnowledgeError before any request."""
    with pytest.raises(KnowledgeError, match="guide.pdf: there has to be a vector of 4 dimensions a passage"):
        collection.passage_search.put(make_document("a", "b"), vectors)
    assert collection.store.requests == []


def test_a_passage_that_is_refused_fails_the_document(collection: Collection) -> None:
    """A passage that the index refuses is a KnowledgeError with the reason."""
    with pytest.raises(KnowledgeError, match="did not take guide.pdf: 400 .*Vector dimension mismatch"):
        collection.open_search(5).put(make_document("a"), [vector(0, 5)])


CALLS = [lambda passage_search: passage_search.put(make_document("a"), [vector(0)]),
         lambda passage_search: passage_search.keep_only("a", None),
         lambda passage_search: passage_search.rankings(Query("a"), 5)]


def test_the_first_put_creates_the_index(empty_collection: Collection) -> None:
    """A document that is put into a collection without an index is found in it."""
    empty_collection.passage_search.put(make_document("a"), [vector(0)])
    assert empty_collection.passage_search.rankings(Query("a", tuple(vector(0))), 5)[0]


@pytest.mark.parametrize("call", CALLS[1:])
def test_a_missing_index_is_a_knowledge_error(empty_collection: Collection, call: Any) -> None:
    """Searching without an index is a KnowledgeError that says how to create it."""
    with pytest.raises(KnowledgeError, match="404.*no such index.*created by the first ingest"):
        call(empty_collection.passage_search)


@pytest.mark.parametrize("call", [*CALLS, lambda passage_search: passage_search.ensure_index()])
def test_a_refusal_is_a_knowledge_error(collection: Collection, call: Any) -> None:
    """A 403 is not tried again, and the error names the two policies that it may come from."""
    collection.store.scripted = [("", (403, {"error": "no"}))]
    with pytest.raises(KnowledgeError, match=f"passages at {HOST} .*403.*data access policy"):
        call(collection.passage_search)
    assert collection.pauses == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collection_is_tried_again(collection: Collection, status: int) -> None:
    """A busy collection is tried twice more after pauses; then it is a KnowledgeError."""
    collection.store.scripted = [("_search", (status, BUSY))] * 2
    assert collection.search("a") == [[]] and collection.pauses == [1, 2]
    collection.store.scripted = [("_search", (status, BUSY))] * 3
    with pytest.raises(KnowledgeError, match=f"{status}.*slow down"):
        collection.search("a")


def test_a_write_is_tried_again_only_where_it_was_turned_away(collection: Collection) -> None:
    """A write whose answer may be lost is not repeated, because it would be there twice."""
    collection.store.scripted = [("_bulk", (429, BUSY))]
    collection.passage_search.put(make_document("a"), [vector(0)])
    assert collection.visible_passages() == [("guide.pdf", "v1", 0)]
    collection.store.scripted = [("_bulk", (504, BUSY))]
    with pytest.raises(KnowledgeError, match="did not take b.pdf: .*504"):
        collection.passage_search.put(make_document("a", name="b.pdf"), [vector(0)])


@pytest.mark.parametrize("content", [[], {}, "text", None])
def test_an_answer_of_another_form_is_a_knowledge_error(collection: Collection, content: Any) -> None:
    """A search that is answered without hits is a KnowledgeError."""
    collection.store.scripted = [("_search", (200, content))]
    with pytest.raises(KnowledgeError, match="did not answer a search with hits"):
        collection.search("a")


def test_what_others_put_into_the_index_is_ignored(collection: Collection) -> None:
    """A hit without our fields is not ranked."""
    collection.store.scripted = [("_search", (200, {"hits": {"hits": [{"_id": "1"}, {"_id": "2", "_source": {}}]}}))]
    assert collection.search("a") == [[]]


def test_a_collection_that_is_not_there_is_a_knowledge_error() -> None:
    """A refused connection is a KnowledgeError."""
    client = OpenSearch(hosts=["http://127.0.0.1:9"], max_retries=0)
    with pytest.raises(KnowledgeError, match="did not answer: ConnectionError"):
        OpenSearchPassageSearch(HOST, "passages", "us-east-1", 0, client).rankings(Query("a"), 5)


def test_a_slow_collection_is_a_knowledge_error(collection: Collection) -> None:
    """A request that takes too long is not tried again, because somebody is waiting."""
    answer = collection.store.answer
    collection.store.answer = lambda *request: (time.sleep(0.5), answer(*request))[1]  # type: ignore[method-assign]
    impatient = OpenSearchPassageSearch(HOST, "passages", "us-east-1", 0,
                                        OpenSearch(hosts=[collection.url], max_retries=0, timeout=0.1))
    with pytest.raises(KnowledgeError, match="ConnectionTimeout"):
        impatient.rankings(Query("a"), 5)


def test_requests_are_signed_for_serverless(collection: Collection) -> None:
    """Requests are signed for the service aoss, with a hash of the body, without which it answers 403."""
    auth = Urllib3AWSV4SignerAuth(boto3.Session().get_credentials(), "us-east-1", "aoss")
    collection.open_search(0, http_auth=auth).rankings(Query("a"), 5)
    headers = collection.store.headers[-1]
    assert "/us-east-1/aoss/aws4_request" in headers["authorization"]
    assert len(headers["x-amz-content-sha256"]) == 64 and headers["content-encoding"] is None


@pytest.mark.parametrize(("absent", "message"), [
    (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "needs AWS credentials"),
    (["AWS_DEFAULT_REGION", "AWS_REGION"], "needs an AWS region")])
def test_without_credentials_or_region_it_says_so(monkeypatch: pytest.MonkeyPatch, absent: list[str],
                                                  message: str) -> None:
    """Missing credentials or a missing region are named before anything is sent; the host may begin with https://."""
    for name in absent:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(KnowledgeError, match=f"the OpenSearch index passages at {HOST} {message}"):
        OpenSearchPassageSearch(f"https://{HOST}/", "passages", "", 0).rankings(Query("a"), 5)
