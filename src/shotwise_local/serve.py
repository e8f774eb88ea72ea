"""Serve the API, and optionally the page, on one machine: in the foreground, until Ctrl-C or SIGTERM."""

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
from collections.abc import Callable
from pathlib import Path

import uvicorn

from shotwise.errors import ShotwiseError
from shotwise_local.gateway import NOT_EMULATED
from shotwise_local.page_process import run_page
from shotwise_local.stack import api_port, open_stack, prepare, ui_port

HOST = "127.0.0.1"
MAX_LOG_BYTES = 10 * 1024 * 1024


class PortInUse(ShotwiseError):
    """A port cannot be used."""


def serve(*, ui: bool) -> int:
    """Serve until a signal arrives. Returns the exit status: 0 after a signal, 1 if serving was not possible."""
    # Set before the slow start, so that a signal during it stops the process cleanly.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    report = _terminal()
    try:
        return _serve(ui, report)
    except KeyboardInterrupt:
        return 0
    except ShotwiseError as error:  # not left to the caller, because standard error may be a log file by now
        report(f"shotwise: {error}")
        return 1
    finally:
        report("shotwise: stopped")


def _serve(ui: bool, report: Callable[[str], None]) -> int:
    api_socket = _bind("SHOTWISE_API_PORT", api_port(os.environ))
    if ui:
        _bind("SHOTWISE_UI_PORT", ui_port(os.environ)).close()
    prepare(os.environ, report)
    report("shotwise: starting …")
    _log_to(Path(os.environ["SHOTWISE_HOME"]) / "logs" / "api.log")
    with open_stack() as stack, run_page(ui) as page:
        server = uvicorn.Server(uvicorn.Config(stack.gateway, log_config=None, access_log=False, lifespan="off",
                                               timeout_graceful_shutdown=5))
        threading.Thread(target=_announce, args=(server, page, report), daemon=True).start()
        server.run(sockets=[api_socket])
    return 1  # reached only if the page did not start: a signal raises an exception


def _bind(setting: str, port: int) -> socket.socket:
    """Bind a port, before anything slow begins. Raises PortInUse."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise PortInUse(f"port {port} cannot be used ({error.strerror}); set {setting} to a free one") from error
    return bound


def _terminal() -> Callable[[str], None]:
    """Return a function that prints to the terminal, even after standard error was redirected to the log file."""
    terminal = os.fdopen(os.dup(2), "w", buffering=1)
    return lambda text: print(text, file=terminal, flush=True)


def _log_to(path: Path) -> None:
    """Redirect logs and metrics, one JSON object a line, to a file, so that the terminal stays readable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    sys.stdout = sys.stderr = path.open("a", encoding="utf-8", buffering=1)


def _announce(server: uvicorn.Server, page: subprocess.Popen[bytes] | None, report: Callable[[str], None]) -> None:
    """Print where the API and the page are as soon as they respond; a page that does not start stops the server."""
    api, ui = f"http://{HOST}:{api_port(os.environ)}", f"http://{HOST}:{ui_port(os.environ)}"
    if not _responds(f"{api}/health"):
        return
    report(f"shotwise: the API is ready at {api}")
    report(f"shotwise: not emulated here: {NOT_EMULATED}; logs under {os.environ['SHOTWISE_HOME']}/logs")
    if page is None:
        return
    if _responds(f"{ui}/_stcore/health") and page.poll() is None:
        report(f"shotwise: the page is ready at {ui} (Ctrl-C stops both)")
    else:
        report(f"shotwise: the page did not start; see {os.environ['SHOTWISE_HOME']}/logs/ui.log")
        server.should_exit = True


def _responds(url: str, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
