"""Where a deployment logs, and what of that is an error: a file on one machine, a log group on AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

LEVELS = ("ERROR", "CRITICAL", "FATAL")
ENDS = ("timeout", "error", "failure")  # status of an invocation, in Lambda's own report of it
TEXTS = ("Traceback (most recent call last)", "Task timed out", "[ERROR]", "[CRITICAL]")
# Any of these words: what comes is looked at line by line here. The pattern only keeps the rest at home.
PATTERN = " ".join(f'?"{word}"' for word in (*LEVELS, *ENDS, "Traceback", "Task timed out"))
ARRIVE, SETTLE, LOOK_EVERY = 90.0, 15.0, 5.0  # seconds: for the first line to arrive, for the last ones, between looks


class LogsError(Exception):
    """The logs cannot be read."""


class Logs(Protocol):
    """What was logged since the object was made."""

    def errors(self) -> list[str]:
        """The lines that tell of an error. Raises LogsError, also where nothing at all was logged."""


def is_error(line: str) -> bool:
    """Whether a line of a log tells of an error: by its level, by how an invocation ended, or by what it says."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return any(text in line for text in TEXTS)
    record = entry.get("record")
    return str(entry.get("level", "")).upper() in LEVELS or "Task timed out" in str(entry.get("message", "")) \
        or (isinstance(record, dict) and record.get("status") in ENDS)


class FileLogs:
    """The lines that are added to a file. Raises LogsError where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = len(self._read())

    def errors(self) -> list[str]:
        """As Logs.errors."""
        content = self._read()
        if len(content) == self._start:
            raise LogsError(f"nothing was logged to {self._path}; is it the log of this API?")
        # Shorter than before: it was begun anew meanwhile.
        added = content[self._start:] if len(content) > self._start else content
        return [line for line in added.decode("utf-8", "replace").splitlines() if is_error(line)]

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise LogsError(f"{self._path} cannot be read: {error.strerror}") from error


class GroupLogs:
    """The events of a CloudWatch log group. client: botocore's for logs. Raises LogsError where it cannot be read."""

    def __init__(self, client: Any, group: str, *, arrive: float = ARRIVE, settle: float = SETTLE) -> None:
        self._client, self._group = client, group
        self._arrive, self._settle = arrive, settle
        self._start = int(time.time() * 1000)
        self._anything()

    def errors(self) -> list[str]:
        """As Logs.errors. Waits: events take some seconds to arrive."""
        end = time.monotonic() + self._arrive
        while not self._anything():
            if time.monotonic() > end:
                raise LogsError(f"nothing was logged to {self._group}; is it the log group of this API?")
            time.sleep(LOOK_EVERY)
        time.sleep(self._settle)
        return [line for line in self._messages(filterPattern=PATTERN) if is_error(line)]

    def _anything(self) -> bool:
        return next(self._messages(), None) is not None

    def _messages(self, **more: str) -> Iterator[str]:
        try:
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=self._group, startTime=self._start, **more)
            for page in pages:
                for event in page["events"]:
                    yield str(event["message"])
        except (BotoCoreError, ClientError) as error:
            raise LogsError(f"the log group {self._group} cannot be read: {error}") from error
