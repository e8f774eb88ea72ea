"""The documents bucket on one machine: takes uploads into a folder and sends the events that S3 would send.

The events go, as messages of a queue, to the handler that embeds documents, one after another on a thread of their own.
A message that is reported back is tried again, RECEIVES times in all; then it is said in the log and put aside.
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

RECEIVES = 3  # as the queue's redrive policy in template.yaml
Handler = Callable[[dict[str, Any]], dict[str, Any]]


class DocumentsBucket:
    """Files of `store`, whose changes `handle` hears of, as the embedding function hears of S3's."""

    def __init__(self, store: FileStore, handle: Handler) -> None:
        self._store = store
        self._handle = handle
        self._messages: queue.Queue[tuple[str, str, int]] = queue.Queue()
        threading.Thread(target=self._deliver, daemon=True, name="documents bucket").start()

    def put(self, name: str, content: bytes) -> None:
        """Keep a file, then tell of it. Raises StoreError."""
        self._store.put(name, content)
        self.tell(name, "ObjectCreated:Put")

    def tell(self, name: str, event: str) -> None:
        """Send the event of a change that was made already."""
        self._messages.put((name, event, 1))

    def wait(self) -> None:
        """Return when every event so far was handled."""
        self._messages.join()

    def _deliver(self) -> None:
        while True:
            name, event, receive = self._messages.get()
            try:
                if self._handle(_message(name, event))["batchItemFailures"]:
                    self._again(name, event, receive)
            except Exception:  # a Lambda that raises leaves its messages in the queue
                logging.getLogger(__name__).exception("the embedding function failed")
                self._again(name, event, receive)
            finally:
                self._messages.task_done()

    def _again(self, name: str, event: str, receive: int) -> None:
        if receive < RECEIVES:
            self._messages.put((name, event, receive + 1))
        else:
            logging.getLogger(__name__).error("put aside after %d tries: %s of %r", receive, event, name)


def _message(name: str, event: str) -> dict[str, Any]:
    """An SQS event of one message that carries one S3 event."""
    record = {"eventSource": "aws:s3", "eventName": event,
              "s3": {"bucket": {"name": "documents"}, "object": {"key": quote_plus(name, safe="/")}}}
    return {"Records": [{"messageId": str(uuid.uuid4()), "receiptHandle": "local", "eventSource": "aws:sqs",
                         "body": json.dumps({"Records": [record]}), "attributes": {}, "messageAttributes": {},
                         "md5OfBody": "", "eventSourceARN": "arn:aws:sqs:local:0:documents", "awsRegion": "local"}]}
