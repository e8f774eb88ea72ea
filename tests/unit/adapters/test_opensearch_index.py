"""The index in OpenSearch Serverless is created once, with what Korean needs, and gets what it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from opensearch_collection import HOST, Collection
from sample_indexed_documents import vector, volume

from shotwise.adapters.aws.opensearch_index import index_body
from shotwise.errors import KnowledgeError

WITHOUT_FIELDS = {"passages": {"mappings": {}}}


@pytest.fixture
def older(collection: Collection) -> Collection:
    """A collection whose index was made before passages came with questions."""
    assert collection.store.body
    del collection.store.body["mappings"]["properties"]["questions"]
    return collection


def test_the_index_analyses_korean_and_compares_unit_vectors() -> None:
    """The whole body, as it is sent."""
    analysed = {"type": "text", "analyzer": "korean"}
    assert index_body(1024, ["이형제", "용탕"]) == {
        "settings": {"index": {"knn": True, "analysis": {
            "tokenizer": {"korean": {"type": "nori_tokenizer", "decompound_mode": "mixed",
                                     "user_dictionary_rules": ["이형제", "용탕"]}},
            "analyzer": {"korean": {"type": "custom", "tokenizer": "korean",
                                    "filter": ["nori_part_of_speech", "lowercase"]}}}}},
        "mappings": {"dynamic": "strict", "properties": {
            "document": {"type": "keyword"}, "version": {"type": "keyword"}, "number": {"type": "integer"},
            "page": {"type": "integer"}, "action": {"type": "boolean"}, "headings": analysed, "text": analysed,
            "questions": analysed,
            "embedding": {"type": "knn_vector", "dimension": 1024,
                          "method": {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}}}}}


def test_the_index_has_no_vectors_where_there_is_no_embedder() -> None:
    """Nor does the dictionary take what it would read otherwise: two words, a comment, a word twice."""
    body = index_body(0, ["용탕", "다이 캐스팅", "#용탕", "용탕", "", " 이형제"])
    assert "embedding" not in body["mappings"]["properties"] and "knn" not in body["settings"]["index"]
    assert body["settings"]["index"]["analysis"]["tokenizer"]["korean"]["user_dictionary_rules"] == ["용탕"]
    assert "user_dictionary_rules" not in index_body(0)["settings"]["index"]["analysis"]["tokenizer"]["korean"]


def test_the_index_is_created_once(bare: Collection) -> None:
    """With the words of the dictionary; where it is there and lacks nothing it is left alone."""
    for words in (["용탕"], ["이형제"]):
        bare.searcher.ensure_index(words)
    assert [method for method, _, _ in bare.store.asked] == ["HEAD", "PUT", "HEAD", "HEAD", "GET"]
    assert bare.store.body == index_body(4, ["용탕"]) and bare.pauses == []


def test_another_creator_may_be_first(bare: Collection) -> None:
    """Between our look and our creation."""
    bare.searcher.ensure_index()
    bare.store.failing = [("/passages", (404, {}))]
    bare.searcher.ensure_index()
    assert bare.store.body == index_body(4)


def test_a_collection_that_refuses_the_engine_is_asked_without(bare: Collection) -> None:
    """It then takes the only one it has."""
    bare.store.refuses_engine = True
    bare.searcher.ensure_index(["용탕"])
    assert bare.store.body == index_body(4, ["용탕"], engine=False)
    assert bare.store.body["mappings"]["properties"]["embedding"] == {
        "type": "knn_vector", "dimension": 4, "space_type": "innerproduct"}


def test_creation_waits_until_the_index_is_there(bare: Collection) -> None:
    """What was written before would be lost or go into an index of another form."""
    bare.store.hidden_looks = 2
    bare.searcher.ensure_index()
    assert bare.pauses == [5, 5]


def test_a_creation_that_is_refused_is_a_knowledge_error(bare: Collection) -> None:
    """With the reason."""
    bare.store.failing = [("/passages", (404, {})), ("/passages", (400, {"error": {
        "type": "mapper_parsing_exception", "reason": "bad", "root_cause": [{"reason": "bad field"}]}}))]
    with pytest.raises(KnowledgeError, match="the OpenSearch index passages at .* was not created: .*bad field"):
        bare.searcher.ensure_index()


def test_an_older_index_gets_the_field_of_the_questions_before_the_first_put(older: Collection) -> None:
    """Once, and nothing else of it is changed; without the field the passage would be refused."""
    for version in ("v1", "v2"):
        older.searcher.put(volume("용탕 온도", version=version, questions={(0, 1): ("얼마나 뜨겁나요?",)}), [vector(0)])
    assert older.search("뜨겁나요?") == [[0, 0]] and older.store.body == index_body(4)
    assert [(method, path) for method, path, _ in older.store.asked if not path.endswith(("_search", "_bulk"))] == [
        ("HEAD", "/passages"), ("GET", "/passages/_mapping"), ("PUT", "/passages/_mapping"),
        ("GET", "/passages/_mapping")]


def test_an_older_index_is_searched(older: Collection) -> None:
    """Until something is put into it."""
    older.store.written["1"] = {"document": "guide.pdf", "version": "v1", "number": 0, "page": 1, "action": False,
                                "headings": "기포", "text": "용탕 온도", "embedding": vector(0)}
    older.store.refresh()
    assert older.search("온도", 0) == [[0], [0]]


def test_the_new_field_is_waited_for(collection: Collection) -> None:
    """What is put before it is there would be refused; three minutes at most."""
    collection.store.failing = [("_mapping", (200, WITHOUT_FIELDS))] * 4
    collection.searcher.ensure_index()
    assert collection.pauses == [5, 5]
    collection.store.failing = [("_mapping", (200, WITHOUT_FIELDS))] * 50
    with pytest.raises(KnowledgeError, match="did not show its new field questions within 180 s"):
        collection.searcher.ensure_index()


def test_a_new_field_that_is_refused_is_a_knowledge_error(older: Collection) -> None:
    """It names the right; nothing is written, and the next put tries again, also where the service is busy."""
    older.store.failing = [("_mapping", (200, WITHOUT_FIELDS)), ("_mapping", (403, {"error": "no"}))]
    with pytest.raises(KnowledgeError, match=f"passages at {HOST} did not take the new field questions, which needs "
                                             "aoss:UpdateIndex: .*403.*data access policy"):
        older.searcher.put(volume("a"), [vector(0)])
    assert older.there() == []
    older.store.failing = [("_mapping", (200, WITHOUT_FIELDS)), ("_mapping", (503, {"error": "busy"}))]
    older.searcher.put(volume("a", questions={(0, 0): ("b?",)}), [vector(0)])
    assert older.search("b?") == [[0]] and older.pauses[0] == 1


@pytest.mark.parametrize("answer", [
    [], "text", None, {"passages": {}}, {"passages": []}, {"passages": {"mappings": 7}}])
def test_mappings_of_another_form_are_a_knowledge_error(collection: Collection, answer: Any) -> None:
    """From something that is no OpenSearch."""
    collection.store.failing = [("_mapping", (200, answer))]
    with pytest.raises(KnowledgeError, match="did not answer with its mappings"):
        collection.searcher.ensure_index()
