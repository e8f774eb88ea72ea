"""The embedding pipeline from a queue's messages to the library: what the bucket holds is what is searched."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_plant import BISCUIT, FURNACE, QUESTION, THIN, Plant, batch, message, small_plant
from unit.knowledge.fakes import InMemoryDocumentStore

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import KnowledgeError, NotFound, StoreError
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


def queue_of(ingestion: Ingestion, documents: FileStore) -> Any:
    """The handler, whose stack asks for nothing."""
    def unasked(*_: Any) -> None:
        raise AssertionError("no stack asked")

    return embed_documents_handler(ingestion, documents, unasked, unasked)


def handled(plant: Plant, *bodies: str) -> dict[str, Any]:
    """What the handler replies to a batch of messages."""
    return queue_of(plant.ingestion, plant.documents)(batch(*bodies), None)


def listed(plant: Plant) -> dict[str, dict[str, Any]]:
    """Name → what GET /documents tells of it."""
    return {found["name"]: found for found in documents_reply(plant.library)["documents"]}


def found(plant: Plant) -> list[str]:
    """The documents in which a search finds what the plant's question asks."""
    return sorted({hit.passage.document for hit in plant.answerer().search(QUESTION, 9)})


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_becomes_searchable(plant: Plant, name: str) -> None:
    """S3 writes names for URLs; what is kept is the name itself."""
    plant.keep(name, BISCUIT)
    assert handled(plant, message(name)) == DONE
    assert found(plant) == [name] and listed(plant)[name]["failure"] is None
    assert plant.answerer().search(THIN, 1)[0].passage.page == 1


def test_s3s_own_way_of_writing_a_name_is_read(plant: Plant) -> None:
    """As recorded from S3: a space is a plus, everything else that is not ASCII is in percent signs."""
    plant.keep("작업 표준+1.pdf", BISCUIT)
    record = {"s3": {"object": {"key": "%EC%9E%91%EC%97%85+%ED%91%9C%EC%A4%80%2B1.pdf"}}}
    assert handled(plant, json.dumps({"Records": [record]})) == DONE and found(plant) == ["작업 표준+1.pdf"]


def test_s3s_test_of_the_way_out_is_passed_over(plant: Plant) -> None:
    """The message that S3 sends when a notification is set up names no object."""
    body = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": "documents",
            "RequestId": "5582815E1AEA5ADF", "HostId": "x"}
    assert handled(plant, json.dumps(body)) == DONE and listed(plant) == {}


def test_a_message_may_carry_several_events_and_a_batch_several_messages(plant: Plant) -> None:
    """All of them are done."""
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        plant.keep(name, f"{BISCUIT}\n{name}")
    assert handled(plant, message("a.pdf", "b.pdf"), message("c.pdf")) == DONE
    assert found(plant) == ["a.pdf", "b.pdf", "c.pdf"]


def test_the_same_event_again_changes_nothing(plant: Plant) -> None:
    """Neither in one message, nor in one batch, nor later."""
    plant.keep("a.pdf", BISCUIT)
    handled(plant, message("a.pdf"))
    volume = plant.library.documents["a.pdf"]
    assert handled(plant, message("a.pdf", "a.pdf"), message("a.pdf")) == DONE
    assert plant.library.documents["a.pdf"] is volume


@pytest.mark.parametrize("event", ["ObjectCreated:Put", REMOVED, "ObjectRemoved:Delete", "ObjectRestore:Post"])
@pytest.mark.parametrize("there", [True, False])
def test_what_the_bucket_holds_decides_and_not_the_event(plant: Plant, event: str, there: bool) -> None:
    """Late and out of order, an event of either kind ends in the state of now."""
    plant.add("a.pdf", BISCUIT)
    if not there:
        (plant.own / "a.pdf").unlink()
    assert handled(plant, message("a.pdf", event=event)) == DONE
    assert found(plant) == (["a.pdf"] if there else [])


def test_a_new_version_takes_the_place_of_the_old(plant: Plant) -> None:
    """Of the old one nothing is found any more."""
    plant.add("a.pdf", FURNACE)
    plant.keep("a.pdf", BISCUIT)
    assert handled(plant, message("a.pdf")) == DONE
    said = [line.text for hit in plant.answerer().search("비스킷 소착", 9) for line in hit.passage.lines]
    assert THIN in said and not [line for line in said if "소착" in line]


def test_a_removed_file_that_hid_a_manual_gives_it_back(plant: Plant) -> None:
    """On one machine a document of one's own takes a manual's place; without it the manual is searched again."""
    (plant.shipped / "guide.pdf").write_text(FURNACE, "utf-8")
    plant.add("guide.pdf", BISCUIT)
    assert "비스킷" in plant.library.page_text("guide.pdf", 1)
    plant.documents.remove("guide.pdf")
    assert handled(plant, message("guide.pdf", event=REMOVED)) == DONE
    assert plant.library.page_text("guide.pdf", 1) == FURNACE


def test_a_file_that_cannot_be_read_is_told_and_no_failure_of_ours(plant: Plant) -> None:
    """It is not tried again; the reason is listed, what was searched before is searched on, a good file heals it."""
    plant.add("a.pdf", BISCUIT)
    for name in ("a.pdf", "new.pdf"):
        plant.keep(name, "!")
    assert handled(plant, message("a.pdf", "new.pdf")) == DONE
    assert listed(plant)["a.pdf"]["failure"] == "a.pdf: is damaged; export it again as PDF"
    assert listed(plant)["new.pdf"]["version"] is None and listed(plant)["new.pdf"]["failure"].startswith("new.pdf: ")
    assert found(plant) == ["a.pdf"]
    plant.keep("new.pdf", BISCUIT)
    assert handled(plant, message("new.pdf")) == DONE and listed(plant)["new.pdf"]["failure"] is None
    (plant.own / "a.pdf").unlink()
    assert handled(plant, message("a.pdf", event=REMOVED)) == DONE and list(listed(plant)) == ["new.pdf"]


class AnyName(FolderFileStore):
    """A store that keeps files under any name, as S3 does."""

    def __init__(self, names: set[str]) -> None:
        super().__init__([], "")
        self.names = names

    def get(self, name: str) -> StoredFile:
        """A file, where one of this name is kept."""
        if name not in self.names:
            raise NotFound(name)
        return StoredFile(BISCUIT.encode(), None)

    def fetch(self, name: str, folder: Path) -> Path:
        """Nothing is fetched that is not read."""
        raise AssertionError(name) if name in self.names else NotFound(name)


@pytest.mark.parametrize("name", ["2026/작업 표준.pdf", "notes.txt", ".hidden.pdf", "a:b.pdf", "가" * 70 + ".pdf"])
def test_a_name_that_no_document_may_have_is_told(plant: Plant, name: str) -> None:
    """The file is not read, and the list says why, beginning with its name."""
    assert queue_of(plant.ingestion, AnyName({name}))(batch(message(name)), None) == DONE
    assert listed(plant)[name]["failure"].startswith(f"{name}: its name must be") and found(plant) == []


@pytest.mark.parametrize("name", ["2026/작업 표준.pdf", "notes.txt"])
def test_what_was_told_of_a_name_goes_with_its_file(plant: Plant, name: str) -> None:
    """Once the badly named object is gone, the list speaks of it no more."""
    store = AnyName({name})
    handle = queue_of(plant.ingestion, store)
    handle(batch(message(name)), None)
    assert list(listed(plant)) == [name]
    store.names.clear()
    assert handle(batch(message(name, event=REMOVED)), None) == DONE and listed(plant) == {}


def test_folders_are_passed_over(plant: Plant) -> None:
    """The console makes an empty object whose name ends in a slash."""
    assert handled(plant, message("2026/")) == DONE and listed(plant) == {}


class Picky(InMemoryDocumentStore):
    """A library that does not take documents of one name."""

    def put(self, volume: IndexedDocument) -> None:
        """Keep the document, unless it is bad.pdf."""
        if volume.document.name == "bad.pdf":
            raise KnowledgeError("the store at 10.0.0.1 does not answer")
        super().put(volume)


def test_a_store_that_fails_costs_its_message_alone(plant: Plant) -> None:
    """Only that message is handed back, to be tried again; the others are done, before and after it."""
    plant.library = Picky()
    for name in ("a.pdf", "bad.pdf", "c.pdf"):
        plant.keep(name, f"{BISCUIT}\n{name}")
    bodies = [message("a.pdf"), message("bad.pdf"), message("c.pdf")]
    assert handled(plant, *bodies) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert found(plant) == ["a.pdf", "c.pdf"]
    plant.library = InMemoryDocumentStore()
    assert handled(plant, bodies[1]) == DONE and found(plant) == ["bad.pdf"]


@pytest.mark.parametrize("body", ["not JSON", '{"Records": [{}]}', "[]"])
def test_a_message_of_another_kind_is_handed_back_alone(plant: Plant, body: str) -> None:
    """It ends among the dead letters, where it can be looked at; a whole batch of them raises nothing."""
    plant.keep("a.pdf", BISCUIT)
    assert handled(plant, body, message("a.pdf")) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert found(plant) == ["a.pdf"]
    assert handled(plant, body) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


class Unreachable:
    """A store that does not answer."""

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


def test_a_bucket_that_does_not_answer_is_no_empty_one(plant: Plant) -> None:
    """The document stays searchable, and the message is tried again."""
    plant.add("a.pdf", BISCUIT)
    handler = queue_of(plant.ingestion, Unreachable())
    assert handler(batch(message("a.pdf", event=REMOVED)), None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert found(plant) == ["a.pdf"]


def test_logs_and_metrics_tell_of_files_without_their_text(plant: Plant, monkeypatch: pytest.MonkeyPatch,
                                                           capsys: pytest.CaptureFixture[str],
                                                           caplog: pytest.LogCaptureFixture) -> None:
    """One line and one record a document: its name, what became of it, pages and passages; no word of what it says."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    caplog.set_level("INFO", SERVICE)
    plant.library = Picky()
    for name, text in (("good.pdf", f"{BISCUIT}\f{FURNACE}"), ("worse.pdf", "!소착"), ("bad.pdf", BISCUIT)):
        plant.keep(name, text)
    handled(plant, message("good.pdf"), message("worse.pdf"), message("bad.pdf"), message("good.pdf"))
    assert [(record.getMessage(), record.__dict__["document"], record.__dict__.get("state"))
            for record in caplog.records if record.name == SERVICE] == [
        ("ingested", "good.pdf", "added"), ("ingested", "worse.pdf", "failed"), ("failed", "bad.pdf", None),
        ("ingested", "good.pdf", "unchanged")]
    out = capsys.readouterr().out
    records = [json.loads(line) for line in out.splitlines() if '"_aws"' in line]
    queue_of(plant.ingestion, plant.documents)(batch(message("bad.pdf")), SimpleNamespace(function_version="7"))
    assert '"function_version":"7"' in capsys.readouterr().out.replace(" ", "")
    (broken,) = [records.pop(number) for number, record in enumerate(records) if "Failed" in record]
    assert (broken["Failed"], broken["function_version"]) == ([1.0], "none")  # what a roll-out is stopped by
    assert [(record["Pages"], record["FailedDocuments"]) for record in records] == [([2], [0]), ([0], [1]), ([0], [0])]
    assert records[0]["Passages"][0] >= 3 and {record["model_version"] for record in records} == {"lexical"}
    assert not [word for word in ("비스킷", "소착", "급탕") if word in out + caplog.text]
