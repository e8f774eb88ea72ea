"""Search by meaning on one machine compares vectors in SQLite."""

from __future__ import annotations

import numpy as np
import pytest
from sample_documents import indexed_document, passage

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.adapters.sqlite.vector_search import SqliteVectorSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query
from shotwise.knowledge.text.analyzer import Analyzer


def unit_vector(*components: float) -> tuple[float, ...]:
    """Return the vector in this direction of length one."""
    return tuple(np.asarray(components) / np.linalg.norm(components))


EAST, NORTH, WEST, NORTH_EAST = unit_vector(1, 0), unit_vector(0, 1), unit_vector(-1, 0), unit_vector(1, 1)


def rank(passage_search: SqliteVectorSearch, vector: tuple[float, ...], limit: int = 9,
         **options: bool) -> list[PassageId]:
    """Return the ranking for a vector."""
    (ranking,) = passage_search.rankings(Query("", vector), limit, **options)
    return ranking


def put(document_store: SqliteDocumentStore, passage_search: SqliteVectorSearch, analyzer: Analyzer,
        *vectors: tuple[float, ...], name: str = "guide.pdf", version: str = "v1",
        actions: frozenset[int] = frozenset()) -> None:
    """Put a document with a passage for each vector, as ingestion does."""
    passages = (passage(f"{number}", name=name, action=number in actions) for number in range(len(vectors)))
    document = indexed_document(analyzer, *passages, name=name, version=version)
    passage_search.put(document, vectors)
    document_store.put(document)


def test_the_nearest_come_first(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Passages of all documents are ranked by cosine, up to the limit."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, WEST, NORTH_EAST)
    put(document_store, passage_search, analyzer, NORTH, EAST, name="other.pdf")
    expected = [PassageId("other.pdf", "v1", 1), PassageId("guide.pdf", "v1", 1), PassageId("other.pdf", "v1", 0),
                PassageId("guide.pdf", "v1", 0)]
    assert rank(passage_search, EAST) == expected and rank(passage_search, EAST, 2) == expected[:2]


def test_equal_ones_come_in_order(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Passages with the same cosine keep their order."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, *[EAST] * 50)
    assert [passage_id.number for passage_id in rank(passage_search, EAST, 7)] == list(range(7))


def test_countermeasures_alone(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A search for countermeasures gives no other passages, however near."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, EAST, WEST, NORTH, actions=frozenset((1, 2)))
    assert [passage_id.number for passage_id in rank(passage_search, EAST, action_only=True)] == [2, 1]


def test_a_query_without_a_vector_has_no_ranking(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A query without a vector has no ranking."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, EAST)
    assert passage_search.rankings(Query("기공"), 5) == []


def test_only_the_stored_version_is_found(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A version is found only while the document store holds it, neither before nor after."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, NORTH)
    new = indexed_document(analyzer, "하나", "둘", version="v2")
    passage_search.put(new, [EAST, NORTH_EAST])
    assert rank(passage_search, EAST) == [PassageId("guide.pdf", "v1", 0)]
    document_store.put(new)
    assert rank(passage_search, EAST) == [PassageId("guide.pdf", "v2", 0), PassageId("guide.pdf", "v2", 1)]


def test_other_versions_are_removed(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Other versions of a document are removed, or all of them; other documents stay."""
    passage_search = SqliteVectorSearch(document_store)
    for name, version in (("guide.pdf", "v1"), ("guide.pdf", "v2"), ("other.pdf", "v1")):
        put(document_store, passage_search, analyzer, EAST, name=name, version=version)

    def stored_versions() -> list[tuple[str, str]]:
        return document_store.connection.execute("SELECT document, version FROM vectors ORDER BY 1, 2").fetchall()

    passage_search.keep_only("guide.pdf", "v2")
    assert stored_versions() == [("guide.pdf", "v2"), ("other.pdf", "v1")]
    passage_search.keep_only("guide.pdf", None)
    passage_search.keep_only("never.pdf", None)
    assert stored_versions() == [("other.pdf", "v1")]
    assert rank(passage_search, EAST) == [PassageId("other.pdf", "v1", 0)]


def test_twice_the_same_is_there_once(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A version that is put twice is there once."""
    passage_search = SqliteVectorSearch(document_store)
    for _ in range(2):
        put(document_store, passage_search, analyzer, EAST, NORTH)
    assert len(rank(passage_search, EAST)) == 2


def test_vectors_of_another_length_are_ignored(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """After a change of the embedder, documents that were not embedded again are not found."""
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, unit_vector(1, 2, 3))
    assert rank(passage_search, EAST) == []
    put(document_store, passage_search, analyzer, NORTH, name="other.pdf")
    assert rank(passage_search, EAST) == [PassageId("other.pdf", "v1", 0)]
    assert rank(passage_search, unit_vector(1, 0, 0)) == [PassageId("guide.pdf", "v1", 0)]


def test_empty_and_removed_documents_shift_nothing(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Empty and removed documents between others do not change whose passage is found."""
    passage_search = SqliteVectorSearch(document_store)
    for name, vectors in (("a.pdf", [EAST]), ("b.pdf", []), ("c.pdf", [WEST, NORTH]), ("d.pdf", [])):
        put(document_store, passage_search, analyzer, *vectors, name=name)
    assert rank(passage_search, NORTH, 1) == [PassageId("c.pdf", "v1", 1)]
    document_store.remove("a.pdf")
    assert rank(passage_search, NORTH) == [PassageId("c.pdf", "v1", 1), PassageId("c.pdf", "v1", 0)]


def test_nothing_is_found_in_nothing(document_store: SqliteDocumentStore) -> None:
    """An empty document store gives an empty ranking."""
    assert rank(SqliteVectorSearch(document_store), EAST) == []


def test_another_connection_sees_what_was_put_in(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A search that was used before finds what another process stores later."""
    other_connection = SqliteDocumentStore(document_store.path)
    reader = SqliteVectorSearch(other_connection)
    assert rank(reader, EAST) == []
    put(document_store, SqliteVectorSearch(document_store), analyzer, EAST)
    assert rank(reader, EAST) == [PassageId("guide.pdf", "v1", 0)]
    other_connection.close()


def test_a_closed_store_is_a_knowledge_error(document_store: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """An error of SQLite is a KnowledgeError."""
    passage_search = SqliteVectorSearch(document_store)
    document_store.close()
    with pytest.raises(KnowledgeError):
        passage_search.rankings(Query("", EAST), 5)
    with pytest.raises(KnowledgeError):
        passage_search.keep_only("a", None)


def max_disorder(exact: np.ndarray, order: list[int]) -> float:
    """The greatest difference by which a passage is ranked behind one with a smaller exact cosine."""
    ranked = exact[order]
    return float(np.max(np.maximum.accumulate(ranked[::-1])[::-1] - ranked))


@pytest.mark.parametrize("dimensions", [8, 64, 1024])
def test_the_rounding_hides_nothing(document_store: SqliteDocumentStore, analyzer: Analyzer, dimensions: int) -> None:
    """Rounding to float16 swaps two passages only where their cosines are within .001 of each other.

    Each component is rounded by at most 2⁻¹¹ of itself, so a cosine changes by at most 2⁻¹¹ < .0005.
    """
    vectors = np.random.default_rng(1).normal(size=(300, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    passage_search = SqliteVectorSearch(document_store)
    put(document_store, passage_search, analyzer, *map(tuple, vectors[:-1]))
    order = [passage_id.number for passage_id in rank(passage_search, tuple(vectors[-1]), 299)]
    assert sorted(order) == list(range(299)) and max_disorder(vectors[:-1] @ vectors[-1], order) < 0.001


def test_a_wrong_order_is_seen() -> None:
    """The measure can fail: two passages that are .01 apart and swapped give .01."""
    exact = np.array([0.5, 0.51, 0.2])
    assert max_disorder(exact, [1, 0, 2]) == 0 and max_disorder(exact, [0, 1, 2]) == pytest.approx(0.01)
