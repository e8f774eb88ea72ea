"""The embedded index: one transaction per document, no query syntax, clear failures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_documents import document, passage

from shotwise.adapters.sqlite_index import SqliteIndex
from shotwise.errors import KnowledgeError
from shotwise.knowledge.passage import Line, Passage
from shotwise.knowledge.retrieve import retrieve, word_weights
from shotwise.knowledge.tokens import tokens


@pytest.fixture
def filled(writable: SqliteIndex) -> SqliteIndex:
    """An index that holds the first version of a guide."""
    writable.replace(document("기공의 쪽"), [passage("기공이 생긴다"), passage("기공을 줄인다", action=True)])
    return writable


def texts(found: list[Passage]) -> list[str]:
    """The first line of each passage."""
    return [passage.lines[0].text for passage in found]


def test_passages_come_back_as_they_went_in(writable: SqliteIndex) -> None:
    """Headings, lines with their quotes, page and flag survive the file."""
    kept = Passage("guide.pdf", "Guide", 1, ("1 기공", "1.1 \"원인\""), (Line("변수 낮음 이유", "이유"),), True)
    writable.replace(document("기공"), [kept])
    assert writable.all_passages() == writable.search(tokens("기공"), 5) == [kept]


def test_second_version_replaces_the_first(filled: SqliteIndex) -> None:
    """Of a document that is put in again nothing old is found, counted or read."""
    filled.replace(document("균열의 쪽", sha256="2"), [passage("균열이 생긴다")])
    assert texts(filled.all_passages()) == ["균열이 생긴다"]
    assert filled.search(tokens("기공"), 5) == [] and filled.frequencies(["기공"]) == {}
    assert (filled.digest("guide.pdf"), filled.page_text("guide.pdf", 1), filled.size()) == ("2", "균열의 쪽", 1)


def test_other_documents_stay(filled: SqliteIndex) -> None:
    """Replacing one document leaves the others as they are."""
    filled.replace(document("기포", name="other.pdf"), [passage("기포가 생긴다", name="other.pdf")])
    filled.replace(document("", name="other.pdf", sha256="2"), [])
    assert texts(filled.search(tokens("기공"), 5)) == ["기공이 생긴다", "기공을 줄인다"]
    assert filled.documents() == {"guide.pdf": "Guide", "other.pdf": "Guide"}


def broken_off() -> Iterator[Passage]:
    """Passages whose source fails after the first."""
    yield passage("균열이 생긴다")
    raise RuntimeError("the reader failed")


@pytest.mark.parametrize("passages", [broken_off(), [passage("균열"), passage(b"no text")]],
                         ids=["source fails", "line cannot be written"])
def test_failed_replace_leaves_the_old_version(filled: SqliteIndex, passages: Any) -> None:
    """Where putting in a new version fails midway, the old one stays whole, for this and for a new connection."""
    with pytest.raises((RuntimeError, TypeError)):
        filled.replace(document("균열의 쪽", sha256="2"), passages)
    again = SqliteIndex(filled.path, read_only=True)
    for index in (filled, again):
        assert texts(index.search(tokens("기공"), 5)) == ["기공이 생긴다", "기공을 줄인다"]
        assert (index.digest("guide.pdf"), index.page_text("guide.pdf", 1)) == ("1", "기공의 쪽")
        assert index.search(tokens("균열"), 5) == []
    again.close()


def test_actions_alone(filled: SqliteIndex) -> None:
    """A search for countermeasures gives no other passages."""
    assert texts(filled.search(tokens("기공"), 5, action_only=True)) == ["기공을 줄인다"]


def test_headings_weigh_more(writable: SqliteIndex) -> None:
    """Of two passages of one length, the one with the word in its heading comes first."""
    writable.replace(document(""), [passage("기공 보기", headings=("균열",)), passage("균열 보기", headings=("기공",))])
    assert texts(writable.search(tokens("기공"), 5)) == ["균열 보기", "기공 보기"]


def test_frequencies_count_passages(filled: SqliteIndex) -> None:
    """A token is counted once per passage, one that stands nowhere is absent."""
    assert filled.frequencies(["기공", "생긴", "없는"]) == {"기공": 2, "생긴": 1}


@pytest.mark.parametrize("query", ['기공" OR 1=1 --', "NEAR(기공 생긴, 2)", "기공*", "headings:기공 ^기공",
                                   "'; DROP TABLE pages; --", '"""', "AND OR NOT", "기공\x00"])
def test_query_syntax_is_harmless(filled: SqliteIndex, query: str) -> None:
    """SQL and FTS syntax in a question are words like others: the search works and the index stays."""
    found = [hit.passage for hit in retrieve(query, word_weights(query, filled), filled)]
    assert bool(found) == ("기공" in query)
    filled.search([query], 5)  # raises where syntax gets in
    assert filled.size() == 2 and filled.page_text("guide.pdf", 1) == "기공의 쪽"


def test_operators_in_tokens_are_words(filled: SqliteIndex) -> None:
    """A token that would widen the search as an operator finds only what it says."""
    assert filled.search(['없는" OR "기공'], 5) == []


def test_long_question(filled: SqliteIndex) -> None:
    """A question of 2,000 characters is answered like a short one."""
    question = ("기공 " + "".join(chr(0xAC00 + number) for number in range(1997)))[:2000]
    found = retrieve(question, word_weights(question, filled), filled)
    assert texts([hit.passage for hit in found]) == ["기공이 생긴다", "기공을 줄인다"]


def test_read_only_refuses_to_write(filled: SqliteIndex) -> None:
    """An index opened as in a Lambda layer is read and not written."""
    index = SqliteIndex(filled.path, read_only=True)
    assert index.size() == 2
    with pytest.raises(KnowledgeError, match="readonly"):
        index.replace(document("균열", sha256="2"), [])
    index.close()


def test_strange_path(tmp_path: Path) -> None:
    """A path with characters that mean something in an address is one path, for writing and for reading."""
    path = tmp_path / "a #1?100%.sqlite"
    SqliteIndex(path).close()
    SqliteIndex(path, read_only=True).close()
    assert path.is_file()


def test_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    """Reading an index that is not there fails with its name and leaves no empty file behind."""
    with pytest.raises(KnowledgeError, match=r"absent\.sqlite"):
        SqliteIndex(tmp_path / "absent.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
def test_corrupt_file_is_named(tmp_path: Path, read_only: bool) -> None:
    """A file that is no database is refused at opening, by name."""
    (tmp_path / "corrupt.sqlite").write_bytes(b"not a database, " * 100)
    with pytest.raises(KnowledgeError, match=r"corrupt\.sqlite"):
        SqliteIndex(tmp_path / "corrupt.sqlite", read_only=read_only)


def test_closed_index_is_a_knowledge_error(filled: SqliteIndex) -> None:
    """What SQLite raises reaches the caller as the error of the port."""
    filled.close()
    with pytest.raises(KnowledgeError, match="cannot be used"):
        filled.size()


def test_an_index_of_another_format_is_emptied_to_be_ingested_again(tmp_path: Path) -> None:
    """Its tokens would not meet today's questions; read-only it is refused with what to do."""
    path = tmp_path / "index.sqlite"
    SqliteIndex(path).close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO documents VALUES ('a.pdf', 'a', 'x')")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with pytest.raises(KnowledgeError, match="make knowledge"):
        SqliteIndex(path, read_only=True)
    index = SqliteIndex(path)
    assert index.digest("a.pdf") is None
    index.close()
    SqliteIndex(path, read_only=True).close()
