"""A child process that prints lines of JSON, read with a time limit for each."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any


class WorkerStopped(Exception):
    """The process ended or took too long; `cause` says which, for use as a parameter of a message."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class WorkerProcess:
    """A running process, which is killed at the end of the `with` block."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> WorkerProcess:
        self._listener.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        if self._process.stdout:
            self._process.stdout.close()

    def read_line(self, seconds: float) -> dict[str, Any]:
        """Return the next line, parsed. Raises WorkerStopped if the process ends or takes longer than `seconds`."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerStopped(f"timeout after {seconds:g} s") from None
        if line.endswith(b"\n"):  # otherwise the process ended before it had written a complete line
            with contextlib.suppress(ValueError):
                parsed: dict[str, Any] = json.loads(line)
                return parsed
        raise WorkerStopped("crash")

    def _listen(self) -> None:
        """Put the lines into a queue, because reading from a queue can have a time limit, unlike from a pipe."""
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(b"")
