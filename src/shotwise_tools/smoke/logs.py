"""Search the logs of a deployment for errors: a file on one machine, a log group on AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

LEVELS = ("ERROR", "CRITICAL", "FATAL")
BAD_STATUSES = ("timeout", "error", "failure")  # of an invocation, in Lambda's own report of it
TEXTS = ("Traceback (most recent call last)", "Task timed out", "[ERROR]", "[CRITICAL]")
# CloudWatch returns only lines with any of these words, which saves fetching the rest; `is_error` then decides.
PATTERN = " ".join(f'?"{word}"' for word in (*LEVELS, *BAD_STATUSES, "Traceback", "Task timed out"))
FIRST_LINE_WAIT, LAST_LINES_WAIT, POLL_EVERY = 90.0, 15.0, 5.0  # seconds


class LogsError(Exception):
    """The logs cannot be read."""


class Logs(Protocol):
    """Log lines since the object was made."""

    def errors(self) -> list[str]:
        """Return the lines that report an error. Raises LogsError if they cannot be read, or nothing was logged."""


def is_error(line: str) -> bool:
    """Return whether a log line reports an error: by its level, by the status of an invocation, or by its text."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return any(text in line for text in TEXTS)
    record = entry.get("record")
    return str(entry.get("level", "")).upper() in LEVELS or "Task timed out" in str(entry.get("message", "")) \
        or (isinstance(record, dict) and record.get("status") in BAD_STATUSES)


class FileLogs:
    """Log lines that are added to a file. Raises LogsError if the file cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = len(self._read())

    def errors(self) -> list[str]:
        """Return the lines that report an error; see Logs."""
        content = self._read()
        if len(content) == self._start:
            raise LogsError(f"nothing was logged to {self._path}; is it the log of this API?")
        # A file that is shorter than before was rotated meanwhile.
        added = content[self._start:] if len(content) > self._start else content
        return [line for line in added.decode("utf-8", "replace").splitlines() if is_error(line)]

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise LogsError(f"{self._path} cannot be read: {error.strerror}") from error


class GroupLogs:
    """Log lines of a CloudWatch log group.

    Parameters
    ----------
    client : botocore client
        Client of the service `logs`.
    group : str
        Name of the log group.
    first_line_wait, last_lines_wait : float
        Seconds to wait for the first line to arrive, and then for the last ones.

    Raises
    ------
    LogsError
        If the log group cannot be read.
    """

    def __init__(self, client: Any, group: str, *, first_line_wait: float = FIRST_LINE_WAIT,
                 last_lines_wait: float = LAST_LINES_WAIT) -> None:
        self._client, self._group = client, group
        self._first_line_wait, self._last_lines_wait = first_line_wait, last_lines_wait
        self._start = int(time.time() * 1000)
        self._any_line()

    def errors(self) -> list[str]:
        """Return the lines that report an error; see Logs. It waits, because lines take some seconds to arrive."""
        end = time.monotonic() + self._first_line_wait
        while not self._any_line():
            if time.monotonic() > end:
                raise LogsError(f"nothing was logged to {self._group}; is it the log group of this API?")
            time.sleep(POLL_EVERY)
        time.sleep(self._last_lines_wait)
        return [line for line in self._messages(filterPattern=PATTERN) if is_error(line)]

    def _any_line(self) -> bool:
        return next(self._messages(), None) is not None

    def _messages(self, **options: str) -> Iterator[str]:
        try:
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=self._group, startTime=self._start, **options)
            for page in pages:
                for event in page["events"]:
                    yield str(event["message"])
        except (BotoCoreError, ClientError) as error:
            raise LogsError(f"the log group {self._group} cannot be read: {error}") from error
