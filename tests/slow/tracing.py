"""The X-Ray daemon for functions in the emulator: what they trace can be read here.

Powertools' Tracer switches itself off where LAMBDA_TASK_ROOT is not set, or AWS_SAM_LOCAL, AWS_CHALICE_CLI_MODE or
POWERTOOLS_TRACE_DISABLED is; the emulator sets the first and none of the others. The SDK below it drops what is traced
outside of an invocation, and inside of one that names no trace; TRACED names one.

    with xray() as daemon, built_function(name, layers, {**settings, **daemon.settings}, home, runtime=TRACED) as url:
        invoke(url, event)
        assert daemon.wait_for("s3")["aws"]["operation"] == "GetObject"

A function that streams has no runtime client that names the trace. The web adapter sends it with every request, inside
of the header `x-amzn-lambda-context`; `web_adapter_header()` is such a header for `ask`.
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

# Runs app.handler in place of awslambdaric; see there.
TRACED = (str(Path(__file__).with_name("traced_runtime.py")),)
MAX_BYTES = 65_535


class Daemon:
    """Collects segments, of functions and of processes that they start, in the order of their ends.

    settings: what leads a function to it.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._segments: list[dict[str, Any]] = []
        self._new = threading.Condition()
        host, port = listening.getsockname()
        self.settings = {"AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR"}

    @property
    def segments(self) -> list[dict[str, Any]]:
        """All so far, and the subsegments inside of them."""
        with self._new:
            return [inner for segment in self._segments for inner in _with_inner(segment)]

    def named(self, name: str) -> list[dict[str, Any]]:
        """Those of this name: a service of AWS in small letters (`s3`, `bedrock-runtime`), or what a tracer called
        it (`## handler`)."""
        return [segment for segment in self.segments if segment["name"].lower() == name.lower()]

    def wait_for(self, name: str, seconds: float = 5) -> dict[str, Any]:
        """The first of this name; fails, and says what came instead, when there is none in time."""
        end = time.monotonic() + seconds
        while not (found := self.named(name)):
            with self._new:
                assert self._new.wait(end - time.monotonic()) and time.monotonic() < end, (
                    f"no segment {name!r} within {seconds} s; there are {[one['name'] for one in self._segments]}")
        return found[0]

    def above(self, segment: dict[str, Any]) -> list[str]:
        """Names of the segments that hold this one, the nearest first."""
        by_id = {one["id"]: one for one in self.segments}
        names = []
        while (parent := by_id.get(segment.get("parent_id", ""))) is not None:
            names.append(parent["name"])
            segment = parent
        return names

    def listen(self) -> None:
        """Until the socket is closed. A packet is a line of header and a segment, both JSON."""
        while True:
            try:
                packet = self._socket.recv(MAX_BYTES)
            except OSError:
                return
            if not packet:
                return
            with self._new:
                self._segments.append(json.loads(packet.partition(b"\n")[2]))
                self._new.notify_all()


def _with_inner(segment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield segment
    for inner in segment.get("subsegments", ()):
        yield from _with_inner({"parent_id": segment["id"], **inner})


@contextmanager
def xray() -> Iterator[Daemon]:
    """A daemon on a free port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        daemon = Daemon(listening)
        thread = threading.Thread(target=daemon.listen)
        thread.start()
        try:
            yield daemon
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
                waking.sendto(b"", listening.getsockname())
            thread.join()


def trace_header() -> str:
    """A sampled trace, as Lambda names it."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=1"


def web_adapter_header() -> str:
    """The value of `x-amzn-lambda-context` of an invocation in a trace of its own."""
    return json.dumps({"request_id": secrets.token_hex(16), "xray_trace_id": trace_header()})
