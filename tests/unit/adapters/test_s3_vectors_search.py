"""Vectors are put, found, replaced and removed in S3 Vectors; requests fit the service's model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from sample_indexed_documents import ODD_NAMES, make_document, vector

from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.aws.s3_vectors_search import S3VectorsSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

PLACE = {"vectorBucketName": "vectors", "indexName": "passages"}


class PagingClient:
    """moto's client, which lists everything at once, made to list in pages as the service does.

    Attributes
    ----------
    page_size : keys of a page
    sizes : number of vectors of each request to put or delete
    """

    page_size = 3

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sizes: dict[str, list[int]] = {"put": [], "delete": []}

    def list_vectors(self, *, maxResults: int, nextToken: str = "0", **place: str) -> dict[str, Any]:  # noqa: N803
        """Return a page, and the token of the next one."""
        assert maxResults == 1000
        vectors, first = self._client.list_vectors(**place)["vectors"], int(nextToken)
        last = first + self.page_size
        return {"vectors": vectors[first:last], **({"nextToken": str(last)} if last < len(vectors) else {})}

    def put_vectors(self, **request: Any) -> None:
        """Put and count."""
        self.sizes["put"].append(len(request["vectors"]))
        self._client.put_vectors(**request)

    def delete_vectors(self, **request: Any) -> None:
        """Delete and count."""
        self.sizes["delete"].append(len(request["keys"]))
        self._client.delete_vectors(**request)

    def stored_keys(self) -> set[str]:
        """Return every key of the index."""
        return {vector["key"] for vector in self._client.list_vectors(**PLACE)["vectors"]}

    def metadata(self) -> list[Any]:
        """Return the metadata of every vector."""
        response = self._client.get_vectors(**PLACE, keys=sorted(self.stored_keys()), returnMetadata=True,
                                            returnData=True)
        return [vector["metadata"] for vector in response["vectors"]]


@pytest.fixture
def index(aws: Callable[[str], Any]) -> Iterator[PagingClient]:
    """An empty index of four dimensions."""
    with mock_aws():
        client = aws("s3vectors")
        client.create_vector_bucket(vectorBucketName="vectors")
        client.create_index(**PLACE, dataType="float32", dimension=4, distanceMetric="cosine")
        yield PagingClient(client)


@pytest.fixture
def stubbed(aws: Callable[[str], Any]) -> Iterator[tuple[S3VectorsSearch, Stubber]]:
    """A passage search; its client gives scripted answers and checks requests against the service's model."""
    client = aws("s3vectors")
    with Stubber(client) as stubber:
        yield S3VectorsSearch("vectors", "passages", client), stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_passage_is_put_with_what_finds_it_again(index: PagingClient, name: str) -> None:
    """Metadata holds document, version, number and page as they are; the key is short ASCII."""
    S3VectorsSearch("vectors", "passages", index).put(make_document("올린다", name=name, actions=[0]), [vector(0)])
    assert index.metadata() == [{"document": name, "version": "v1", "number": 0, "page": 1, "action": True,
                                 "text": "기포\n올린다\n- 올린다"}]
    [key] = index.stored_keys()
    assert key.isascii() and len(key) < 100


def test_putting_twice_leaves_it_there_once(index: PagingClient) -> None:
    """The same passage has the same key, so it replaces itself."""
    passage_search = S3VectorsSearch("vectors", "passages", index)
    for _ in range(2):
        passage_search.put(make_document("a", "b"), [vector(0), vector(90)])
    assert len(index.stored_keys()) == 2


def test_keep_only_removes_the_other_versions_of_this_document(index: PagingClient) -> None:
    """Versions and names that begin alike are told apart, and the listing is read to its end."""
    passage_search = S3VectorsSearch("vectors", "passages", index)
    for name in ("guide.pdf", "guide.pdf-v1"):
        for version in ("v1", "v1-0", "v10"):
            passage_search.put(make_document("a", "b", name=name, version=version), [vector(0), vector(90)])
    passage_search.keep_only("guide.pdf", "v1")
    assert len(index.stored_keys()) == 8
    assert {key for key in index.stored_keys() if key.startswith(key_prefix("guide.pdf"))} == {
        key_prefix("guide.pdf", "v1") + number for number in "01"}
    passage_search.keep_only("guide.pdf", None)
    passage_search.keep_only("never.pdf", None)
    assert len(index.stored_keys()) == 6 and index.sizes["delete"] == [4, 2]


def test_many_vectors_go_in_several_requests(index: PagingClient) -> None:
    """A request puts or deletes 500 vectors at most."""
    index.page_size = 1000
    passage_search = S3VectorsSearch("vectors", "passages", index)
    passage_search.put(make_document(*["a"] * 1001), [vector(0)] * 1001)
    passage_search.keep_only("guide.pdf", None)
    assert index.sizes == {"put": [500, 500, 1], "delete": [500, 500, 1]} and index.stored_keys() == set()


def test_long_texts_go_in_smaller_requests_and_are_cut(index: PagingClient) -> None:
    """A request stays under 20 MiB, and a text is cut to its share of 40 KB in whole characters."""
    passage_search = S3VectorsSearch("vectors", "passages", index)
    passage_search.put(make_document(*["가" * 20_000] * 450), [vector(0)] * 450)
    assert sum(index.sizes["put"]) == 450 and max(index.sizes["put"]) < 450
    assert {len(metadata["text"].encode()) for metadata in index.metadata()} <= {17_998, 17_999, 18_000}


@pytest.mark.parametrize("vectors", [[], [vector(0)], [vector(0)] * 3])
def test_there_has_to_be_a_vector_a_passage(index: PagingClient, vectors: list[Any]) -> None:
    """Vectors of another number are a KnowledgeError, and nothing is written."""
    with pytest.raises(KnowledgeError, match=f"guide.pdf: {len(vectors)} vectors for 2 passages"):
        S3VectorsSearch("vectors", "passages", index).put(make_document("a", "b"), vectors)
    assert index.sizes["put"] == []


def test_vectors_of_another_size_are_refused_by_name(index: PagingClient) -> None:
    """Vectors of another length are a KnowledgeError that names the document."""
    with pytest.raises(KnowledgeError, match="vectors/passages did not take guide.pdf: .*PutVectors"):
        S3VectorsSearch("vectors", "passages", index).put(make_document("a"), [vector(0, 8)])


def vector_hit(number: float, **metadata: Any) -> dict[str, Any]:
    """Return a vector as a query gives it; numbers come as floats."""
    return {"key": f"x-{number}", "metadata": {"document": "한글 이름.pdf", "version": "v1", "number": number,
                                               **metadata}}


@pytest.mark.parametrize(("limit", "action_only", "parameters"), [
    (60, False, {"topK": 60}), (500, True, {"topK": 100, "filter": {"action": {"$eq": True}}})])
def test_a_query_asks_for_metadata_and_ranks(stubbed: tuple[S3VectorsSearch, Stubber], limit: int,
                                             action_only: bool, parameters: dict[str, Any]) -> None:
    """There is one ranking in the service's order; what others put into the index is ignored."""
    passage_search, stubber = stubbed
    stubber.add_response("query_vectors", {"distanceMetric": "cosine", "vectors": [
        vector_hit(7.0), {"key": "foreign"}, {"key": "foreign", "metadata": {"document": "x"}}, vector_hit(0.0),
        vector_hit("seven")]}, {**PLACE, **parameters, "queryVector": {"float32": [1.0, 0.0]}, "returnMetadata": True,
                           "returnDistance": False})
    assert passage_search.rankings(Query("", (1.0, 0.0)), limit, action_only=action_only) == [
        [PassageId("한글 이름.pdf", "v1", 7), PassageId("한글 이름.pdf", "v1", 0)]]


def test_without_a_vector_there_is_no_ranking(stubbed: tuple[S3VectorsSearch, Stubber]) -> None:
    """A query without a vector, and a limit of none, send no request."""
    assert stubbed[0].rankings(Query("words"), 5) == [] == stubbed[0].rankings(Query("", (1.0,)), 0)
    assert stubbed[0].needs_vectors and not stubbed[0].lexical


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "NotFoundException",
                                  "ServiceUnavailableException"])
@pytest.mark.parametrize(("operation", "call"), [
    ("put_vectors", lambda passage_search: passage_search.put(make_document("a"), [vector(0)])),
    ("list_vectors", lambda passage_search: passage_search.keep_only("a", None)),
    ("query_vectors", lambda passage_search: passage_search.rankings(Query("", (1.0,)), 5))])
def test_what_the_service_refuses_is_a_knowledge_error(stubbed: tuple[S3VectorsSearch, Stubber], code: str,
                                                       operation: str, call: Any) -> None:
    """The error names the index and the service's code."""
    passage_search, stubber = stubbed
    stubber.add_client_error(operation, code, "no")
    with pytest.raises(KnowledgeError, match=f"the vector index vectors/passages .*{code}"):
        call(passage_search)


def test_a_failed_removal_is_a_knowledge_error(stubbed: tuple[S3VectorsSearch, Stubber]) -> None:
    """An error while vectors are removed is a KnowledgeError that names the document."""
    passage_search, stubber = stubbed
    stubber.add_response("list_vectors", {"vectors": [{"key": key_prefix("a") + "x"}]}, {**PLACE, "maxResults": 1000})
    stubber.add_client_error("delete_vectors", "AccessDeniedException")
    with pytest.raises(KnowledgeError, match="did not remove a: .*AccessDenied"):
        passage_search.keep_only("a", None)
