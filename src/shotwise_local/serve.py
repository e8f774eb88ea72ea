"""Serve on one machine: the API, and the page beside it. Stays in the foreground; stops on Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from shotwise.errors import ShotwiseError
from shotwise_local.gateway import NOT_EMULATED
from shotwise_local.stack import ROOT, api_port, open_stack, prepare, ui_port

HOST = "127.0.0.1"
MAX_LOG_BYTES = 10 * 1024 * 1024


class PortTaken(ShotwiseError):
    """A port that is to be served on is in use."""


def serve(*, ui: bool) -> int:
    """Run until a signal comes. Returns the exit status: 0 after a signal, 1 where something kept it from serving."""
    # Before the slow part: it must stop cleanly while it is still starting.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say = _console()
    try:
        return _serve(ui, say)
    except KeyboardInterrupt:
        return 0
    except ShotwiseError as error:  # said here, because standard error is a log file by now
        say(f"shotwise: {error}")
        return 1
    finally:
        say("shotwise: stopped")


def _serve(ui: bool, say: Callable[[str], None]) -> int:
    listening = _listen("SHOTWISE_API_PORT", api_port(os.environ))
    if ui:
        _listen("SHOTWISE_UI_PORT", ui_port(os.environ)).close()
    prepare(os.environ, say)
    say("shotwise: starting …")
    _log_to(Path(os.environ["SHOTWISE_HOME"]) / "logs" / "api.log")
    with open_stack() as (_, _, gateway), _page(ui) as page:
        server = uvicorn.Server(uvicorn.Config(gateway, log_config=None, access_log=False, lifespan="off",
                                               timeout_graceful_shutdown=5))
        threading.Thread(target=_announce, args=(server, page, say), daemon=True).start()
        server.run(sockets=[listening])
    return 1  # a signal leaves by an exception: only a page that did not start comes here


def _listen(setting: str, port: int) -> socket.socket:
    """The port, taken before anything slow begins. Raises PortTaken."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((HOST, port))
    except OSError as error:
        opened.close()
        raise PortTaken(f"port {port} cannot be used ({error.strerror}); set {setting} to a free one") from error
    return opened


def _console() -> Callable[[str], None]:
    """Speak to the person at the terminal, also when the log has taken standard output over."""
    console = os.fdopen(os.dup(2), "w", buffering=1)
    return lambda text: print(text, file=console, flush=True)


def _log_to(path: Path) -> None:
    """Logs and metrics, one JSON object a line, go to a file; the terminal stays readable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    sys.stdout = sys.stderr = path.open("a", encoding="utf-8", buffering=1)


@contextmanager
def _page(wanted: bool) -> Iterator[subprocess.Popen[bytes] | None]:
    """The Streamlit page as a child; it goes when we go."""
    if not wanted:
        yield None
        return
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "frontend/app.py"), "--server.address", HOST,
               "--server.port", str(ui_port(os.environ)), "--server.headless", "true",
               "--browser.gatherUsageStats", "false"]
    environ = {**os.environ, "SHOTWISE_API_URL": f"http://{HOST}:{api_port(os.environ)}"}
    with (Path(os.environ["SHOTWISE_HOME"]) / "logs" / "ui.log").open("ab") as log:
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()


def _announce(server: uvicorn.Server, page: subprocess.Popen[bytes] | None, say: Callable[[str], None]) -> None:
    api, ui = f"http://{HOST}:{api_port(os.environ)}", f"http://{HOST}:{ui_port(os.environ)}"
    if not _answers(f"{api}/health"):
        return
    say(f"shotwise: the API is ready at {api}")
    say(f"shotwise: not emulated here: {NOT_EMULATED}; logs under {os.environ['SHOTWISE_HOME']}/logs")
    if page is None:
        return
    if _answers(f"{ui}/_stcore/health") and page.poll() is None:
        say(f"shotwise: the page is ready at {ui} (Ctrl-C stops both)")
    else:
        say(f"shotwise: the page did not start; see {os.environ['SHOTWISE_HOME']}/logs/ui.log")
        server.should_exit = True


def _answers(url: str, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
