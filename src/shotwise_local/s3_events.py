"""Emulate the documents bucket: store uploads in a folder, and send the events that S3 would send.

The events reach the handler that embeds documents as messages of an SQS queue. So that no document waits for a bad one,
each gets a short slice of time first. A document that is not read in it waits for a longer slice while others get their
first, and the last slice is as long as a Lambda function may run. A message whose handling fails is tried again after a
pause, which doubles, for as long as this process lives.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import quote_plus

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.errors import OutOfTime
from shotwise.limits import FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS, PATIENT_SLICES, QUICK_READERS, QUICK_SLICES

CREATED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:Delete"
Handler = Callable[[dict[str, Any], float], dict[str, Any]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """A change of a file that waits to be handled.

    Attributes
    ----------
    name, event_name : str
        The file, and what happened to it last.
    is_new : bool
        Whether that happened just now, so that somebody may wait for it.
    slices : int
        How many slices of time its handling has used up.
    failures : int
        How often its handling failed.
    not_before : float
        When it may be handled, by the monotonic clock.
    """

    name: str
    event_name: str
    is_new: bool = True
    slices: int = 0
    failures: int = 0
    not_before: float = 0.0


class DocumentsBucket:
    """The files of a store, and the events of their changes.

    Parameters
    ----------
    store : FolderFileStore
        Stores the files.
    handler : callable
        Takes an SQS event and the seconds that handling it may take. Returns `batchItemFailures`, as a Lambda function
        behind a queue does, or raises OutOfTime.
    quick_slices, patient_slices : sequence of float
        Seconds of the slices of a message, one after another. One reader takes only messages that are due for their
        first slice, so that a new document waits no longer than that; others take those for any quick slice, and one
        those for a patient one.
    """

    def __init__(self, store: FolderFileStore, handler: Handler, quick_slices: Sequence[float] = QUICK_SLICES,
                 patient_slices: Sequence[float] = PATIENT_SLICES) -> None:
        self._store = store
        self._handler = handler
        self._slices = (*quick_slices, *patient_slices)
        self._changed = threading.Condition()
        self._waiting: dict[str, Message] = {}  # by file name: only its newest state counts
        self._busy: set[str] = set()  # names that are being handled
        self._closed = False
        quick, patient = range(len(quick_slices)), range(len(quick_slices), len(self._slices))
        self._readers = [threading.Thread(target=self._read, args=(levels,), daemon=True, name="documents bucket")
                         for levels in (range(1), *[quick] * (QUICK_READERS - 1), patient)]
        for reader in self._readers:
            reader.start()

    def put(self, name: str, content: bytes) -> None:
        """Store a file and send the event. Raises StoreError."""
        with self.writing(name) as file:
            file.write(content)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to write in pieces. When the block ends, it is stored and the event is sent.

        If the block raises, nothing is stored and no event is sent. Raises StoreError.
        """
        with self._store.writing(name) as file:
            yield file
        self.notify(name, CREATED)

    def notify(self, name: str, event_name: str, *, is_new: bool = True) -> None:
        """Send the event of a change that has been made already, just now or some time ago."""
        with self._changed:
            self._waiting[name] = Message(name, event_name, is_new)
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until every event so far is handled. Returns whether it is, within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def close(self, seconds: float = 0) -> None:
        """Take no message any more, and wait up to `seconds` for those that are being handled.

        What is not handled is neither lost nor harmful: the files are stored, and the next start compares them with the
        documents.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        end = time.monotonic() + seconds
        for reader in self._readers:
            reader.join(max(0.0, end - time.monotonic()))

    def _read(self, levels: range) -> None:
        """Handle messages that have used up as many slices as `levels` says, until the bucket is closed."""
        while message := self._take(levels):
            again = self._handle(message)
            with self._changed:
                self._busy.remove(message.name)
                if again:
                    self._waiting.setdefault(message.name, again)  # unless the file has changed meanwhile
                self._changed.notify_all()

    def _take(self, levels: range) -> Message | None:
        """Wait for a message and take it: the one with the fewest slices, of these a new one, of these the first.

        Returns None if the bucket is closed.
        """
        with self._changed:
            while not self._closed:
                messages = [message for message in self._waiting.values()
                            if message.slices in levels and message.name not in self._busy]
                now = time.monotonic()
                due = [message for message in messages if message.not_before <= now]
                if due:
                    message = min(due, key=lambda message: (message.slices, not message.is_new))
                    self._busy.add(message.name)
                    return self._waiting.pop(message.name)
                self._changed.wait(min((message.not_before - now for message in messages), default=None))
            return None

    def _handle(self, message: Message) -> Message | None:
        """Send a message to the handler. Returns the message to send again; None if it is done."""
        try:
            reply = self._handler(_sqs_event(message), self._slices[message.slices])
        except OutOfTime:
            if message.slices + 1 < len(self._slices):
                return replace(message, slices=message.slices + 1)
            logger.error("no time left for %s of %r", message.event_name, message.name)
        except Exception:  # a Lambda function that raises leaves its messages in the queue
            logger.exception("the embedding function failed")
        else:
            if not reply["batchItemFailures"]:
                return None
        pause = min(FIRST_RETRY_SECONDS * 2**min(message.failures, 10), MAX_RETRY_SECONDS)
        logger.warning("tried again in %g s: %s of %r", pause, message.event_name, message.name)
        return replace(message, failures=message.failures + 1, not_before=time.monotonic() + pause)


def _sqs_event(message: Message) -> dict[str, Any]:
    """An SQS event with one message, which contains one S3 event."""
    record = {"eventSource": "aws:s3", "eventName": message.event_name,
              "s3": {"bucket": {"name": "documents"}, "object": {"key": quote_plus(message.name, safe="/")}}}
    return {"Records": [{"messageId": str(uuid.uuid4()), "receiptHandle": "local", "eventSource": "aws:sqs",
                         "body": json.dumps({"Records": [record]}), "attributes": {}, "messageAttributes": {},
                         "md5OfBody": "", "eventSourceARN": "arn:aws:sqs:local:0:documents", "awsRegion": "local"}]}
