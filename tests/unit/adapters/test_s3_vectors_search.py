"""Vectors are put, found, replaced and removed in S3 Vectors as its model wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from sample_indexed_documents import ODD_NAMES, vector, volume

from shotwise.adapters.aws.keys import key_prefix
from shotwise.adapters.aws.s3_vectors_search import S3VectorsSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query

PLACE = {"vectorBucketName": "vectors", "indexName": "passages"}


class Pages:
    """moto's client, which lists everything at once, made to list in pages as the service does."""

    page = 3

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sizes: dict[str, list[int]] = {"put": [], "delete": []}

    def list_vectors(self, *, maxResults: int, nextToken: str = "0", **place: str) -> dict[str, Any]:  # noqa: N803
        """A page, and where the next one begins."""
        assert maxResults == 1000
        found, first = self._client.list_vectors(**place)["vectors"], int(nextToken)
        last = first + self.page
        return {"vectors": found[first:last], **({"nextToken": str(last)} if last < len(found) else {})}

    def put_vectors(self, **asked: Any) -> None:
        """Put and count."""
        self.sizes["put"].append(len(asked["vectors"]))
        self._client.put_vectors(**asked)

    def delete_vectors(self, **asked: Any) -> None:
        """Delete and count."""
        self.sizes["delete"].append(len(asked["keys"]))
        self._client.delete_vectors(**asked)

    def stored(self) -> set[str]:
        """Every key of the index."""
        return {found["key"] for found in self._client.list_vectors(**PLACE)["vectors"]}

    def metadata(self) -> list[Any]:
        """What is stored beside the vectors."""
        found = self._client.get_vectors(**PLACE, keys=sorted(self.stored()), returnMetadata=True, returnData=True)
        return [one["metadata"] for one in found["vectors"]]


@pytest.fixture
def index(aws: Callable[[str], Any]) -> Iterator[Pages]:
    """An empty index of four dimensions."""
    with mock_aws():
        client = aws("s3vectors")
        client.create_vector_bucket(vectorBucketName="vectors")
        client.create_index(**PLACE, dataType="float32", dimension=4, distanceMetric="cosine")
        yield Pages(client)


@pytest.fixture
def stubbed(aws: Callable[[str], Any]) -> Iterator[tuple[S3VectorsSearch, Stubber]]:
    """A searcher whose client answers what the test says, and checks requests against the service's model."""
    client = aws("s3vectors")
    with Stubber(client) as stubber:
        yield S3VectorsSearch("vectors", "passages", client), stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_passage_is_put_with_what_finds_it_again(index: Pages, name: str) -> None:
    """Document, version, number and page as they are; the key is short ASCII."""
    S3VectorsSearch("vectors", "passages", index).put(volume("올린다", name=name, actions=[0]), [vector(0)])
    assert index.metadata() == [{"document": name, "version": "v1", "number": 0, "page": 1, "action": True,
                                 "text": "기포\n올린다\n- 올린다"}]
    [key] = index.stored()
    assert key.isascii() and len(key) < 100


def test_putting_twice_leaves_it_there_once(index: Pages) -> None:
    """The keys are the same."""
    searcher = S3VectorsSearch("vectors", "passages", index)
    for _ in range(2):
        searcher.put(volume("a", "b"), [vector(0), vector(90)])
    assert len(index.stored()) == 2


def test_keep_only_removes_the_other_versions_of_this_document(index: Pages) -> None:
    """Versions and names that begin alike are told apart, over several pages of the listing."""
    searcher = S3VectorsSearch("vectors", "passages", index)
    for name in ("guide.pdf", "guide.pdf-v1"):
        for version in ("v1", "v1-0", "v10"):
            searcher.put(volume("a", "b", name=name, version=version), [vector(0), vector(90)])
    searcher.keep_only("guide.pdf", "v1")
    assert len(index.stored()) == 8
    assert {key for key in index.stored() if key.startswith(key_prefix("guide.pdf"))} == {
        key_prefix("guide.pdf", "v1") + number for number in "01"}
    searcher.keep_only("guide.pdf", None)
    searcher.keep_only("never.pdf", None)
    assert len(index.stored()) == 6 and index.sizes["delete"] == [4, 2]


def test_many_vectors_go_in_several_requests(index: Pages) -> None:
    """The service takes 500 a request."""
    index.page = 1000
    searcher = S3VectorsSearch("vectors", "passages", index)
    searcher.put(volume(*["a"] * 1001), [vector(0)] * 1001)
    searcher.keep_only("guide.pdf", None)
    assert index.sizes == {"put": [500, 500, 1], "delete": [500, 500, 1]} and index.stored() == set()


def test_long_texts_go_in_smaller_requests_and_are_cut(index: Pages) -> None:
    """A request stays under 20 MiB, a text under its share of 40 KB, in whole characters."""
    searcher = S3VectorsSearch("vectors", "passages", index)
    searcher.put(volume(*["가" * 20_000] * 450), [vector(0)] * 450)
    assert sum(index.sizes["put"]) == 450 and max(index.sizes["put"]) < 450
    assert {len(metadata["text"].encode()) for metadata in index.metadata()} <= {17_998, 17_999, 18_000}


@pytest.mark.parametrize("vectors", [[], [vector(0)], [vector(0)] * 3])
def test_there_has_to_be_a_vector_a_passage(index: Pages, vectors: list[Any]) -> None:
    """Otherwise nothing is written."""
    with pytest.raises(KnowledgeError, match=f"guide.pdf: {len(vectors)} vectors for 2 passages"):
        S3VectorsSearch("vectors", "passages", index).put(volume("a", "b"), vectors)
    assert index.sizes["put"] == []


def test_vectors_of_another_size_are_refused_by_name(index: Pages) -> None:
    """The service says which dimensions it wants."""
    with pytest.raises(KnowledgeError, match="vectors/passages did not take guide.pdf: .*PutVectors"):
        S3VectorsSearch("vectors", "passages", index).put(volume("a"), [vector(0, 8)])


def found(number: float, **metadata: Any) -> dict[str, Any]:
    """A vector as a query gives it; numbers come as floats."""
    return {"key": f"x-{number}", "metadata": {"document": "한글 이름.pdf", "version": "v1", "number": number,
                                               **metadata}}


@pytest.mark.parametrize(("limit", "action_only", "asked"), [
    (60, False, {"topK": 60}), (500, True, {"topK": 100, "filter": {"action": {"$eq": True}}})])
def test_a_query_asks_for_metadata_and_ranks(stubbed: tuple[S3VectorsSearch, Stubber], limit: int,
                                             action_only: bool, asked: dict[str, Any]) -> None:
    """One ranking, in the service's order; what others put into the index is passed over."""
    searcher, stubber = stubbed
    stubber.add_response("query_vectors", {"distanceMetric": "cosine", "vectors": [
        found(7.0), {"key": "foreign"}, {"key": "foreign", "metadata": {"document": "x"}}, found(0.0),
        found("seven")]}, {**PLACE, **asked, "queryVector": {"float32": [1.0, 0.0]}, "returnMetadata": True,
                           "returnDistance": False})
    assert searcher.rankings(Query("", (1.0, 0.0)), limit, action_only=action_only) == [
        [PassageId("한글 이름.pdf", "v1", 7), PassageId("한글 이름.pdf", "v1", 0)]]


def test_without_a_vector_there_is_no_ranking(stubbed: tuple[S3VectorsSearch, Stubber]) -> None:
    """And no request, as for no passages at all."""
    assert stubbed[0].rankings(Query("words"), 5) == [] == stubbed[0].rankings(Query("", (1.0,)), 0)
    assert stubbed[0].needs_vectors and not stubbed[0].lexical


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "NotFoundException",
                                  "ServiceUnavailableException"])
@pytest.mark.parametrize(("operation", "call"), [
    ("put_vectors", lambda searcher: searcher.put(volume("a"), [vector(0)])),
    ("list_vectors", lambda searcher: searcher.keep_only("a", None)),
    ("query_vectors", lambda searcher: searcher.rankings(Query("", (1.0,)), 5))])
def test_what_the_service_refuses_is_a_knowledge_error(stubbed: tuple[S3VectorsSearch, Stubber], code: str,
                                                       operation: str, call: Any) -> None:
    """It names the index and what the service said."""
    searcher, stubber = stubbed
    stubber.add_client_error(operation, code, "no")
    with pytest.raises(KnowledgeError, match=f"the vector index vectors/passages .*{code}"):
        call(searcher)


def test_a_failed_removal_is_a_knowledge_error(stubbed: tuple[S3VectorsSearch, Stubber]) -> None:
    """It names the document."""
    searcher, stubber = stubbed
    stubber.add_response("list_vectors", {"vectors": [{"key": key_prefix("a") + "x"}]}, {**PLACE, "maxResults": 1000})
    stubber.add_client_error("delete_vectors", "AccessDeniedException")
    with pytest.raises(KnowledgeError, match="did not remove a: .*AccessDenied"):
        searcher.keep_only("a", None)
