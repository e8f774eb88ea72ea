"""The documents bucket of one machine sends events as S3 does, tries again as a queue does, and shares out its time."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import OutOfTime, StoreError
from shotwise.limits import PATIENT_SLICES, QUICK_READERS
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.template import load_yaml

DONE: dict[str, Any] = {"batchItemFailures": []}
FAILED = {"batchItemFailures": [{"itemIdentifier": "x"}]}
ROOT = Path(__file__).parents[2]
QUICK, PATIENT = (0.1, 0.4), (5.0,)


class RecordingHandler:
    """A handler that records the events that it gets.

    Attributes
    ----------
    events : list
        (file name, event name) of each message.
    message_ids : list
        The id of each message.
    times : list of float
        When each message came, by the monotonic clock.
    threads : set
        The threads that called it.
    seconds : dict
        The slices of time of each file.
    busy : dict
        How many threads are handling each file now; never more than one.
    """

    def __init__(self, *outcomes: Any, work: Callable[[str, float], None] = lambda name, seconds: None) -> None:
        """Answer the next messages with `outcomes`, or raise them; every later message succeeds after `work`."""
        self._outcomes = list(outcomes)
        self._work = work
        self.events: list[tuple[str, str]] = []
        self.message_ids: list[str] = []
        self.times: list[float] = []
        self.threads: set[int] = set()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.busy: dict[str, int] = defaultdict(int)

    def __call__(self, event: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Handle one message."""
        (message,) = event["Records"]
        (record,) = json.loads(message["body"])["Records"]
        name = unquote_plus(record["s3"]["object"]["key"])
        self.events.append((name, record["eventName"]))
        self.message_ids.append(message["messageId"])
        self.times.append(time.monotonic())
        self.threads.add(threading.get_ident())
        self.seconds[name].append(seconds)
        outcome = self._outcomes.pop(0) if self._outcomes else DONE
        if isinstance(outcome, Exception):
            raise outcome
        self.busy[name] += 1
        assert self.busy[name] == 1
        try:
            self._work(name, seconds)
        finally:
            self.busy[name] -= 1
        reply: dict[str, Any] = outcome
        return reply


@contextmanager
def open_bucket(folder: Path, handler: Callable[[dict[str, Any], float], dict[str, Any]]) -> Iterator[DocumentsBucket]:
    """A bucket with short slices, which is closed afterwards."""
    bucket = DocumentsBucket(FolderFileStore([folder], ""), handler, QUICK, PATIENT)
    try:
        yield bucket
    finally:
        bucket.close(5)


@pytest.mark.parametrize("name", ["작업 표준.pdf", "a+b c.pdf", "100%25.pdf", "#1 「점검」·보온로.pdf"])
def test_a_file_is_kept_before_its_event_is_sent(tmp_path: Path, name: str) -> None:
    """The message has the name as S3 encodes it, and the file is there when it arrives."""
    contents = []
    handler = RecordingHandler(work=lambda name, _: contents.append((tmp_path / name).read_bytes()))
    with open_bucket(tmp_path, handler) as bucket:
        bucket.put(name, b"%PDF-")
        assert bucket.wait(5)
    assert handler.events == [(name, "ObjectCreated:Put")] and contents == [b"%PDF-"]


def test_a_file_that_is_written_in_pieces_sends_one_event_at_its_end(tmp_path: Path) -> None:
    """A block that raises keeps the earlier file and sends nothing."""
    handler = RecordingHandler()
    with open_bucket(tmp_path, handler) as bucket:
        with bucket.writing("a.pdf") as file:
            file.write(b"%PDF")
            assert handler.events == [] and not (tmp_path / "a.pdf").exists()
            file.write(b"-1.7")
        assert bucket.wait(5)
        with pytest.raises(RuntimeError), bucket.writing("a.pdf") as file:
            file.write(b"half")
            raise RuntimeError
        assert bucket.wait(5)
    assert handler.events == [("a.pdf", "ObjectCreated:Put")] and (tmp_path / "a.pdf").read_bytes() == b"%PDF-1.7"


def test_each_file_has_its_event_on_threads_of_the_bucket(tmp_path: Path) -> None:
    """None of them is the caller's, so that a slow document holds no request up."""
    handler = RecordingHandler()
    with open_bucket(tmp_path, handler) as bucket:
        for number in range(5):
            bucket.put(f"{number}.pdf", b"")
        assert bucket.wait(5)
        bucket.notify("0.pdf", "ObjectRemoved:Delete")
        assert bucket.wait(5)
    assert sorted(handler.events) == sorted([*((f"{number}.pdf", "ObjectCreated:Put") for number in range(5)),
                                             ("0.pdf", "ObjectRemoved:Delete")])
    assert handler.events[-1] == ("0.pdf", "ObjectRemoved:Delete") and threading.get_ident() not in handler.threads
    assert len(set(handler.message_ids)) == 6


def test_no_file_is_handled_twice_at_the_same_time(tmp_path: Path) -> None:
    """Events of a file that is being handled are merged into one, which follows; the last of them counts."""
    started, go_on = threading.Event(), threading.Event()

    def work(name: str, seconds: float) -> None:
        started.set()
        assert go_on.wait(5)

    handler = RecordingHandler(work=work)
    with open_bucket(tmp_path, handler) as bucket:
        bucket.put("a.pdf", b"1")
        assert started.wait(5)
        for number in range(20):
            bucket.put("a.pdf", b"%d" % number)
        bucket.notify("a.pdf", "ObjectRemoved:Delete")
        go_on.set()
        assert bucket.wait(5)
    assert handler.events == [("a.pdf", "ObjectCreated:Put"), ("a.pdf", "ObjectRemoved:Delete")]


def read_slowly(name: str, seconds: float) -> None:
    """Use up each slice for a file whose name begins with `bad`."""
    if name.startswith("bad"):
        time.sleep(seconds)
        raise OutOfTime(name)


def test_bad_documents_delay_a_good_one_by_short_slices_only(tmp_path: Path) -> None:
    """Behind 25 documents that use up all their time, the next is read after a first slice of each."""
    handler = RecordingHandler(work=read_slowly)
    with open_bucket(tmp_path, handler) as bucket:
        for number in range(25):
            bucket.notify(f"bad{number}.pdf", "ObjectCreated:Put")
        started = time.monotonic()
        bucket.notify("good.pdf", "ObjectCreated:Put")
        while "good.pdf" not in handler.seconds:
            assert time.monotonic() - started < 25 * QUICK[0] / QUICK_READERS + QUICK[1] + 1
            time.sleep(0.01)


def test_a_document_gets_longer_slices_until_it_is_read(tmp_path: Path) -> None:
    """A document that needs longer than a slice gets the next one; the last is a reader's of its own."""
    def work(name: str, seconds: float) -> None:
        if seconds < PATIENT[0]:
            raise OutOfTime(name)

    handler = RecordingHandler(work=work)
    with open_bucket(tmp_path, handler) as bucket:
        bucket.notify("long.pdf", "ObjectCreated:Put")
        assert bucket.wait(5)
    assert handler.seconds["long.pdf"] == [*QUICK, *PATIENT]


@pytest.mark.parametrize("failure", [FAILED, RuntimeError("secret")], ids=["handed back", "raised"])
def test_a_failed_message_is_tried_again_after_a_pause(tmp_path: Path, failure: Any) -> None:
    """It is tried until it succeeds, after one second, two and so on, and delays no other file."""
    handler = RecordingHandler(failure, failure)
    with open_bucket(tmp_path, handler) as bucket:
        bucket.notify("a.pdf", "ObjectCreated:Put")
        while len(handler.events) < 2:
            time.sleep(0.01)
        bucket.notify("b.pdf", "ObjectCreated:Put")
        assert bucket.wait(10)
    assert [name for name, _ in handler.events] == ["a.pdf", "a.pdf", "b.pdf", "a.pdf"]
    first, second, _, third = handler.times
    assert second - first >= 1 and third - second >= 2


def test_a_closed_bucket_ends_without_what_waits(tmp_path: Path) -> None:
    """Closing waits only for what is being handled, no longer than it is told."""
    handler = RecordingHandler(work=lambda name, seconds: time.sleep(1))
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), handler, QUICK, PATIENT)
    for number in range(10):
        bucket.notify(f"{number}.pdf", "ObjectCreated:Put")
    time.sleep(0.2)
    started = time.monotonic()
    bucket.close(0.1)
    assert time.monotonic() - started < 0.5 and not bucket.wait(1.5) and len(handler.events) == QUICK_READERS


def test_a_file_that_cannot_be_kept_sends_no_event(tmp_path: Path) -> None:
    """The caller gets the error instead."""
    (tmp_path / "file").write_text("x")
    handler = RecordingHandler()
    with open_bucket(tmp_path / "file", handler) as bucket:
        with pytest.raises(StoreError):
            bucket.put("a.pdf", b"")
        assert bucket.wait(5)
    assert handler.events == []


def test_the_last_slice_is_the_time_of_the_function() -> None:
    """On AWS, a document has as long as the Lambda function may run."""
    function = load_yaml(ROOT / "template.yaml")["Resources"]["EmbedDocumentsFunction"]["Properties"]
    assert function["Timeout"] == PATIENT_SLICES[-1]
