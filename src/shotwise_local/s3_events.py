"""Emulate the documents bucket: store uploads in a folder, and send the events that S3 would send.

The events reach the handler that embeds documents as messages of an SQS queue, one after another, on a thread of their
own. A message that fails is tried MAX_RECEIVES times in all; then it is logged and dropped.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from shotwise.files import FileStore

MAX_RECEIVES = 3  # as in the queue's redrive policy in infra/data.yaml
Handler = Callable[[dict[str, Any]], dict[str, Any]]
logger = logging.getLogger(__name__)


class DocumentsBucket:
    """The files of a store, and the events of their changes.

    Parameters
    ----------
    store : FileStore
        Stores the files.
    handler : callable
        Takes an SQS event and returns `batchItemFailures`, as a Lambda function behind a queue does.
    """

    def __init__(self, store: FileStore, handler: Handler) -> None:
        self._store = store
        self._handler = handler
        self._messages: queue.Queue[tuple[str, str, int]] = queue.Queue()
        threading.Thread(target=self._deliver, daemon=True, name="documents bucket").start()

    def put(self, name: str, content: bytes) -> None:
        """Store a file and send the event. Raises StoreError."""
        self._store.put(name, content)
        self.notify(name, "ObjectCreated:Put")

    def notify(self, name: str, event_name: str) -> None:
        """Send the event of a change that has been made already."""
        self._messages.put((name, event_name, 1))

    def wait(self) -> None:
        """Wait until every event so far is handled."""
        self._messages.join()

    def _deliver(self) -> None:
        while True:
            name, event_name, receive_count = self._messages.get()
            try:
                if self._handler(_sqs_event(name, event_name))["batchItemFailures"]:
                    self._retry(name, event_name, receive_count)
            except Exception:  # a Lambda function that raises leaves its messages in the queue
                logger.exception("the embedding function failed")
                self._retry(name, event_name, receive_count)
            finally:
                self._messages.task_done()

    def _retry(self, name: str, event_name: str, receive_count: int) -> None:
        if receive_count < MAX_RECEIVES:
            self._messages.put((name, event_name, receive_count + 1))
        else:
            logger.error("given up after %d tries: %s of %r", receive_count, event_name, name)


def _sqs_event(name: str, event_name: str) -> dict[str, Any]:
    """An SQS event with one message, which contains one S3 event."""
    record = {"eventSource": "aws:s3", "eventName": event_name,
              "s3": {"bucket": {"name": "documents"}, "object": {"key": quote_plus(name, safe="/")}}}
    return {"Records": [{"messageId": str(uuid.uuid4()), "receiptHandle": "local", "eventSource": "aws:sqs",
                         "body": json.dumps({"Records": [record]}), "attributes": {}, "messageAttributes": {},
                         "md5OfBody": "", "eventSourceARN": "arn:aws:sqs:local:0:documents", "awsRegion": "local"}]}
