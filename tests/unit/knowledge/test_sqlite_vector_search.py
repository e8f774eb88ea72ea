"""Search by meaning on one machine."""

from __future__ import annotations

import numpy as np
import pytest
from sample_documents import indexed_document, passage

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.adapters.sqlite.vector_search import SqliteVectorSearch
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import PassageId, Query
from shotwise.knowledge.text.analyzer import Analyzer


def unit(*values: float) -> tuple[float, ...]:
    """The values as a vector of length one."""
    return tuple(np.asarray(values) / np.linalg.norm(values))


EAST, NORTH, WEST, NORTH_EAST = unit(1, 0), unit(0, 1), unit(-1, 0), unit(1, 1)


def keys(searcher: SqliteVectorSearch, vector: tuple[float, ...], limit: int = 9, **options: bool) -> list[PassageId]:
    """The one ranking for a vector."""
    (ranking,) = searcher.rankings(Query("", vector), limit, **options)
    return ranking


def put(library: SqliteDocumentStore, searcher: SqliteVectorSearch, analyzer: Analyzer, *vectors: tuple[float, ...],
        name: str = "guide.pdf", version: str = "v1", actions: frozenset[int] = frozenset()) -> None:
    """A document with a passage for each vector, as ingestion puts it in."""
    kept = indexed_document(analyzer, *(passage(f"{number}", name=name, action=number in actions)
                             for number in range(len(vectors))), name=name, version=version)
    searcher.put(kept, vectors)
    library.put(kept)


def test_the_nearest_come_first(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """By cosine over all documents, the far ones last, cut at the limit."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, WEST, NORTH_EAST)
    put(library, searcher, analyzer, NORTH, EAST, name="other.pdf")
    expected = [PassageId("other.pdf", "v1", 1), PassageId("guide.pdf", "v1", 1), PassageId("other.pdf", "v1", 0),
                PassageId("guide.pdf", "v1", 0)]
    assert keys(searcher, EAST) == expected and keys(searcher, EAST, 2) == expected[:2]


def test_equal_ones_come_in_order(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Of passages with one cosine the first are given."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, *[EAST] * 50)
    assert [key.number for key in keys(searcher, EAST, 7)] == list(range(7))


def test_countermeasures_alone(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A search for them gives no other passages, however near."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, EAST, WEST, NORTH, actions=frozenset((1, 2)))
    assert [key.number for key in keys(searcher, EAST, action_only=True)] == [2, 1]


def test_a_query_without_a_vector_has_no_ranking(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Words are not its business."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, EAST)
    assert searcher.rankings(Query("기공"), 5) == []


def test_only_the_version_that_the_library_holds_is_found(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A version that is put in beside takes no place before the library has it, and the old one none after."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, NORTH)
    new = indexed_document(analyzer, "하나", "둘", version="v2")
    searcher.put(new, [EAST, NORTH_EAST])
    assert keys(searcher, EAST) == [PassageId("guide.pdf", "v1", 0)]
    library.put(new)
    assert keys(searcher, EAST) == [PassageId("guide.pdf", "v2", 0), PassageId("guide.pdf", "v2", 1)]


def test_other_versions_are_removed(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Keeping only one leaves those of other documents; keeping none leaves nothing of the document."""
    searcher = SqliteVectorSearch(library)
    for name, version in (("guide.pdf", "v1"), ("guide.pdf", "v2"), ("other.pdf", "v1")):
        put(library, searcher, analyzer, EAST, name=name, version=version)

    def kept() -> list[tuple[str, str]]:
        return library.connection.execute("SELECT document, version FROM vectors ORDER BY 1, 2").fetchall()

    searcher.keep_only("guide.pdf", "v2")
    assert kept() == [("guide.pdf", "v2"), ("other.pdf", "v1")]
    searcher.keep_only("guide.pdf", None)
    searcher.keep_only("never.pdf", None)
    assert kept() == [("other.pdf", "v1")] and keys(searcher, EAST) == [PassageId("other.pdf", "v1", 0)]


def test_twice_the_same_is_there_once(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """As a run that was cut off and begins again puts it."""
    searcher = SqliteVectorSearch(library)
    for _ in range(2):
        put(library, searcher, analyzer, EAST, NORTH)
    assert len(keys(searcher, EAST)) == 2


def test_vectors_of_another_length_are_passed_over(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Where the embedder was changed, documents that were not yet read again are not compared."""
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, unit(1, 2, 3))
    assert keys(searcher, EAST) == []
    put(library, searcher, analyzer, NORTH, name="other.pdf")
    assert keys(searcher, EAST) == [PassageId("other.pdf", "v1", 0)]
    assert keys(searcher, unit(1, 0, 0)) == [PassageId("guide.pdf", "v1", 0)]


def test_empty_and_removed_documents_shift_nothing(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """Keys name their own document, whatever lies between."""
    searcher = SqliteVectorSearch(library)
    for name, vectors in (("a.pdf", [EAST]), ("b.pdf", []), ("c.pdf", [WEST, NORTH]), ("d.pdf", [])):
        put(library, searcher, analyzer, *vectors, name=name)
    assert keys(searcher, NORTH, 1) == [PassageId("c.pdf", "v1", 1)]
    library.remove("a.pdf")
    assert keys(searcher, NORTH) == [PassageId("c.pdf", "v1", 1), PassageId("c.pdf", "v1", 0)]


def test_nothing_is_found_in_nothing(library: SqliteDocumentStore) -> None:
    """An empty library has an empty ranking."""
    assert keys(SqliteVectorSearch(library), EAST) == []


def test_another_connection_sees_what_was_put_in(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """A searcher that has searched already follows what another process puts in."""
    other_connection = SqliteDocumentStore(library.path)
    reader = SqliteVectorSearch(other_connection)
    assert keys(reader, EAST) == []
    put(library, SqliteVectorSearch(library), analyzer, EAST)
    assert keys(reader, EAST) == [PassageId("guide.pdf", "v1", 0)]
    other_connection.close()


def test_a_closed_library_is_a_knowledge_error(library: SqliteDocumentStore, analyzer: Analyzer) -> None:
    """What SQLite raises reaches the caller as the error of the port."""
    searcher = SqliteVectorSearch(library)
    library.close()
    with pytest.raises(KnowledgeError):
        searcher.rankings(Query("", EAST), 5)
    with pytest.raises(KnowledgeError):
        searcher.keep_only("a", None)


def out_of_order(exact: np.ndarray, order: list[int]) -> float:
    """How much a ranking is off: the most by which a passage stands behind one whose exact cosine is less."""
    ranked = exact[order]
    return float(np.max(np.maximum.accumulate(ranked[::-1])[::-1] - ranked))


@pytest.mark.parametrize("dimensions", [8, 64, 1024])
def test_the_rounding_hides_nothing(library: SqliteDocumentStore, analyzer: Analyzer, dimensions: int) -> None:
    """Kept as float16, each value of a unit vector is rounded by at most 2⁻¹¹ of itself, so a cosine moves by at most
    2⁻¹¹ < .0005: two passages change places only where they are within .001 of each other."""
    vectors = np.random.default_rng(1).normal(size=(300, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    searcher = SqliteVectorSearch(library)
    put(library, searcher, analyzer, *map(tuple, vectors[:-1]))
    order = [key.number for key in keys(searcher, tuple(vectors[-1]), 299)]
    assert sorted(order) == list(range(299)) and out_of_order(vectors[:-1] @ vectors[-1], order) < 0.001


def test_a_wrong_order_is_seen() -> None:
    """The measure can fail: two that are .01 apart and change places are off by .01."""
    exact = np.array([0.5, 0.51, 0.2])
    assert out_of_order(exact, [1, 0, 2]) == 0 and out_of_order(exact, [0, 1, 2]) == pytest.approx(0.01)
