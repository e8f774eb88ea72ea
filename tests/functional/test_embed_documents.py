"""Messages of the queue become documents in the store: what the bucket holds is what is searched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_plant import BISCUIT, FURNACE, QUESTION, THIN, Plant, batch, message, read, small_plant
from unit.knowledge.fakes import InMemoryDocumentStore

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import KnowledgeError, NotFound, OutOfTime, StoreError
from shotwise.files import FileStore, StoredFile, Upload
from shotwise.handlers.documents import documents_reply
from shotwise.handlers.embed_documents import SERVICE, embed_documents_handler
from shotwise.knowledge.ingestion.pipeline import Ingestion
from shotwise.knowledge.models import IndexedDocument
from shotwise.knowledge.text.analyzer import Analyzer

DONE: dict[str, Any] = {"batchItemFailures": []}
REMOVED = "ObjectRemoved:DeleteMarkerCreated"
NAMES = ("작업 표준.pdf", "a+b & c.pdf", "100% 확인.pdf", "#1 「점검」·보온로.PDF", "guide.pdf")


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """An empty plant."""
    return small_plant(tmp_path, analyzer)


def make_handler(ingestion: Ingestion, documents: FileStore) -> Any:
    """Make the handler; a call of a stack fails the test."""
    def unexpected(*_: Any) -> None:
        raise AssertionError("there was no event of a stack")

    return embed_documents_handler(ingestion, documents, unexpected, unexpected)


def handle(plant: Plant, *bodies: str) -> dict[str, Any]:
    """Handle a batch of messages; return the reply."""
    return make_handler(plant.ingestion, plant.documents)(batch(*bodies), None)


def list_documents(plant: Plant) -> dict[str, dict[str, Any]]:
    """Return the reply of GET /documents, by name."""
    return {document["name"]: document for document in documents_reply(plant.document_store)["documents"]}


def search(plant: Plant) -> list[str]:
    """Return the documents in which a search finds something for the question."""
    return sorted({hit.passage.document for hit in plant.answerer().search(QUESTION, 9)})


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_becomes_searchable(plant: Plant, name: str) -> None:
    """A file of any name is searchable under that name, though S3 encodes it in its message."""
    plant.store_file(name, BISCUIT)
    assert handle(plant, message(name)) == DONE
    assert search(plant) == [name] and list_documents(plant)[name]["failure"] is None
    assert plant.answerer().search(THIN, 1)[0].passage.page == 1


def test_the_encoding_of_a_name_by_s3_is_read(plant: Plant) -> None:
    """A name is decoded as recorded from S3: a space is a plus, what is not ASCII is percent-encoded."""
    plant.store_file("작업 표준+1.pdf", BISCUIT)
    record = {"s3": {"object": {"key": "%EC%9E%91%EC%97%85+%ED%91%9C%EC%A4%80%2B1.pdf"}}}
    assert handle(plant, json.dumps({"Records": [record]})) == DONE and search(plant) == ["작업 표준+1.pdf"]


def test_the_test_message_of_s3_is_ignored(plant: Plant) -> None:
    """The message that S3 sends when a notification is set up changes nothing."""
    body = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": "documents",
            "RequestId": "5582815E1AEA5ADF", "HostId": "x"}
    assert handle(plant, json.dumps(body)) == DONE and list_documents(plant) == {}


def test_a_message_may_carry_several_events_and_a_batch_several_messages(plant: Plant) -> None:
    """All events of all messages are handled."""
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        plant.store_file(name, f"{BISCUIT}\n{name}")
    assert handle(plant, message("a.pdf", "b.pdf"), message("c.pdf")) == DONE
    assert search(plant) == ["a.pdf", "b.pdf", "c.pdf"]


def test_the_same_event_again_changes_nothing(plant: Plant) -> None:
    """The same event again changes nothing, in one message, in one batch or later."""
    plant.store_file("a.pdf", BISCUIT)
    handle(plant, message("a.pdf"))
    document = plant.document_store.documents["a.pdf"]
    assert handle(plant, message("a.pdf", "a.pdf"), message("a.pdf")) == DONE
    assert plant.document_store.documents["a.pdf"] is document


@pytest.mark.parametrize("event", ["ObjectCreated:Put", REMOVED, "ObjectRemoved:Delete", "ObjectRestore:Post"])
@pytest.mark.parametrize("there", [True, False])
def test_what_the_bucket_holds_decides_and_not_the_event(plant: Plant, event: str, there: bool) -> None:
    """An event of any kind, late or out of order, ends in what the bucket holds now."""
    plant.add("a.pdf", BISCUIT)
    if not there:
        (plant.own / "a.pdf").unlink()
    assert handle(plant, message("a.pdf", event=event)) == DONE
    assert search(plant) == (["a.pdf"] if there else [])


def test_a_new_version_replaces_the_old(plant: Plant) -> None:
    """Nothing of the old version is found any more."""
    plant.add("a.pdf", FURNACE)
    plant.store_file("a.pdf", BISCUIT)
    assert handle(plant, message("a.pdf")) == DONE
    lines = [line.text for hit in plant.answerer().search("비스킷 소착", 9) for line in hit.passage.lines]
    assert THIN in lines and not [line for line in lines if "소착" in line]


def test_a_removed_file_that_hid_a_manual_gives_it_back(plant: Plant) -> None:
    """An uploaded document that replaced a shipped manual is removed, and the manual is searched again."""
    (plant.shipped / "guide.pdf").write_text(FURNACE, "utf-8")
    plant.add("guide.pdf", BISCUIT)
    assert "비스킷" in plant.document_store.page_text("guide.pdf", 1)
    plant.documents.remove("guide.pdf")
    assert handle(plant, message("guide.pdf", event=REMOVED)) == DONE
    assert plant.document_store.page_text("guide.pdf", 1) == FURNACE


def test_a_file_that_cannot_be_read_is_listed_and_not_tried_again(plant: Plant) -> None:
    """Its failure is listed, the old version stays searchable, and a readable file clears the failure."""
    plant.add("a.pdf", BISCUIT)
    for name in ("a.pdf", "new.pdf"):
        plant.store_file(name, "!")
    assert handle(plant, message("a.pdf", "new.pdf")) == DONE
    assert list_documents(plant)["a.pdf"]["failure"] == "a.pdf: is damaged; export it again as PDF"
    unread = list_documents(plant)["new.pdf"]
    assert unread["version"] is None and unread["failure"].startswith("new.pdf: ")
    assert search(plant) == ["a.pdf"]
    plant.store_file("new.pdf", BISCUIT)
    assert handle(plant, message("new.pdf")) == DONE and list_documents(plant)["new.pdf"]["failure"] is None
    (plant.own / "a.pdf").unlink()
    assert handle(plant, message("a.pdf", event=REMOVED)) == DONE and list(list_documents(plant)) == ["new.pdf"]


class AnyNameFileStore(FolderFileStore):
    """A file store that takes any name, as S3 does."""

    def __init__(self, names: set[str]) -> None:
        super().__init__([], "")
        self.names = names

    def get(self, name: str) -> StoredFile:
        """Return the file of this name, if there is one."""
        if name not in self.names:
            raise NotFound(name)
        return StoredFile(BISCUIT.encode(), None)

    def fetch(self, name: str, folder: Path) -> Path:
        """Fail the test: a file with such a name must not be fetched."""
        raise AssertionError(name) if name in self.names else NotFound(name)


@pytest.mark.parametrize("name", ["2026/작업 표준.pdf", "notes.txt", ".hidden.pdf", "a:b.pdf", "가" * 70 + ".pdf"])
def test_a_name_that_no_document_may_have_is_a_failure(plant: Plant, name: str) -> None:
    """A file with such a name is not read, and its failure is listed."""
    assert make_handler(plant.ingestion, AnyNameFileStore({name}))(batch(message(name)), None) == DONE
    assert list_documents(plant)[name]["failure"].startswith(f"{name}: its name must be") and search(plant) == []


@pytest.mark.parametrize("name", ["2026/작업 표준.pdf", "notes.txt"])
def test_the_failure_of_a_name_goes_with_its_file(plant: Plant, name: str) -> None:
    """When the file is removed, its failure is no longer listed."""
    store = AnyNameFileStore({name})
    handler = make_handler(plant.ingestion, store)
    handler(batch(message(name)), None)
    assert list(list_documents(plant)) == [name]
    store.names.clear()
    assert handler(batch(message(name, event=REMOVED)), None) == DONE and list_documents(plant) == {}


def test_folders_are_ignored(plant: Plant) -> None:
    """The empty object by which the console shows a folder changes nothing."""
    assert handle(plant, message("2026/")) == DONE and list_documents(plant) == {}


class PartlyFailingDocumentStore(InMemoryDocumentStore):
    """A document store that fails for bad.pdf."""

    def put(self, indexed_document: IndexedDocument) -> None:
        """Store the document, unless it is bad.pdf."""
        if indexed_document.document.name == "bad.pdf":
            raise KnowledgeError("the store at 10.0.0.1 does not answer")
        super().put(indexed_document)


def test_a_store_that_fails_costs_its_message_alone(plant: Plant) -> None:
    """Only the message that failed is reported back, to be tried again; the others are done."""
    plant.document_store = PartlyFailingDocumentStore()
    for name in ("a.pdf", "bad.pdf", "c.pdf"):
        plant.store_file(name, f"{BISCUIT}\n{name}")
    bodies = [message("a.pdf"), message("bad.pdf"), message("c.pdf")]
    assert handle(plant, *bodies) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert search(plant) == ["a.pdf", "c.pdf"]
    plant.document_store = InMemoryDocumentStore()
    assert handle(plant, bodies[1]) == DONE and search(plant) == ["bad.pdf"]


def test_a_document_that_is_tried_again_is_listed_meanwhile(plant: Plant) -> None:
    """With the failure beside its earlier version; when it is read, the failure is gone."""
    plant.add("a.pdf", BISCUIT)
    plant.store_file("a.pdf", FURNACE)
    plant.document_store.failing = {"put"}
    assert handle(plant, message("a.pdf")) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    entry = list_documents(plant)["a.pdf"]
    assert entry["failure_detail"] == {"code": "tried_again", "params": {}} and entry["version"]
    plant.document_store.failing = set()
    assert handle(plant, message("a.pdf")) == DONE and list_documents(plant)["a.pdf"]["failure"] is None


def test_a_store_that_takes_nothing_at_all_still_hands_the_message_back(plant: Plant) -> None:
    """The failure cannot be listed then, but the message is tried again."""
    plant.store_file("a.pdf", BISCUIT)
    plant.document_store.failing = {"put", "note_failure"}
    assert handle(plant, message("a.pdf")) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


class Context:
    """A Lambda context with some time left."""

    function_version = "7"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return 1500


@pytest.mark.parametrize("needed", [1.0, 2.0])
def test_a_document_has_the_time_of_the_invocation(plant: Plant, needed: float) -> None:
    """If that is used up, the handler says so, and the list shows no failure: with more time it may be read."""
    def read_slowly(path: Path, *, seconds: float) -> Any:
        if seconds < needed:
            raise OutOfTime(path.name)
        return read(path)

    plant.store_file("a.pdf", BISCUIT)
    handler = make_handler(replace(plant.ingestion, read=read_slowly), plant.documents)
    if needed > 1.5:
        with pytest.raises(OutOfTime):
            handler(batch(message("a.pdf")), Context())
        assert list_documents(plant) == {}
    else:
        assert handler(batch(message("a.pdf")), Context()) == DONE and search(plant) == ["a.pdf"]


@pytest.mark.parametrize("body", ["not JSON", '{"Records": [{}]}', "[]"])
def test_a_message_of_another_form_is_reported_back_alone(plant: Plant, body: str) -> None:
    """A message of another form is reported back, also alone in its batch, and ends as a dead letter."""
    plant.store_file("a.pdf", BISCUIT)
    assert handle(plant, body, message("a.pdf")) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert search(plant) == ["a.pdf"]
    assert handle(plant, body) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


class UnreachableFileStore:
    """A file store that does not answer."""

    def put(self, name: str, content: bytes) -> str:
        """Fail."""
        raise StoreError("no")

    def get(self, name: str) -> StoredFile:
        """Fail."""
        raise StoreError("no")

    def fetch(self, name: str, folder: Path) -> Path:
        """Fail."""
        raise StoreError("no")

    def remove(self, name: str) -> None:
        """Fail."""
        raise StoreError("no")

    def upload(self, name: str) -> Upload:
        """Fail."""
        raise StoreError("no")


def test_a_bucket_that_does_not_answer_is_not_empty(plant: Plant) -> None:
    """Where the bucket does not answer, the document stays searchable and the message is tried again."""
    plant.add("a.pdf", BISCUIT)
    handler = make_handler(plant.ingestion, UnreachableFileStore())
    assert handler(batch(message("a.pdf", event=REMOVED)), None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert search(plant) == ["a.pdf"]


def test_logs_and_metrics_name_files_without_their_text(plant: Plant, monkeypatch: pytest.MonkeyPatch,
                                                           capsys: pytest.CaptureFixture[str],
                                                           caplog: pytest.LogCaptureFixture) -> None:
    """Each document is one log line and one metric record, with its outcome and none of its text."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    caplog.set_level("INFO", SERVICE)
    plant.document_store = PartlyFailingDocumentStore()
    for name, text in (("good.pdf", f"{BISCUIT}\f{FURNACE}"), ("worse.pdf", "!소착"), ("bad.pdf", BISCUIT)):
        plant.store_file(name, text)
    handle(plant, message("good.pdf"), message("worse.pdf"), message("bad.pdf"), message("good.pdf"))
    assert [(record.getMessage(), record.__dict__["document"], record.__dict__.get("state"))
            for record in caplog.records if record.name == SERVICE] == [
        ("ingested", "good.pdf", "added"), ("ingested", "worse.pdf", "failed"), ("failed", "bad.pdf", None),
        ("ingested", "good.pdf", "unchanged")]
    out = capsys.readouterr().out
    records = [json.loads(line) for line in out.splitlines() if '"_aws"' in line]
    make_handler(plant.ingestion, plant.documents)(batch(message("bad.pdf")), SimpleNamespace(function_version="7"))
    assert '"function_version":"7"' in capsys.readouterr().out.replace(" ", "")
    (broken,) = [records.pop(number) for number, record in enumerate(records) if "Failed" in record]
    assert (broken["Failed"], broken["function_version"]) == ([1.0], "none")  # what a roll-out is stopped by
    assert [(record["Pages"], record["FailedDocuments"]) for record in records] == [([2], [0]), ([0], [1]), ([0], [0])]
    assert records[0]["Passages"][0] >= 3 and {record["model_version"] for record in records} == {"lexical"}
    assert not [word for word in ("비스킷", "소착", "급탕") if word in out + caplog.text]
