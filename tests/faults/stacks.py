"""Start stacks with a fault in their process, and look at their memory and ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slow.running import Stack, stack

from .client import Answer, call

SERVE = (sys.executable, "-m", "shotwise_cli.main", "serve")
# The interpreter switches threads 5,000 times as often as by default, so that races show.
SERVE_SWITCHING = (sys.executable, "-c", "import sys; sys.setswitchinterval(1e-6); "
                   "from shotwise_cli.main import main; sys.exit(main(['serve']))")


@contextmanager
def served(home: Path, *, command: tuple[str, ...] = SERVE, descriptors: int = 0, **settings: str) -> Iterator[Stack]:
    """Run a stack with settings of its environment and a limit of its open files."""
    limit = ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh") if descriptors else ()
    environment = ("env", *(f"{name}={value}" for name, value in settings.items()))
    with stack(home, command=[*limit, *environment, *command]) as opened:
        yield opened


def kill(opened: Stack) -> None:
    """SIGKILL for the stack and its children."""
    os.killpg(opened.process.pid, signal.SIGKILL)
    opened.process.wait()


def upload(api: str, name: str, content: bytes) -> Answer:
    """Upload a document as a client does: POST returns the URL for a PUT. Returns the answer that counts."""
    posted = call(api, "/documents", json.dumps({"name": name}).encode(), question=name)
    if posted.status != 200:
        return posted
    target = posted.json()["upload"]
    path = urllib.parse.urlsplit(target["url"]).path
    return call(api, path, content, method=target["method"], headers=target["headers"], question=name)


def documents(api: str) -> dict[str, dict[str, Any]]:
    """The entries of GET /documents by name; none while the stack cannot tell."""
    answer = call(api, "/documents")
    return {entry["name"]: entry for entry in answer.json()["documents"]} if answer.status == 200 else {}


def wait_until(done: Callable[[], Any], seconds: float = 30) -> float:
    """Wait until something is true; returns the seconds that it took, infinite if it never was."""
    started = time.monotonic()
    while not done():
        if time.monotonic() - started > seconds:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - started


def process_tree(pid: int) -> list[int]:
    """A process and its descendants. Linux only."""
    children = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children")
                for child in path.read_text().split()]
    return [pid, *(descendant for child in children for descendant in process_tree(child))]


def command_of(pid: int) -> str:
    """The command line of a process; empty if it has ended. Linux only."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and whose status nobody has asked for does not. Linux only."""
    return bool(command_of(pid))


def memory_mb(pid: int) -> float:
    """Resident memory of a process, in MB. Linux only."""
    return _status_kb(pid, "VmRSS") / 1024


def own_memory_mb(pid: int) -> float:
    """Memory that belongs to a process alone, in MB: without pages of files, which the system may drop. Linux only."""
    return _status_kb(pid, "RssAnon") / 1024


def tree_memory_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, in MB; pages that they share count more than once."""
    return sum(_status_kb(descendant, "VmRSS") for descendant in process_tree(pid)) / 1024


def _status_kb(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has ended in between
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


class PeakMemory:
    """Watches the memory of a process while it is open; `mb` is the highest that it saw.

    Parameters
    ----------
    pid : int
        The process.
    measure : callable
        `memory_mb`, or `tree_memory_mb` to count its descendants too.
    """

    def __init__(self, pid: int, measure: Callable[[int], float] = memory_mb) -> None:
        self.mb = self.first_mb = measure(pid)
        self._pid, self._measure, self._ended = pid, measure, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.mb = max(self.mb, self._measure(self._pid))


def is_free(url: str) -> bool:
    """Whether nothing listens at the port of a URL."""
    address = urllib.parse.urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address.hostname, address.port)) != 0
