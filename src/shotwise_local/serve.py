"""Serve the API, and optionally the page, on one machine: in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

from shotwise.errors import ShotwiseError
from shotwise.hidden_characters import visible_lines
from shotwise.limits import LAST_REQUESTS_SECONDS, SHUTDOWN_SECONDS
from shotwise_local.connections import Connection, max_connections
from shotwise_local.gateway import NOT_EMULATED, Gateway
from shotwise_local.log_file import redirect_output
from shotwise_local.page_process import run_page
from shotwise_local.stack import api_port, open_stack, prepare, ui_port

HOST = "127.0.0.1"
# The turn of a thread that computes while others wait for the interpreter. Python's own 5 ms make a request that passes
# through three threads wait for 100 ms beside six that compute.
TURN_SECONDS = 0.001


class PortInUse(ShotwiseError):
    """A port cannot be used."""


class Server(uvicorn.Server):
    """uvicorn's server, which answers all requests before it stops: if need be, with 503.

    Parameters
    ----------
    gateway : Gateway
        Answers the requests.
    connections : int, optional
        How many connections there may be; by default `max_connections()`.
    """

    def __init__(self, gateway: Gateway, connections: int | None = None) -> None:
        protocol: Any = partial(Connection, max_connections=connections or max_connections())
        super().__init__(uvicorn.Config(
            gateway, http=protocol, ws="none", log_config=None, access_log=False, lifespan="off",
            timeout_graceful_shutdown=int(SHUTDOWN_SECONDS) + 1))
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more requests, and wait for the answers."""
        self._gateway.interrupt_after(SHUTDOWN_SECONDS)
        # Requests that were sent before the signal may still be unread on a busy machine; uvicorn would reset them.
        await asyncio.sleep(LAST_REQUESTS_SECONDS)
        await super().shutdown(sockets)


def serve(*, ui: bool) -> NoReturn:
    """Serve until a signal arrives, and end this process: with status 0 after a signal, 1 if serving was impossible."""
    # Set before the slow start, so that a signal during it stops the process cleanly.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    report = _terminal()
    status = 1
    try:
        _serve(ui, report)
        status = 0  # after a signal that was ignored when this process started
    except (KeyboardInterrupt, SystemExit):
        status = 0
    except (ShotwiseError, OSError) as error:  # not left to the caller, as standard error may be a log file by now
        report(f"shotwise: {error}")
    except BaseException:
        report(traceback.format_exc())
    report("shotwise: stopped")
    # Not sys.exit, which waits for threads: one may wait for a model, and nobody waits for its answer any more.
    os._exit(status)


def _serve(ui: bool, report: Callable[[str], None]) -> None:
    """Serve, until a signal raises an exception."""
    api_socket = _bind("SHOTWISE_API_PORT", api_port(os.environ))
    if ui:
        port = api_socket.getsockname()[1]
        if ui_port(os.environ) == port:
            raise PortInUse(f"SHOTWISE_API_PORT and SHOTWISE_UI_PORT are both {port}; set one of them to another")
        _bind("SHOTWISE_UI_PORT", ui_port(os.environ)).close()
    prepare(os.environ, report)
    report("shotwise: starting …")
    redirect_output(Path(os.environ["SHOTWISE_HOME"]) / "logs" / "api.log", "serve")
    sys.setswitchinterval(min(sys.getswitchinterval(), TURN_SECONDS))
    with open_stack(reconcile=report) as stack, run_page(ui, report):
        server = Server(stack.gateway)
        threading.Thread(target=_announce, args=(report,), daemon=True).start()
        server.run(sockets=[api_socket])


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
    terminal = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")

    def report(text: str) -> None:
        with suppress(OSError):  # a terminal that was closed stops nothing
            print(visible_lines(text), file=terminal, flush=True)

    return report


def _announce(report: Callable[[str], None]) -> None:
    """Print where the API is as soon as it responds."""
    api = f"http://{HOST}:{api_port(os.environ)}"
    if not _responds(f"{api}/health"):
        return
    report(f"shotwise: the API is ready at {api}")
    report(f"shotwise: not emulated here: {NOT_EMULATED}; logs under {os.environ['SHOTWISE_HOME']}/logs")


def _responds(url: str, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
