"""The documents bucket of one machine sends events as S3 does, and tries again as a queue does."""

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


class RecordingHandler:
    """A handler that records the events that it gets.

    Attributes
    ----------
    events : list
        (file name, event name) of each message.
    message_ids : list
        The id of each message.
    threads : set
        The threads that called it.
    """

    def __init__(self, *outcomes: Any) -> None:
        """Answer the next messages with `outcomes`, or raise them; every later message succeeds."""
        self._outcomes = list(outcomes)
        self.events: list[tuple[str, str]] = []
        self.message_ids: list[str] = []
        self.threads: set[int] = set()

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Handle one message."""
        (message,) = event["Records"]
        (record,) = json.loads(message["body"])["Records"]
        self.events.append((unquote_plus(record["s3"]["object"]["key"]), record["eventName"]))
        self.message_ids.append(message["messageId"])
        self.threads.add(threading.get_ident())
        outcome = self._outcomes.pop(0) if self._outcomes else DONE
        if isinstance(outcome, Exception):
            raise outcome
        result: dict[str, Any] = outcome
        return result


FAILED = {"batchItemFailures": [{"itemIdentifier": "x"}]}


@pytest.mark.parametrize("name", ["작업 표준.pdf", "a+b c.pdf", "100%25.pdf", "#1 「점검」·보온로.pdf", "2026/a b.pdf"])
def test_a_file_is_kept_before_its_event_is_sent(tmp_path: Path, name: str) -> None:
    """The message has the name as S3 encodes it, and the file is there when it arrives."""
    contents = []
    handler = RecordingHandler()

    def read_file(event: dict[str, Any]) -> dict[str, Any]:
        contents.append((tmp_path / name).read_bytes())
        return handler(event)

    (tmp_path / name).parent.mkdir(exist_ok=True)
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), read_file)
    bucket.put(name, b"%PDF-")
    bucket.wait()
    assert handler.events == [(name, "ObjectCreated:Put")] and contents == [b"%PDF-"]


def test_events_are_sent_one_after_another_in_their_order(tmp_path: Path) -> None:
    """On one thread that is not the caller's, so that a slow document holds no request up."""
    handler = RecordingHandler()
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), handler)
    for number in range(5):
        bucket.put(f"{number}.pdf", b"")
    bucket.notify("0.pdf", "ObjectRemoved:Delete")
    bucket.wait()
    assert handler.events == [*((f"{number}.pdf", "ObjectCreated:Put") for number in range(5)),
                           ("0.pdf", "ObjectRemoved:Delete")]
    assert len(handler.threads) == 1 and threading.get_ident() not in handler.threads
    assert len(set(handler.message_ids)) == 6


@pytest.mark.parametrize("failure", [FAILED, RuntimeError("secret")], ids=["handed back", "raised"])
def test_a_failed_message_is_tried_again(tmp_path: Path, failure: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried until it succeeds, and is not given up then."""
    handler = RecordingHandler(*[failure] * (MAX_RECEIVES - 1))
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), handler)
    bucket.notify("a.pdf", "ObjectCreated:Put")
    bucket.wait()
    assert handler.events == [("a.pdf", "ObjectCreated:Put")] * MAX_RECEIVES
    assert "given up" not in caplog.text


@pytest.mark.parametrize("failure", [FAILED, RuntimeError("secret")], ids=["handed back", "raised"])
def test_a_message_that_always_fails_is_given_up_and_logged(tmp_path: Path, failure: Any,
                                                    caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by name after MAX_RECEIVES tries; the next event is sent as ever."""
    caplog.set_level(logging.ERROR, "shotwise_local.s3_events")
    handler = RecordingHandler(*[failure] * MAX_RECEIVES)
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), handler)
    bucket.notify("a.pdf", "ObjectCreated:Put")
    bucket.wait()
    bucket.notify("b.pdf", "ObjectCreated:Put")
    bucket.wait()
    assert [name for name, _ in handler.events] == ["a.pdf"] * MAX_RECEIVES + ["b.pdf"]
    assert f"given up after {MAX_RECEIVES} tries: ObjectCreated:Put of 'a.pdf'" in caplog.text


def test_a_file_that_cannot_be_kept_sends_no_event(tmp_path: Path) -> None:
    """The caller gets the error instead."""
    (tmp_path / "file").write_text("x")
    handler = RecordingHandler()
    bucket = DocumentsBucket(FolderFileStore([tmp_path / "file"], ""), handler)
    with pytest.raises(StoreError):
        bucket.put("a.pdf", b"")
    bucket.wait()
    assert handler.events == []


def test_it_tries_as_often_as_the_queue_of_the_template() -> None:
    """On AWS, messages become dead letters after the same number of receives."""
    queue = load_yaml(ROOT / "infra/data.yaml")["Resources"]["DocumentsQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
