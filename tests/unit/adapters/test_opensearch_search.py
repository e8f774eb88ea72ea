"""Passages are indexed, found by words and by meaning, replaced and removed in OpenSearch Serverless."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from opensearch_collection import HOST, Collection
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth
from sample_indexed_documents import ODD_NAMES, vector, volume

from shotwise.adapters.aws.opensearch_search import OpenSearchPassageSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

BUSY = {"error": {"type": "circuit", "reason": "slow down", "root_cause": [{"reason": "slow down"}]}}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_passage_is_found_again_by_words_and_by_meaning(collection: Collection, name: str) -> None:
    """Both rankings give the same kind of key; other documents come later or not at all."""
    collection.searcher.put(volume("용탕 온도", "이형제 분사", name=name), [vector(0), vector(80)])
    by_meaning, by_words = collection.searcher.rankings(Query("이형제", vector(70)), 10)
    assert by_meaning == [PassageId(name, "v1", 1), PassageId(name, "v1", 0)] and by_words == [PassageId(name, "v1", 1)]
    [source, _] = collection.store.visible.values()
    assert source == {"document": name, "version": "v1", "number": 0, "page": 1, "action": False, "headings": "기포",
                      "text": "용탕 온도\n- 용탕 온도", "embedding": list(vector(0))}


def test_a_passage_is_found_by_the_questions_that_it_answers(collection: Collection) -> None:
    """Those of the whole first, then line by line; its text has none of them, and other passages lack the field."""
    collection.searcher.put(volume("용탕 온도", "이형제 분사", questions={
        (0, 2): ("왜 굳나요?",), (0, 1): ("얼마나 뜨겁나요?", "몇 도인가요?"), (0, 0): ("무엇을 보나요?",)}),
        [vector(0), vector(80)])
    assert collection.search("뜨겁나요?") == collection.search("굳나요? 보나요?") == [[0]]
    assert collection.search("뜨겁나요?", 80) == [[1, 0], [0]]
    asked, other = collection.store.visible.values()
    assert asked["questions"] == "무엇을 보나요?\n얼마나 뜨겁나요?\n몇 도인가요?\n왜 굳나요?"
    assert asked["text"] == "용탕 온도\n- 용탕 온도" and "questions" not in other


def test_headings_count_twice(collection: Collection) -> None:
    """And the query is asked of all three fields."""
    collection.searcher.put(volume("a"), [vector(0)])
    collection.search("기포")
    [found] = [json.loads(body) for _, path, body in collection.store.asked if b"multi_match" in body]
    assert found == {"query": {"bool": {"filter": [], "must": [{"multi_match": {
        "query": "기포", "type": "most_fields", "fields": ["headings^2", "text", "questions"]}}]}}, "size": 10,
        "_source": ["document", "version", "number"]}


def test_countermeasures_alone_where_they_alone_are_wanted(collection: Collection) -> None:
    """The filter is part of both searches, so neither is cut short by other passages."""
    collection.searcher.put(volume("온도 a", "온도 b", "온도 c", actions=[1]), [vector(0), vector(1), vector(2)])
    assert collection.search("온도", 0) == [[0, 1, 2], [0, 1, 2]]
    assert collection.search("온도", 0, action_only=True) == [[1], [1]]


def test_without_vectors_there_is_one_ranking(collection: Collection, bare: Collection) -> None:
    """Of the query, or of the index."""
    collection.searcher.put(volume("온도"), [vector(0)])
    assert collection.search("온도") == [[0]] and collection.searcher.needs_vectors and collection.searcher.lexical
    words = collection.another(0)
    assert not words.needs_vectors and words.lexical
    words.put(volume("온도 둘", version="v2"), [])
    assert len(words.rankings(Query("온도", vector(0)), 10)) == 1 and words.rankings(Query("온도"), 0) == []


def test_a_long_question_is_cut(collection: Collection) -> None:
    """A query may have so many terms only."""
    collection.search("온" * 600)
    assert "온" * 330 + '"' in json.dumps(json.loads(collection.store.asked[-1][2]), ensure_ascii=False)


def test_putting_twice_leaves_it_there_once(collection: Collection) -> None:
    """The same version is removed first, and what is still seen of it is not taken for the new one."""
    for _ in range(2):
        collection.searcher.put(volume("a", "b"), [vector(0), vector(1)])
        assert collection.store.visible == collection.store.written
    assert collection.there() == [("guide.pdf", "v1", 0), ("guide.pdf", "v1", 1)]


def test_put_waits_until_all_can_be_found(collection: Collection) -> None:
    """The refresh comes with the third pause here."""
    collection.searcher.put(volume("a", "b"), [vector(0), vector(1)])
    assert collection.pauses == [5, 5, 5] and collection.search("a", 0)[0] == [0, 1]


def test_put_waits_for_so_long_only(collection: Collection) -> None:
    """Three minutes, then it says so."""
    collection.store.refresh = lambda _=0: None  # type: ignore[method-assign]
    with pytest.raises(KnowledgeError, match="did not show all 1 passages of guide.pdf within 180 s"):
        collection.searcher.put(volume("a"), [vector(0)])
    assert sum(collection.pauses) == 180


def test_a_document_without_passages_is_put(collection: Collection) -> None:
    """There is nothing to write and nothing to wait for."""
    collection.searcher.put(volume(), [])
    assert collection.pauses == [] and not any(path.endswith("_bulk") for _, path, _ in collection.store.asked)


def test_keep_only_removes_the_other_versions_of_this_document(collection: Collection) -> None:
    """Without waiting until nobody finds them."""
    for name in ("guide.pdf", "guide"):
        for version in ("v1", "v10"):
            collection.searcher.put(volume("a", "b", name=name, version=version), [vector(0), vector(1)])
    collection.pauses.clear()
    collection.searcher.keep_only("guide.pdf", "v1")
    assert collection.there() == [("guide", "v1", 0), ("guide", "v1", 1), ("guide", "v10", 0), ("guide", "v10", 1),
                                  ("guide.pdf", "v1", 0), ("guide.pdf", "v1", 1)]
    collection.searcher.keep_only("guide.pdf", None)
    collection.searcher.keep_only("never.pdf", None)
    assert len(collection.there()) == 4 and collection.pauses == []


def test_many_passages_go_in_several_requests(collection: Collection) -> None:
    """100 a write, 1,000 a removal."""
    collection.searcher.put(volume(*["a"] * 2001), [vector(0)] * 2001)
    lines = [body.count(b"\n") for _, path, body in collection.store.asked if path.endswith("_bulk")]
    assert lines == [200] * 20 + [2]
    collection.store.asked.clear()
    collection.searcher.keep_only("guide.pdf", None)
    lines = [body.count(b"\n") for _, path, body in collection.store.asked if path.endswith("_bulk")]
    assert lines == [1000, 1000, 1] and collection.there() == []


def test_a_passage_that_is_there_twice_is_ranked_once(collection: Collection) -> None:
    """Where two processes put it at once."""
    collection.searcher.put(volume("a"), [vector(0)])
    collection.store.written["copy"] = next(iter(collection.store.written.values()))
    collection.store.refresh()
    assert collection.search("a", 0) == [[0], [0]]


@pytest.mark.parametrize("vectors", [[], [vector(0)], [vector(0), vector(0, 5)]])
def test_there_has_to_be_a_vector_of_the_right_size_a_passage(collection: Collection, vectors: list[Any]) -> None:
    """Otherwise nothing is asked."""
    with pytest.raises(KnowledgeError, match="guide.pdf: there has to be a vector of 4 dimensions a passage"):
        collection.searcher.put(volume("a", "b"), vectors)
    assert collection.store.asked == []


def test_a_passage_that_is_refused_fails_the_document(collection: Collection) -> None:
    """The index has other dimensions than the setting says."""
    with pytest.raises(KnowledgeError, match="did not take guide.pdf: 400 .*Vector dimension mismatch"):
        collection.another(5).put(volume("a"), [vector(0, 5)])


CALLS = [lambda searcher: searcher.put(volume("a"), [vector(0)]), lambda searcher: searcher.keep_only("a", None),
         lambda searcher: searcher.rankings(Query("a"), 5)]


def test_the_first_put_creates_the_index(bare: Collection) -> None:
    """What is put into a collection without the index is found in it."""
    bare.searcher.put(volume("a"), [vector(0)])
    assert bare.searcher.rankings(Query("a", tuple(vector(0))), 5)[0]


@pytest.mark.parametrize("call", CALLS[1:])
def test_a_missing_index_is_a_knowledge_error(bare: Collection, call: Any) -> None:
    """It says how to get one."""
    with pytest.raises(KnowledgeError, match="404.*no such index.*created by the first ingest"):
        call(bare.searcher)


@pytest.mark.parametrize("call", [*CALLS, lambda searcher: searcher.ensure_index()])
def test_a_refusal_is_a_knowledge_error(collection: Collection, call: Any) -> None:
    """403 says where to look: it comes from two policies."""
    collection.store.failing = [("", (403, {"error": "no"}))]
    with pytest.raises(KnowledgeError, match=f"passages at {HOST} .*403.*data access policy"):
        call(collection.searcher)
    assert collection.pauses == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collection_is_asked_again(collection: Collection, status: int) -> None:
    """Twice, after pauses; then it is a KnowledgeError."""
    collection.store.failing = [("_search", (status, BUSY))] * 2
    assert collection.search("a") == [[]] and collection.pauses == [1, 2]
    collection.store.failing = [("_search", (status, BUSY))] * 3
    with pytest.raises(KnowledgeError, match=f"{status}.*slow down"):
        collection.search("a")


def test_a_write_is_tried_again_only_where_it_was_turned_away(collection: Collection) -> None:
    """After an answer that was lost on the way it would be there twice."""
    collection.store.failing = [("_bulk", (429, BUSY))]
    collection.searcher.put(volume("a"), [vector(0)])
    assert collection.there() == [("guide.pdf", "v1", 0)]
    collection.store.failing = [("_bulk", (504, BUSY))]
    with pytest.raises(KnowledgeError, match="did not take b.pdf: .*504"):
        collection.searcher.put(volume("a", name="b.pdf"), [vector(0)])


@pytest.mark.parametrize("answer", [[], {}, "text", None])
def test_an_answer_of_another_form_is_a_knowledge_error(collection: Collection, answer: Any) -> None:
    """From something that is no OpenSearch."""
    collection.store.failing = [("_search", (200, answer))]
    with pytest.raises(KnowledgeError, match="did not answer a search with hits"):
        collection.search("a")


def test_what_others_put_into_the_index_is_passed_over(collection: Collection) -> None:
    """A hit without our fields."""
    collection.store.failing = [("_search", (200, {"hits": {"hits": [{"_id": "1"}, {"_id": "2", "_source": {}}]}}))]
    assert collection.search("a") == [[]]


def test_a_collection_that_is_not_there_or_silent_is_a_knowledge_error() -> None:
    """A refused connection and a time-out."""
    client = OpenSearch(hosts=["http://127.0.0.1:9"], max_retries=0)
    with pytest.raises(KnowledgeError, match="did not answer: ConnectionError"):
        OpenSearchPassageSearch(HOST, "passages", "us-east-1", 0, client).rankings(Query("a"), 5)


def test_a_slow_collection_is_a_knowledge_error(collection: Collection) -> None:
    """Its time-out is not tried again: the question has waited long enough."""
    answer = collection.store.answer
    collection.store.answer = lambda *asked: (time.sleep(0.5), answer(*asked))[1]  # type: ignore[method-assign]
    slow = OpenSearchPassageSearch(HOST, "passages", "us-east-1", 0,
                              OpenSearch(hosts=[collection.address], max_retries=0, timeout=0.1))
    with pytest.raises(KnowledgeError, match="ConnectionTimeout"):
        slow.rankings(Query("a"), 5)


def test_requests_are_signed_for_serverless(collection: Collection) -> None:
    """Service aoss, with the hash of the body, without which it answers 403."""
    auth = Urllib3AWSV4SignerAuth(boto3.Session().get_credentials(), "us-east-1", "aoss")
    collection.another(0, http_auth=auth).rankings(Query("a"), 5)
    headers = collection.store.headers[-1]
    assert "/us-east-1/aoss/aws4_request" in headers["authorization"]
    assert len(headers["x-amz-content-sha256"]) == 64 and headers["content-encoding"] is None


@pytest.mark.parametrize(("absent", "said"), [
    (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "needs AWS credentials"),
    (["AWS_DEFAULT_REGION", "AWS_REGION"], "needs an AWS region")])
def test_without_credentials_or_region_it_says_so(monkeypatch: pytest.MonkeyPatch, absent: list[str],
                                                  said: str) -> None:
    """Before anything is sent; the host may come as the stack gives it, with https://."""
    for name in absent:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(KnowledgeError, match=f"the OpenSearch index passages at {HOST} {said}"):
        OpenSearchPassageSearch(f"https://{HOST}/", "passages", "", 0).rankings(Query("a"), 5)
