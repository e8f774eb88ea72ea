"""The index in OpenSearch Serverless is created once, with Korean analysis, and gets the field that it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from opensearch_collection import HOST, Collection
from sample_indexed_documents import make_document, vector

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
    """The body that creates the index is exactly this."""
    korean = {"type": "text", "analyzer": "korean"}
    assert index_body(1024, ["이형제", "용탕"]) == {
        "settings": {"index": {"knn": True, "analysis": {
            "tokenizer": {"korean": {"type": "nori_tokenizer", "decompound_mode": "mixed",
                                     "user_dictionary_rules": ["이형제", "용탕"]}},
            "analyzer": {"korean": {"type": "custom", "tokenizer": "korean",
                                    "filter": ["nori_part_of_speech", "lowercase"]}}}}},
        "mappings": {"dynamic": "strict", "properties": {
            "document": {"type": "keyword"}, "version": {"type": "keyword"}, "number": {"type": "integer"},
            "page": {"type": "integer"}, "action": {"type": "boolean"}, "headings": korean, "text": korean,
            "questions": korean,
            "embedding": {"type": "knn_vector", "dimension": 1024,
                          "method": {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}}}}}


def test_the_index_has_no_vectors_where_there_is_no_embedder() -> None:
    """Without dimensions there is no vector field; words that a dictionary rule would misread are left out."""
    body = index_body(0, ["용탕", "다이 캐스팅", "#용탕", "용탕", "", " 이형제"])
    assert "embedding" not in body["mappings"]["properties"] and "knn" not in body["settings"]["index"]
    assert body["settings"]["index"]["analysis"]["tokenizer"]["korean"]["user_dictionary_rules"] == ["용탕"]
    assert "user_dictionary_rules" not in index_body(0)["settings"]["index"]["analysis"]["tokenizer"]["korean"]


def test_the_index_is_created_once(empty_collection: Collection) -> None:
    """The index gets the words of the dictionary; an index that exists and lacks nothing stays as it is."""
    for words in (["용탕"], ["이형제"]):
        empty_collection.passage_search.ensure_index(words)
    assert [method for method, _, _ in empty_collection.store.requests] == ["HEAD", "PUT", "HEAD", "HEAD", "GET"]
    assert empty_collection.store.body == index_body(4, ["용탕"]) and empty_collection.pauses == []


def test_another_creator_may_be_first(empty_collection: Collection) -> None:
    """An index that another process creates between our look and our creation is accepted."""
    empty_collection.passage_search.ensure_index()
    empty_collection.store.scripted = [("/passages", (404, {}))]
    empty_collection.passage_search.ensure_index()
    assert empty_collection.store.body == index_body(4)


def test_a_collection_that_refuses_the_engine_gets_none(empty_collection: Collection) -> None:
    """Where naming the engine is refused, the index is created without its name."""
    empty_collection.store.refuses_engine = True
    empty_collection.passage_search.ensure_index(["용탕"])
    assert empty_collection.store.body == index_body(4, ["용탕"], engine=False)
    assert empty_collection.store.body["mappings"]["properties"]["embedding"] == {
        "type": "knn_vector", "dimension": 4, "space_type": "innerproduct"}


def test_creation_waits_until_the_index_is_there(empty_collection: Collection) -> None:
    """Creating waits, because what is written too early is lost or makes an index of another form."""
    empty_collection.store.hidden_looks = 2
    empty_collection.passage_search.ensure_index()
    assert empty_collection.pauses == [5, 5]


def test_a_creation_that_is_refused_is_a_knowledge_error(empty_collection: Collection) -> None:
    """A creation that is refused is a KnowledgeError with the reason."""
    empty_collection.store.scripted = [("/passages", (404, {})), ("/passages", (400, {"error": {
        "type": "mapper_parsing_exception", "reason": "bad", "root_cause": [{"reason": "bad field"}]}}))]
    with pytest.raises(KnowledgeError, match="the OpenSearch index passages at .* was not created: .*bad field"):
        empty_collection.passage_search.ensure_index()


def test_an_older_index_gets_the_field_of_the_questions_before_the_first_put(older: Collection) -> None:
    """An index without the field for questions gets it once, before the first passage, and nothing else changes."""
    for version in ("v1", "v2"):
        document = make_document("용탕 온도", version=version, questions={(0, 1): ("얼마나 뜨겁나요?",)})
        older.passage_search.put(document, [vector(0)])
    assert older.search("뜨겁나요?") == [[0, 0]] and older.store.body == index_body(4)
    assert [(method, path) for method, path, _ in older.store.requests if not path.endswith(("_search", "_bulk"))] == [
        ("HEAD", "/passages"), ("GET", "/passages/_mapping"), ("PUT", "/passages/_mapping"),
        ("GET", "/passages/_mapping")]


def test_an_older_index_is_searched(older: Collection) -> None:
    """An index without the field for questions is searched by the fields that it has."""
    older.store.written["1"] = {"document": "guide.pdf", "version": "v1", "number": 0, "page": 1, "action": False,
                                "headings": "기포", "text": "용탕 온도", "embedding": vector(0)}
    older.store.refresh()
    assert older.search("온도", 0) == [[0], [0]]


def test_the_new_field_is_waited_for(collection: Collection) -> None:
    """Passages wait for the new field, three minutes at most, because they would be refused without it."""
    collection.store.scripted = [("_mapping", (200, WITHOUT_FIELDS))] * 4
    collection.passage_search.ensure_index()
    assert collection.pauses == [5, 5]
    collection.store.scripted = [("_mapping", (200, WITHOUT_FIELDS))] * 50
    with pytest.raises(KnowledgeError, match="did not show its new field questions within 180 s"):
        collection.passage_search.ensure_index()


def test_a_new_field_that_is_refused_is_a_knowledge_error(older: Collection) -> None:
    """The error names the missing right and nothing is written; the next put tries again."""
    older.store.scripted = [("_mapping", (200, WITHOUT_FIELDS)), ("_mapping", (403, {"error": "no"}))]
    with pytest.raises(KnowledgeError, match=f"passages at {HOST} did not take the new field questions, which needs "
                                             "aoss:UpdateIndex: .*403.*data access policy"):
        older.passage_search.put(make_document("a"), [vector(0)])
    assert older.visible_passages() == []
    older.store.scripted = [("_mapping", (200, WITHOUT_FIELDS)), ("_mapping", (503, {"error": "busy"}))]
    older.passage_search.put(make_document("a", questions={(0, 0): ("b?",)}), [vector(0)])
    assert older.search("b?") == [[0]] and older.pauses[0] == 1


@pytest.mark.parametrize("content", [
    [], "text", None, {"passages": {}}, {"passages": []}, {"passages": {"mappings": 7}}])
def test_mappings_of_another_form_are_a_knowledge_error(collection: Collection, content: Any) -> None:
    """Mappings in another form are a KnowledgeError."""
    collection.store.scripted = [("_mapping", (200, content))]
    with pytest.raises(KnowledgeError, match="did not answer with its mappings"):
        collection.passage_search.ensure_index()
