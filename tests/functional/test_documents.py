"""Documents at the edge: listed, uploaded by an address, removed, searched."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from small_plant import BISCUIT, FURNACE, QUESTION, THIN, Plant, small_plant

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.handlers.document_names import MAX_NAME_BYTES
from shotwise.handlers.documents import DEFAULT_PASSAGES, MAX_PASSAGES
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.handlers.requests import MAX_QUESTION
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

Event = Callable[..., dict[str, Any]]
ODD = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인.pdf", "a+b&c=d;e.pdf", "%4x.pdf", "a..b.PDF")


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """One document of one's own, one that came with us, one that could not be read."""
    found = small_plant(tmp_path, analyzer)
    found.add("비스킷.pdf", BISCUIT + "\f둘째 쪽")
    (found.shipped / "manual.pdf").write_text(FURNACE, "utf-8")
    found.ingestion.ingest(found.shipped / "manual.pdf")
    found.keep("broken.pdf", "!")
    found.ingestion.ingest(found.own / "broken.pdf")
    return found


def reply(plant: Plant, event: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of the function's reply."""
    found = rag_query_handler(plant.answerer(), plant.documents)(event, None)
    return found["statusCode"], json.loads(found["body"])


def named(event: Event, method: str, name: str) -> dict[str, Any]:
    """A request about the document of a name."""
    return event(method, f"/documents/{name or 'x'}", resource="/documents/{name}", name=name)


def search(event: Event, **parameters: str) -> dict[str, Any]:
    """A search."""
    return {**event("GET", "/search"), "queryStringParameters": parameters or None}


def test_the_list_tells_what_is_searched_and_what_could_not_be_read(plant: Plant, event: Event) -> None:
    """By name; a file that was never read has no version, and its reason begins with its name."""
    status, body = reply(plant, event("GET", "/documents"))
    broken, manual, own = body["documents"]
    assert status == 200 and [broken["name"], manual["name"], own["name"]] == ["broken.pdf", "manual.pdf", "비스킷.pdf"]
    assert broken == {"name": "broken.pdf", "title": "broken.pdf", "version": None, "pages": 0, "passages": 0,
                      "notes": [], "note_details": [],
                      "failure": "broken.pdf: is damaged; export it again as PDF",
                      "failure_detail": {"code": "damaged", "params": {}}}
    assert (own["pages"], own["failure"], manual["failure"]) == (2, None, None)
    assert own["failure_detail"] is manual["failure_detail"] is None
    assert own["version"] and own["passages"] >= 3


def test_a_document_whose_newest_file_is_broken_is_listed_once(plant: Plant, event: Event) -> None:
    """What is searched is the old version, and the entry says what is wrong with the new one."""
    plant.keep("비스킷.pdf", "!")
    plant.ingestion.ingest(plant.own / "비스킷.pdf")
    entries = [entry for entry in reply(plant, event("GET", "/documents"))[1]["documents"]
               if entry["name"] == "비스킷.pdf"]
    assert len(entries) == 1 and entries[0]["version"] and "is damaged" in entries[0]["failure"]


@pytest.mark.parametrize("name", ODD)
def test_the_address_to_upload_to_is_told(plant: Plant, event: Event, name: str) -> None:
    """Where the file goes, with which method and headers; nothing is kept yet."""
    status, body = reply(plant, event("POST", "/documents", {"name": name}))
    assert status == 200 and body["name"] == name
    assert body["upload"]["method"] == "PUT" and body["upload"]["headers"] == {"Content-Type": "application/pdf"}
    address, _, last = body["upload"]["url"].rpartition("/")
    assert address == "http://127.0.0.1:8000/uploads" and last.isascii() and not set(last) & set(" #?&;")
    assert not (plant.own / name).exists()


def test_a_name_is_taken_in_one_form(plant: Plant, event: Event) -> None:
    """macOS writes 한글 in parts; both ways name one document, and spaces around it are nobody's meaning."""
    for given in (unicodedata.normalize("NFD", "작업 표준.pdf"), " 작업 표준.pdf\n"):
        assert reply(plant, event("POST", "/documents", {"name": given}))[1]["name"] == "작업 표준.pdf"


@pytest.mark.parametrize("name", [
    "", " ", ".pdf", ".hidden.pdf", "a.txt", "a.pdf.exe", "pdf", "작업 표준", "a/b.pdf", "../a.pdf", "/etc/a.pdf",
    "..\\a.pdf", "C:\\a.pdf", "a:b.pdf", "a*.pdf", "a?.pdf", 'a".pdf', "<a>.pdf", "a|b.pdf", "a\0.pdf", "a\nb.pdf",
    "a\x7f.pdf", "a" * (MAX_NAME_BYTES - 3) + ".pdf", "가" * 66 + ".pdf", "a%20b.pdf", 5, None, ["a.pdf"],
    {"a": 1}, True])
def test_a_name_that_no_store_could_keep_is_refused(plant: Plant, event: Event, name: Any) -> None:
    """A 400 that names the field, whatever is wrong with it."""
    status, body = reply(plant, event("POST", "/documents", {"name": name}))
    assert status == 400 and [error["field"] for error in body["errors"]] == ["name"]


def test_the_longest_name_is_taken(plant: Plant, event: Event) -> None:
    """The limit is of bytes, and what it allows every file system takes."""
    name = "a" * (MAX_NAME_BYTES - 4) + ".pdf"
    assert reply(plant, event("POST", "/documents", {"name": name}))[0] == 200
    plant.documents.put(name, b"")


def test_every_fault_of_an_upload_is_named_at_once(plant: Plant, event: Event) -> None:
    """What is not part of the request, and the name that is absent."""
    status, body = reply(plant, event("POST", "/documents", {"content": "x", "size": 1}))
    assert status == 400 and {error["field"] for error in body["errors"]} == {"content", "size", "name"}
    assert reply(plant, event("POST", "/documents", '{"name": "\\ud800.pdf"}'))[0] == 400


@pytest.mark.parametrize("name", ODD)
def test_a_document_of_ones_own_is_removed(plant: Plant, event: Event, name: str) -> None:
    """202: the file is gone at once; its passages go with the event that the store sends."""
    plant.add(name, FURNACE)
    assert reply(plant, named(event, "DELETE", name)) == (202, {"name": name})
    assert not (plant.own / name).exists() and name in plant.library.versions()
    assert reply(plant, named(event, "DELETE", name))[0] == 404


@pytest.mark.parametrize("name", ODD)
def test_a_name_may_come_as_the_address_has_it(plant: Plant, event: Event, name: str) -> None:
    """A gateway that hands path parameters on encoded leads to the same document."""
    plant.add(name, FURNACE)
    assert reply(plant, named(event, "DELETE", quote(name, safe=""))) == (202, {"name": name})


def test_a_file_that_could_not_be_read_is_removed_too(plant: Plant, event: Event) -> None:
    """Though it is not searched, it lies there."""
    assert reply(plant, named(event, "DELETE", "broken.pdf"))[0] == 202
    assert not (plant.own / "broken.pdf").exists()


def test_what_came_with_us_stays(plant: Plant, event: Event) -> None:
    """404, and the reason is told: there is no such file of one's own."""
    status, body = reply(plant, named(event, "DELETE", "manual.pdf"))
    assert status == 404 and "comes with Shotwise" in body["detail"] and (plant.shipped / "manual.pdf").exists()


@pytest.mark.parametrize("name", ["unknown.pdf", "../shipped/manual.pdf", "..", "", "own/비스킷.pdf", "a\0.pdf",
                                  "a" * 300])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_there_is_a_404(plant: Plant, event: Event, name: str, method: str) -> None:
    """Also where a name leads elsewhere."""
    before = sorted(path.name for path in plant.own.parent.rglob("*"))
    assert reply(plant, named(event, method, name))[0] == 404
    assert sorted(path.name for path in plant.own.parent.rglob("*")) == before


def test_a_search_finds_passages_with_their_places(plant: Plant, event: Event) -> None:
    """Best first, whole, with page, headings and relevance."""
    status, body = reply(plant, search(event, query=QUESTION))
    first = body["passages"][0]
    assert status == 200 and THIN in "".join(passage["text"] for passage in body["passages"])
    assert (first["document"], first["title"], first["page"]) == ("비스킷.pdf", "비스킷", 1)
    assert first["headings"][0] == "얇은 비스킷" and 0 <= first["relevance"] <= 1
    assert reply(plant, search(event, query="zzz"))[1] == {"passages": []}


def test_the_limit_of_a_search_is_kept(plant: Plant, event: Event) -> None:
    """DEFAULT_PASSAGES passages unless the caller wants fewer or more."""
    for number in range(MAX_PASSAGES + 1):
        plant.add(f"{number}.pdf", f"기공 {number}번 이야기이다.")
    for limit, count in (("", DEFAULT_PASSAGES), ("1", 1), (str(MAX_PASSAGES), MAX_PASSAGES)):
        assert len(reply(plant, search(event, query="기공", limit=limit))[1]["passages"]) == count
    assert len(reply(plant, search(event, query="기공"))[1]["passages"]) == DEFAULT_PASSAGES


@pytest.mark.parametrize(("parameters", "fields"), [
    ({}, ["query"]), ({"query": ""}, ["query"]), ({"query": "  "}, ["query"]), ({"limit": "5"}, ["query"]),
    ({"query": "가" * (MAX_QUESTION + 1)}, ["query"]), ({"query": "x", "limit": "0"}, ["limit"]),
    ({"query": "x", "limit": str(MAX_PASSAGES + 1)}, ["limit"]), ({"query": "x", "limit": "-1"}, ["limit"]),
    ({"query": "x", "limit": "1.0"}, ["limit"]), ({"query": "x", "limit": "ten"}, ["limit"]),
    ({"query": "x", "limit": "٣"}, ["limit"]), ({"query": "x", "limit": "²"}, ["limit"]),
    ({"query": "x", "limit": "9" * 5000}, ["limit"]), ({"limit": "x"}, ["query", "limit"])])
def test_a_bad_search_is_named(plant: Plant, event: Event, parameters: dict[str, str], fields: list[str]) -> None:
    """A 400 with every bad parameter."""
    status, body = reply(plant, search(event, **parameters))
    assert status == 400 and [error["field"] for error in body["errors"]] == fields


@pytest.mark.parametrize("path", ["/documents", "/search"])
def test_a_library_that_does_not_answer_is_a_503(event: Event, tmp_path: Path, analyzer: Analyzer, path: str) -> None:
    """And tells nothing of the inside."""
    library = SqliteDocumentStore(tmp_path / "library.sqlite")
    library.close()
    function = rag_query_handler(Answerer(HybridSearch(library, analyzer)), FolderFileStore([tmp_path], ""))
    found = function({**event("GET", path), "queryStringParameters": {"query": QUESTION}}, None)
    assert found["statusCode"] == json.loads(found["body"])["status"] == 503 and str(tmp_path) not in found["body"]
