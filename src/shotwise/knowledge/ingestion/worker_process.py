"""A child process that prints lines of JSON, read with limits of time and size for each."""

from __future__ import annotations

import json
import os
import resource
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from shotwise.limits import MAX_READER_BYTES, MAX_READER_LINE_BYTES

CHUNK_BYTES = 1 << 16
OUT_OF_MEMORY = "memory"  # the cause of a process that needs too much of it
# A process that fails at this share of the memory it may use failed for lack of memory: some libraries do not say so.
MEMORY_SHARE = 0.75


def own_peak() -> int:
    """Return the peak of this process's memory, in the unit of `ru_maxrss`."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def is_near_memory_limit(peak: int, inherited_peak: int) -> bool:
    """Return whether a process used nearly all the memory that a reader may use.

    On Linux a process inherits the peak of the one that started it. If that is higher, nothing is known of its own.
    """
    peak_bytes = peak * (1 if sys.platform == "darwin" else 1024)
    return peak > inherited_peak and peak_bytes > MEMORY_SHARE * MAX_READER_BYTES


class WorkerStopped(Exception):
    """The process ended or took too long; `cause` says which, for use as a parameter of a message."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class WorkerProcess:
    """A running process, which is killed at the end of the `with` block.

    It waits when nobody reads its lines: the pipe holds 64 KiB.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._inherited_peak = own_peak()
        # Unbuffered, because a buffer would hold lines that the selector does not know of.
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, bufsize=0)
        assert self._process.stdout
        self._output = self._process.stdout
        self._received = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._output.close()

    def read_line(self, seconds: float) -> dict[str, Any]:
        """Return the next line, parsed.

        Raises
        ------
        WorkerStopped
            The process ended, took longer than `seconds`, printed too long a line, or says itself why it stopped.
        """
        line = self._next_line(seconds)
        try:
            parsed: dict[str, Any] = json.loads(line)
        except ValueError:
            raise WorkerStopped("crash") from None
        if "stopped" in parsed:
            raise WorkerStopped(parsed["stopped"])
        return parsed

    def _next_line(self, seconds: float) -> bytes:
        end, searched = time.monotonic() + seconds, 0
        while (length := self._received.find(b"\n", searched) + 1) == 0:
            if len(self._received) > MAX_READER_LINE_BYTES:
                raise WorkerStopped("too much text")
            searched = len(self._received)
            if not self._selector.select(max(0.0, end - time.monotonic())):
                raise WorkerStopped(f"timeout after {seconds:.3g} s")
            chunk = os.read(self._output.fileno(), CHUNK_BYTES)
            if not chunk:  # it ended before it had written a complete line
                out_of_memory = is_near_memory_limit(self._wait().ru_maxrss, self._inherited_peak)
                raise WorkerStopped(OUT_OF_MEMORY if out_of_memory else "crash")
            self._received += chunk
        line = bytes(self._received[:length])
        del self._received[:length]
        return line

    def _wait(self) -> resource.struct_rusage:
        """Wait for the end of the process, and return what it used."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage
