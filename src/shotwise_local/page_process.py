"""Run the page, a Streamlit server of its own, as a child process of `shotwise serve --ui`, and keep it running.

A page that stops is started again, after a pause that grows. One that stops too often is given up: the API goes on.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from shotwise.limits import PAGE_END_SECONDS, PAGE_RESTART_PAUSES, PAGE_START_SECONDS, PAGE_STEADY_SECONDS
from shotwise_local import ROOT
from shotwise_local.log_file import LogFile, LogStream
from shotwise_local.stack import api_port, ui_port

HOST = "127.0.0.1"
READY_CHECK_SECONDS = 0.2
CHUNK_BYTES = 64 * 1024


@contextmanager
def run_page(enabled: bool, report: Callable[[str], None]) -> Iterator[None]:
    """Run the page while the context lasts. What happens to it is reported in lines for the terminal."""
    if not enabled:
        yield
        return
    port = ui_port(os.environ)
    command = [sys.executable, "-m", "shotwise_local.page_child", str(os.getpid()), "streamlit", "run",
               str(ROOT / "frontend/app.py"), "--server.address", HOST, "--server.port", str(port),
               "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    environ = {**os.environ, "SHOTWISE_API_URL": f"http://{HOST}:{api_port(os.environ)}", "PYTHONUNBUFFERED": "1"}
    log_path = Path(os.environ["SHOTWISE_HOME"]) / "logs" / "ui.log"
    with PageSupervisor(command, environ, log_path, report, url=f"http://{HOST}:{port}",
                        is_ready=lambda: _is_healthy(port)):
        yield


class PageSupervisor:
    """Starts a command, starts it again when it stops, and ends it with the context.

    Parameters
    ----------
    command : sequence of str
        The page's server.
    environ : mapping of str to str
        Its environment.
    log_path : Path
        Where its output goes.
    report : callable
        Called with a line of text when the page is ready, was started again or was given up.
    url : str
        Where the page is, for those lines.
    is_ready : callable
        Whether the page answers.
    pauses : sequence of float, optional
        Seconds to wait before each new start; one after the last is not made.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log_path: Path,
                 report: Callable[[str], None], *, url: str, is_ready: Callable[[], bool],
                 pauses: Sequence[float] = PAGE_RESTART_PAUSES) -> None:
        self._command = command
        self._environ = environ
        self._log_path = log_path
        self._log = LogFile(log_path, "page")
        self._report = report
        self._url = url
        self._is_ready = is_ready
        self._pauses = pauses
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # a child is either started before the end begins, or not at all
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ending.set()
            child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(PAGE_END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        self._thread.join(PAGE_END_SECONDS)
        self._log.close()

    def _supervise(self) -> None:
        """Run the command again and again, until the context ends or it stopped too often."""
        stops = 0
        while not self._ending.is_set():
            started = time.monotonic()
            reason = self._run(is_first=stops == 0)
            if self._ending.is_set():
                return
            stops = 1 if time.monotonic() - started > PAGE_STEADY_SECONDS else stops + 1
            if stops > len(self._pauses):
                self._report(f"shotwise: the page stopped {stops} times ({reason}); the API goes on without it; "
                             f"see {self._log_path}")
                return
            self._report(f"shotwise: the page stopped ({reason}) and is started again")
            self._ending.wait(self._pauses[stops - 1])

    def _run(self, *, is_first: bool) -> str:
        """Run the command once. Returns why it stopped."""
        with self._lock:
            if self._ending.is_set():
                return "ended"
            try:
                # In a session of its own, so that Ctrl-C does not stop it before this process knows.
                self._child = child = subprocess.Popen(
                    self._command, cwd=ROOT, env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as error:  # such as no memory or no process left
                return str(error.strerror)
        assert child.stdout is not None
        output = threading.Thread(target=_copy_output, args=(child.stdout, self._log), name="page log", daemon=True)
        output.start()
        self._announce(child, is_first=is_first)
        status = child.wait()
        output.join(PAGE_END_SECONDS)  # it goes on for as long as a child of the child has the output open
        return f"status {status}" if status >= 0 else signal.Signals(-status).name

    def _announce(self, child: subprocess.Popen[bytes], *, is_first: bool) -> None:
        """Wait until the page answers, and say so; or that it does not."""
        deadline = time.monotonic() + PAGE_START_SECONDS
        while child.poll() is None and not self._ending.wait(READY_CHECK_SECONDS):
            if self._is_ready() and child.poll() is None:
                self._report(f"shotwise: the page is ready at {self._url} (Ctrl-C stops both)" if is_first
                             else f"shotwise: the page is ready again at {self._url}")
                return
            if time.monotonic() > deadline:
                self._report(f"shotwise: the page does not answer; see {self._log_path}")
                return


def _copy_output(output: IO[bytes], log: LogFile) -> None:
    """Copy what a process writes to the log, which rotates, and drops lines while the disk is full."""
    stream = LogStream(log, "INFO")
    with output:
        while chunk := os.read(output.fileno(), CHUNK_BYTES):
            stream.write(chunk.decode("utf-8", "replace"))
    stream.flush()


def _is_healthy(port: int) -> bool:
    """Whether the page's server answers that it is well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
