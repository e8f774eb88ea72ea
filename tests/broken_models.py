"""Language models that are broken, each in its own way, as servers on this machine.

`broken_model("silent")` is a context manager that yields a server with a `url`, to be set as SHOTWISE_WRITER or
SHOTWISE_EMBEDDER. KINDS describes the kinds. A server with the kind `working` answers every request rightly.
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
JSON = SSE.replace(b"text/event-stream", b"application/json")
FLOOD = 64 * 1024  # bytes that are sent at once by a server that floods
Script = Callable[["BrokenModel"], Iterator[bytes]]


def event(text: str | None = None, finish: str | None = None) -> bytes:
    """Return a piece of an answer as a server sends it."""
    delta = {} if text is None else {"content": text}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() \
        + b"\n\n"


class BrokenModel:
    """A server that answers every request by a script.

    Attributes
    ----------
    url : str
        Its address, which ends in /v1.
    requests : int
        How many requests were read to their end.
    open_connections : int
        How many clients are connected and have not hung up.
    sent_bytes : int
        How much it could send, in total.
    """

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.requests = self.open_connections = self.sent_bytes = 0
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Stop listening and close all connections."""
        self.stopped.set()
        self._listener.close()

    def pause(self, seconds: float) -> bool:
        """Wait, or until the server is stopped; returns whether it goes on."""
        return not self.stopped.wait(seconds)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.open_connections += 1
        connection.settimeout(0.2)
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as secured:
                if self._read_request(secured):
                    self._answer(secured)
        finally:
            with self._lock:
                self.open_connections -= 1

    def _read_request(self, connection: socket.socket) -> bool:
        """Read a request to its end; returns whether there was one."""
        request = b""
        while not self.stopped.is_set():
            head, blank_line, body = request.partition(b"\r\n\r\n")
            lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                       if line.startswith(b"content-length:")]
            if blank_line and len(body) >= sum(lengths):
                with self._lock:
                    self.requests += 1
                return True
            try:
                part = connection.recv(FLOOD)
            except TimeoutError:
                continue
            except OSError:
                return False
            if not part:
                return False
            request += part
        return False

    def _answer(self, connection: socket.socket) -> None:
        for part in self._script(self):
            if not self._send(connection, part):
                return

    def _send(self, connection: socket.socket, part: bytes) -> bool:
        """Send bytes, or notice with none of them that the client hung up; returns whether it is still there."""
        rest = memoryview(part)
        while not self.stopped.is_set():
            try:
                if not rest:
                    return not _has_hung_up(connection)
                count = connection.send(rest)
            except TimeoutError:
                continue
            except OSError:
                return False
            with self._lock:
                self.sent_bytes += count
            rest = rest[count:]
        return False


def _has_hung_up(connection: socket.socket) -> bool:
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and socket.socket.recv(connection, 1, socket.MSG_PEEK) == b""  # below TLS
    except OSError:
        return True


def _slowly(content: bytes, seconds: float = 1.0) -> Script:
    """Make a script that sends one byte at a time, and after the last one spaces."""
    def script(server: BrokenModel) -> Iterator[bytes]:
        for byte in content:
            yield bytes([byte])
            if not server.pause(seconds):
                return
        while server.pause(seconds):
            yield b" "

    return script


def _silently(content: bytes = b"") -> Script:
    """Make a script that sends a beginning and then nothing, until the client hangs up."""
    def script(server: BrokenModel) -> Iterator[bytes]:
        yield content
        while server.pause(0.05):
            yield b""

    return script


def _after(content: bytes, script: Script) -> Script:
    def both(server: BrokenModel) -> Iterator[bytes]:
        yield content
        yield from script(server)

    return both


def _at_once(*parts: bytes) -> Script:
    return lambda server: iter(parts)


def _endlessly(head: bytes, part: bytes) -> Script:
    """Make a script that sends a part again and again, as fast as it is taken."""
    def script(server: BrokenModel) -> Iterator[bytes]:
        yield head
        block = part * max(FLOOD // len(part), 1)
        while not server.stopped.is_set():
            yield block

    return script


def _gzip_bomb(server: BrokenModel) -> Iterator[bytes]:
    """One GB of spaces, compressed to one MB."""
    yield JSON.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
    yield from [_compressed_spaces()] * 16


@cache
def _compressed_spaces() -> bytes:
    return gzip.compress(b" " * 2**26)


def _events_each_second(server: BrokenModel) -> Iterator[bytes]:
    yield SSE
    while server.pause(1.0):
        yield event("a")


def _status(line: str, body: bytes, headers: str = "") -> bytes:
    return (f"HTTP/1.1 {line}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode() + body


KINDS: Mapping[str, Script] = {
    # time
    "no_headers": _silently(),
    "silent": _silently(SSE),
    "silent_after_a_word": _silently(SSE + event('{"claim": "')),
    "drip": _slowly(SSE + event("a" * 1000, "stop")),
    "drip_body": _after(SSE, _slowly(event("a" * 1000, "stop"))),
    "an_event_each_second": _events_each_second,
    # sizes
    "endless_line": _endlessly(SSE + b"data: ", b"x" * 1024),
    "endless_comments": _endlessly(SSE, b": keep-alive\n"),
    "endless_headers": _endlessly(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n"),
    "endless_informational": _endlessly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "endless_tokens": _endlessly(SSE, event("word ")),
    "endless_lines_of_text": _endlessly(SSE, event("not a claim\n")),
    "huge_json": _endlessly(JSON + b'{"data": [{"index": 0, "embedding": [', b"0.123456789, "),
    "huge_error": _endlessly(_status("500 Internal Server Error", b"")[:-2].replace(b"Content-Length: 0\r\n", b"")
                             + b"\r\n", b"x" * 1024),
    "deep_json": _at_once(JSON, b"[" * 500_000),
    "deep_event": _at_once(SSE, b"data: " + b"[" * 500_000 + b"\n\n"),
    "gzip_bomb": _gzip_bomb,
    # connections
    "hangup": _at_once(),
    "half_event": _at_once(SSE, event('{"claim": "얇은'), b'data: {"choices": [{"del'),
    "redirect": _at_once(_status("302 Found", b"{}", "Location: /v1/again\r\n")),
    # content
    "error500": _at_once(_status("500 Internal Server Error", b'{"error": {"message": "out of memory"}}')),
    "busy503": _at_once(_status("503 Service Unavailable", b'{"error": {"message": "loading"}}')),
    "not_http": _at_once(b"220 mail.example ESMTP\r\n"),
    "not_numbers": _at_once(JSON, b'{"data": [{"index": 0, "embedding": [NaN, NaN]}]}'),
    "huge_numbers": _at_once(JSON, b'{"data": [{"index": 0, "embedding": [1%s, 1]}]}' % (b"0" * 400)),
    "wrong_types": _at_once(SSE, b'data: {"choices": [{"delta": {"content": {"text": ["a"]}}}]}\n\n'),
}


def _working(server: BrokenModel) -> Iterator[bytes]:
    """The answer of a model that sees no answer in the documents."""
    yield SSE + event('{"none": true}\n') + event(None, "stop") + b"data: [DONE]\n\n"


@contextmanager
def broken_model(kind: str, tls: ssl.SSLContext | None = None) -> Iterator[BrokenModel]:
    """Serve a model that is broken in a way of KINDS, or `working`; by https with the TLS context of a server."""
    server = BrokenModel(_working if kind == "working" else KINDS[kind], tls)
    try:
        yield server
    finally:
        server.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until a condition is met; returns whether it was in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
