"""The documents bucket of one machine tells of changes as S3 does, and tries again as a queue does."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import StoreError
from shotwise_local.s3_events import MAX_RECEIVES, DocumentsBucket
from shotwise_local.template import load_yaml

DONE: dict[str, Any] = {"batchItemFailures": []}
ROOT = Path(__file__).parents[2]


class Queue:
    """Hears of changes. outcomes: what to reply to the next messages, or to raise; then all is done. heard: name and
    event of each message; identifiers: of each message.
    """

    def __init__(self, *outcomes: Any) -> None:
        self._outcomes = list(outcomes)
        self.heard: list[tuple[str, str]] = []
        self.identifiers: list[str] = []
        self.threads: set[int] = set()

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Take one message."""
        (message,) = event["Records"]
        (record,) = json.loads(message["body"])["Records"]
        self.heard.append((unquote_plus(record["s3"]["object"]["key"]), record["eventName"]))
        self.identifiers.append(message["messageId"])
        self.threads.add(threading.get_ident())
        outcome = self._outcomes.pop(0) if self._outcomes else DONE
        if isinstance(outcome, Exception):
            raise outcome
        found: dict[str, Any] = outcome
        return found


FAILED = {"batchItemFailures": [{"itemIdentifier": "x"}]}


@pytest.mark.parametrize("name", ["작업 표준.pdf", "a+b c.pdf", "100%25.pdf", "#1 「점검」·보온로.pdf", "2026/a b.pdf"])
def test_a_file_is_kept_before_it_is_told_of(tmp_path: Path, name: str) -> None:
    """The message holds the name as S3 writes it, and the file lies there when it comes."""
    there = []
    queue = Queue()

    def handle(event: dict[str, Any]) -> dict[str, Any]:
        there.append((tmp_path / name).read_bytes())
        return queue(event)

    (tmp_path / name).parent.mkdir(exist_ok=True)
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), handle)
    bucket.put(name, b"%PDF-")
    bucket.wait()
    assert queue.heard == [(name, "ObjectCreated:Put")] and there == [b"%PDF-"]


def test_changes_are_told_one_after_another_in_their_order(tmp_path: Path) -> None:
    """By one thread that is not the caller's, so a slow document holds no request up."""
    queue = Queue()
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), queue)
    for number in range(5):
        bucket.put(f"{number}.pdf", b"")
    bucket.notify("0.pdf", "ObjectRemoved:Delete")
    bucket.wait()
    assert queue.heard == [*((f"{number}.pdf", "ObjectCreated:Put") for number in range(5)),
                           ("0.pdf", "ObjectRemoved:Delete")]
    assert len(queue.threads) == 1 and threading.get_ident() not in queue.threads
    assert len(set(queue.identifiers)) == 6


@pytest.mark.parametrize("failure", [FAILED, RuntimeError("secret")], ids=["handed back", "raised"])
def test_what_fails_is_tried_again(tmp_path: Path, failure: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Until it is done; nothing is put aside then, and what came meanwhile is not held up."""
    queue = Queue(*[failure] * (MAX_RECEIVES - 1))
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), queue)
    bucket.notify("a.pdf", "ObjectCreated:Put")
    bucket.wait()
    assert queue.heard == [("a.pdf", "ObjectCreated:Put")] * MAX_RECEIVES
    assert "given up" not in caplog.text


@pytest.mark.parametrize("failure", [FAILED, RuntimeError("secret")], ids=["handed back", "raised"])
def test_what_fails_each_time_is_put_aside_and_said(tmp_path: Path, failure: Any,
                                                    caplog: pytest.LogCaptureFixture) -> None:
    """After MAX_RECEIVES tries, by name; the next change is told as ever."""
    caplog.set_level(logging.ERROR, "shotwise_local.s3_events")
    queue = Queue(*[failure] * MAX_RECEIVES)
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), queue)
    bucket.notify("a.pdf", "ObjectCreated:Put")
    bucket.wait()
    bucket.notify("b.pdf", "ObjectCreated:Put")
    bucket.wait()
    assert [name for name, _ in queue.heard] == ["a.pdf"] * MAX_RECEIVES + ["b.pdf"]
    assert f"given up after {MAX_RECEIVES} tries: ObjectCreated:Put of 'a.pdf'" in caplog.text


def test_a_file_that_cannot_be_kept_is_not_told_of(tmp_path: Path) -> None:
    """The caller hears of it instead."""
    (tmp_path / "file").write_text("x")
    queue = Queue()
    bucket = DocumentsBucket(FolderFileStore([tmp_path / "file"], ""), queue)
    with pytest.raises(StoreError):
        bucket.put("a.pdf", b"")
    bucket.wait()
    assert queue.heard == []


def test_it_tries_as_often_as_the_queue_of_the_template() -> None:
    """The dead letters on AWS begin after the same number of receives."""
    queue = load_yaml(ROOT / "infra/data.yaml")["Resources"]["DocumentsQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
