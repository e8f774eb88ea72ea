"""The routes of documents: they are listed, uploaded, removed and searched."""

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
from shotwise.handlers.document_names import name_fault
from shotwise.handlers.documents import DEFAULT_PASSAGES
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.limits import MAX_DOCUMENT_NAME_BYTES, MAX_QUESTION_CHARACTERS, MAX_SEARCH_PASSAGES

Event = Callable[..., dict[str, Any]]
ODD_NAMES = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인.pdf", "a+b&c=d;e.pdf", "%4x.pdf", "a..b.PDF")


# Of earlier versions, or put into the folder by hand.
REFUSED_NAMES = ("a\u202efdp.pdf", "a\u200b.pdf", " a.pdf", "a\x1b[31m.pdf", "a\x85.pdf", "a\nb.pdf", "a\ue000.pdf",
                 "a\ufffd.pdf", "a%20b.pdf")


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """A plant with a document of its own, a shipped one, and one that could not be read."""
    plant = small_plant(tmp_path, analyzer)
    plant.add("비스킷.pdf", BISCUIT + "\f둘째 쪽")
    (plant.shipped / "manual.pdf").write_text(FURNACE, "utf-8")
    plant.ingestion.ingest(plant.shipped / "manual.pdf")
    plant.store_file("broken.pdf", "!")
    plant.ingestion.ingest(plant.own / "broken.pdf")
    return plant


def respond(plant: Plant, event: dict[str, Any]) -> tuple[int, Any]:
    """The status and the body of the response to an event."""
    response = rag_query_handler(plant.answerer(), plant.documents)(event, None)
    return response["statusCode"], json.loads(response["body"])


def document_event(event: Event, method: str, name: str) -> dict[str, Any]:
    """A request for one document."""
    return event(method, f"/documents/{name or 'x'}", resource="/documents/{name}", name=name)


def search_event(event: Event, **parameters: str) -> dict[str, Any]:
    """A search."""
    return {**event("GET", "/search"), "queryStringParameters": parameters or None}


def test_the_list_has_documents_that_are_searched_and_files_that_could_not_be_read(plant: Plant, event: Event) -> None:
    """It is sorted by name; a file that was never read has no version, and its failure begins with its name."""
    status, body = respond(plant, event("GET", "/documents"))
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
    """The old version is searched, and the entry says what is wrong with the new one."""
    plant.store_file("비스킷.pdf", "!")
    plant.ingestion.ingest(plant.own / "비스킷.pdf")
    entries = [entry for entry in respond(plant, event("GET", "/documents"))[1]["documents"]
               if entry["name"] == "비스킷.pdf"]
    assert len(entries) == 1 and entries[0]["version"] and "is damaged" in entries[0]["failure"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_upload_url_is_returned(plant: Plant, event: Event, name: str) -> None:
    """With method and headers; nothing is stored yet."""
    status, body = respond(plant, event("POST", "/documents", {"name": name}))
    assert status == 200 and body["name"] == name
    assert body["upload"]["method"] == "PUT" and body["upload"]["headers"] == {"Content-Type": "application/pdf"}
    folder_url, _, last = body["upload"]["url"].rpartition("/")
    assert folder_url == "http://127.0.0.1:8000/uploads" and last.isascii() and not set(last) & set(" #?&;")
    assert not (plant.own / name).exists()


def test_a_name_is_normalised(plant: Plant, event: Event) -> None:
    """A Mac decomposes 한글; both forms name one document, and spaces around a name are dropped."""
    for raw in (unicodedata.normalize("NFD", "작업 표준.pdf"), " 작업 표준.pdf\n"):
        assert respond(plant, event("POST", "/documents", {"name": raw}))[1]["name"] == "작업 표준.pdf"


@pytest.mark.parametrize("name", [
    "", " ", ".pdf", ".hidden.pdf", "a.txt", "a.pdf.exe", "pdf", "작업 표준", "a/b.pdf", "../a.pdf", "/etc/a.pdf",
    "..\\a.pdf", "C:\\a.pdf", "a:b.pdf", "a*.pdf", "a?.pdf", 'a".pdf', "<a>.pdf", "a|b.pdf", "a\0.pdf", "a\nb.pdf",
    "a\x7f.pdf", "a\u202efdp.pdf", "a\u200b.pdf", "a\u3164.pdf", "a\x9b.pdf", "a\ue000.pdf",
    "a" * (MAX_DOCUMENT_NAME_BYTES - 3) + ".pdf", "가" * 66 + ".pdf", "a%20b.pdf", 5, None, ["a.pdf"],
    {"a": 1}, True])
def test_a_name_that_no_store_could_keep_is_refused(plant: Plant, event: Event, name: Any) -> None:
    """It is a 400 that names the field, whatever is wrong with it."""
    status, body = respond(plant, event("POST", "/documents", {"name": name}))
    assert status == 400 and [error["field"] for error in body["errors"]] == ["name"]


def test_the_longest_name_is_accepted(plant: Plant, event: Event) -> None:
    """The limit is in bytes, and every file system takes a name of that length."""
    name = "a" * (MAX_DOCUMENT_NAME_BYTES - 4) + ".pdf"
    assert respond(plant, event("POST", "/documents", {"name": name}))[0] == 200
    plant.documents.put(name, b"")


def test_every_invalid_field_of_an_upload_is_listed_at_once(plant: Plant, event: Event) -> None:
    """Fields that are not part of the request are listed with the missing name."""
    status, body = respond(plant, event("POST", "/documents", {"content": "x", "size": 1}))
    assert status == 400 and {error["field"]: error["code"] for error in body["errors"]} == {
        "content": "not_part_of_request", "size": "not_part_of_request", "name": "not_a_pdf_name"}
    assert respond(plant, event("POST", "/documents", '{"name": "\\ud800.pdf"}'))[0] == 400


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_document_of_the_plant_is_removed(plant: Plant, event: Event, name: str) -> None:
    """The status is 202: the file is gone at once; its passages go with the event that the store sends."""
    plant.add(name, FURNACE)
    assert respond(plant, document_event(event, "DELETE", name)) == (202, {"name": name})
    assert not (plant.own / name).exists() and name in plant.document_store.versions()
    assert respond(plant, document_event(event, "DELETE", name))[0] == 404


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_document_under_a_name_that_is_refused_now_is_listed_and_removed(plant: Plant, event: Event,
                                                                           name: str) -> None:
    """It is searched as before, its entry says what is wrong with its name, and it can be opened and removed."""
    plant.add(name, FURNACE)
    listed = {entry["name"]: entry for entry in respond(plant, event("GET", "/documents"))[1]["documents"]}
    assert listed[name]["version"] and listed[name]["failure_detail"] == vars(name_fault(name))
    assert listed["비스킷.pdf"]["failure"] is None
    handler = rag_query_handler(plant.answerer(), plant.documents)
    assert handler(document_event(event, "GET", name), None)["statusCode"] == 200
    assert respond(plant, document_event(event, "DELETE", name)) == (202, {"name": name})
    assert not (plant.own / name).exists()


def test_a_decoded_name_is_preferred_as_it_is(plant: Plant, event: Event) -> None:
    """A stored name that looks encoded is not taken for that of another document."""
    for name in ("a%20b.pdf", "a b.pdf"):
        plant.add(name, FURNACE)
    assert respond(plant, document_event(event, "DELETE", "a%20b.pdf")) == (202, {"name": "a%20b.pdf"})
    assert (plant.own / "a b.pdf").exists() and not (plant.own / "a%20b.pdf").exists()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_may_be_percent_encoded(plant: Plant, event: Event, name: str) -> None:
    """A gateway that passes path parameters on encoded leads to the same document."""
    plant.add(name, FURNACE)
    assert respond(plant, document_event(event, "DELETE", quote(name, safe=""))) == (202, {"name": name})


def test_a_file_that_could_not_be_read_is_removed_too(plant: Plant, event: Event) -> None:
    """It is not searched, but it is there."""
    assert respond(plant, document_event(event, "DELETE", "broken.pdf"))[0] == 202
    assert not (plant.own / "broken.pdf").exists()


def test_a_shipped_document_stays(plant: Plant, event: Event) -> None:
    """It is a 404 with the reason: the plant has no such file of its own."""
    status, body = respond(plant, document_event(event, "DELETE", "manual.pdf"))
    assert status == 404 and "comes with Shotwise" in body["detail"] and (plant.shipped / "manual.pdf").exists()


@pytest.mark.parametrize("name", ["unknown.pdf", "../shipped/manual.pdf", "..", "", "own/비스킷.pdf", "a\0.pdf",
                                  "a" * 300])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_missing_document_is_a_404(plant: Plant, event: Event, name: str, method: str) -> None:
    """A name that leads out of the folder is one too."""
    before = sorted(path.name for path in plant.own.parent.rglob("*"))
    assert respond(plant, document_event(event, method, name))[0] == 404
    assert sorted(path.name for path in plant.own.parent.rglob("*")) == before


def test_a_search_finds_passages_with_their_places(plant: Plant, event: Event) -> None:
    """They are complete, the best first, with page, headings and relevance."""
    status, body = respond(plant, search_event(event, query=QUESTION))
    first = body["passages"][0]
    assert status == 200 and THIN in "".join(passage["text"] for passage in body["passages"])
    assert (first["document"], first["title"], first["page"]) == ("비스킷.pdf", "비스킷", 1)
    assert first["headings"][0] == "얇은 비스킷" and 0 <= first["relevance"] <= 1
    assert respond(plant, search_event(event, query="zzz"))[1] == {"passages": []}


def test_the_limit_of_a_search_is_kept(plant: Plant, event: Event) -> None:
    """DEFAULT_PASSAGES passages unless the caller wants fewer or more."""
    for number in range(MAX_SEARCH_PASSAGES + 1):
        plant.add(f"{number}.pdf", f"기공 {number}번 이야기이다.")
    for limit, count in (("", DEFAULT_PASSAGES), ("1", 1), (str(MAX_SEARCH_PASSAGES), MAX_SEARCH_PASSAGES)):
        assert len(respond(plant, search_event(event, query="기공", limit=limit))[1]["passages"]) == count
    assert len(respond(plant, search_event(event, query="기공"))[1]["passages"]) == DEFAULT_PASSAGES


@pytest.mark.parametrize(("parameters", "fields"), [
    ({}, ["query"]), ({"query": ""}, ["query"]), ({"query": "  "}, ["query"]), ({"limit": "5"}, ["query"]),
    ({"query": "가" * (MAX_QUESTION_CHARACTERS + 1)}, ["query"]), ({"query": "x", "limit": "0"}, ["limit"]),
    ({"query": "x", "limit": str(MAX_SEARCH_PASSAGES + 1)}, ["limit"]), ({"query": "x", "limit": "-1"}, ["limit"]),
    ({"query": "x", "limit": "1.0"}, ["limit"]), ({"query": "x", "limit": "ten"}, ["limit"]),
    ({"query": "x", "limit": "٣"}, ["limit"]), ({"query": "x", "limit": "²"}, ["limit"]),
    ({"query": "x", "limit": "9" * 5000}, ["limit"]), ({"query": "x", "limit": "000000005" + "0" * 4400}, ["limit"]),
    ({"query": "x", "limit": "00000000150"}, ["limit"]), ({"query": "x", "limit": "05"}, ["limit"]),
    ({"query": "x", "limit": " 5"}, ["limit"]), ({"limit": "x"}, ["query", "limit"])])
def test_an_invalid_search_is_listed(plant: Plant, event: Event, parameters: dict[str, str], fields: list[str]) -> None:
    """It is a 400 with every invalid parameter."""
    status, body = respond(plant, search_event(event, **parameters))
    assert status == 400 and [error["field"] for error in body["errors"]] == fields


@pytest.mark.parametrize(("name", "values"), [("limit", ["5", "7"]), ("limit", ["5", "5"]), ("query", ["x", QUESTION])])
def test_a_parameter_that_is_sent_twice_is_refused(plant: Plant, event: Event, name: str, values: list[str]) -> None:
    """As a repeated key of a body is: which of them counts would be a guess."""
    parameters = {"query": [QUESTION], "limit": ["5"], name: values}
    status, body = respond(plant, {
        **event("GET", "/search"), "multiValueQueryStringParameters": parameters,
        "queryStringParameters": {key: texts[-1] for key, texts in parameters.items()}})
    assert status == 400
    assert [(error["field"], error["code"]) for error in body["errors"]] == [(name, "repeated_key")]


@pytest.mark.parametrize("path", ["/documents", "/search"])
def test_a_store_that_does_not_respond_is_a_503(event: Event, tmp_path: Path, analyzer: Analyzer, path: str) -> None:
    """The problem has no details of it."""
    document_store = SqliteDocumentStore(tmp_path / "library.sqlite")
    document_store.close()
    handler = rag_query_handler(Answerer(HybridSearch(document_store, analyzer)), FolderFileStore([tmp_path], ""))
    response = handler({**event("GET", path), "queryStringParameters": {"query": QUESTION}}, None)
    problem = json.loads(response["body"])
    assert response["statusCode"] == problem["status"] == 503 and problem["code"] == "knowledge_unavailable"
    assert str(tmp_path) not in response["body"]
