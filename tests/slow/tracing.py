"""An X-Ray daemon for functions in the emulator, which collects what they trace.

Powertools' Tracer switches itself off if LAMBDA_TASK_ROOT is not set, or if AWS_SAM_LOCAL, AWS_CHALICE_CLI_MODE or
POWERTOOLS_TRACE_DISABLED is; the emulator sets the first and none of the others. The SDK below it drops what is traced
outside an invocation, and inside one without a trace; TRACED gives each invocation a trace.

    with xray() as daemon, built_function(name, layers, {**settings, **daemon.settings}, home, runtime=TRACED) as url:
        invoke(url, event)
        assert daemon.wait_for("s3")["aws"]["operation"] == "GetObject"

A function that streams has no runtime client that names the trace. The web adapter sends it with every request, in
the header `x-amzn-lambda-context`; `web_adapter_header()` is such a header for `ask`.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Runs app.handler in place of awslambdaric; see traced_runtime.py.
TRACED = (str(Path(__file__).with_name("traced_runtime.py")),)
MAX_PACKET_BYTES = 65_535


class Daemon:
    """Collects the segments of functions, and of processes that they start, in the order in which they ended.

    Attributes
    ----------
    settings : dict
        The environment that leads a function to it.
    """

    def __init__(self, server_socket: socket.socket) -> None:
        self._socket = server_socket
        self._segments: list[dict[str, Any]] = []
        self._received = threading.Condition()
        host, port = server_socket.getsockname()
        self.settings = {"AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR"}

    @property
    def segments(self) -> list[dict[str, Any]]:
        """All segments so far, with their subsegments."""
        with self._received:
            return [nested for segment in self._segments for nested in _with_subsegments(segment)]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The segments of a name: an AWS service (`s3`, `bedrock-runtime`), or a tracer's own (`## handler`)."""
        return [segment for segment in self.segments if segment["name"].lower() == name.lower()]

    def wait_for(self, name: str, seconds: float = 5) -> dict[str, Any]:
        """Wait for a segment of this name; fail with the names of the others if there is none in time."""
        end = time.monotonic() + seconds
        while not (segments := self.named(name)):
            with self._received:
                names = [segment["name"] for segment in self._segments]
                assert self._received.wait(end - time.monotonic()) and time.monotonic() < end, (
                    f"no segment {name!r} within {seconds} s; there are {names}")
        return segments[0]

    def ancestors(self, segment: dict[str, Any]) -> list[str]:
        """The names of the segments that contain this one, the nearest first."""
        by_id = {other["id"]: other for other in self.segments}
        names = []
        while (parent := by_id.get(segment.get("parent_id", ""))) is not None:
            names.append(parent["name"])
            segment = parent
        return names

    def listen(self) -> None:
        """Collect segments until the socket is closed. A packet is a header line and a segment, both JSON."""
        while True:
            try:
                packet = self._socket.recv(MAX_PACKET_BYTES)
            except OSError:
                return
            if not packet:
                return
            with self._received:
                self._segments.append(json.loads(packet.partition(b"\n")[2]))
                self._received.notify_all()


def _with_subsegments(segment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield segment
    for subsegment in segment.get("subsegments", ()):
        yield from _with_subsegments({"parent_id": segment["id"], **subsegment})


@contextmanager
def xray() -> Iterator[Daemon]:
    """Run a daemon on a free port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server_socket:
        server_socket.bind(("127.0.0.1", 0))
        daemon = Daemon(server_socket)
        thread = threading.Thread(target=daemon.listen)
        thread.start()
        try:
            yield daemon
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client_socket:
                client_socket.sendto(b"", server_socket.getsockname())
            thread.join()


def trace_header() -> str:
    """A sampled trace, in the form of Lambda's trace header."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=1"


def web_adapter_header() -> str:
    """A value of `x-amzn-lambda-context`, for an invocation with a trace of its own."""
    return json.dumps({"request_id": secrets.token_hex(16), "xray_trace_id": trace_header()})
