"""A connection that can be hung up from another thread, and a stream of bytes that is limited."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpx2

from shotwise.limits import MAX_MODEL_HEAD_BYTES


class Connection:
    """The connection of one request, however far it is: connected, in the handshake of TLS, or answering.

    `trace` is an extension of a request, which httpx2 calls with each step. Only a client that keeps no connection
    open announces a new connection for each request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_hung_up = False
        self._has_head = False
        self._size = 0

    def trace(self, step: str, info: dict[str, Any]) -> None:
        """Note the connection, read from it only until it is hung up, and only so much before the response begins."""
        if step.endswith(".receive_response_headers.complete"):
            self._has_head = True
        if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            # What has arrived can be read even from a connection that is shut down, for good where a server floods.
            stream.read = self._guarded(stream.read)
        if step == "connection.connect_tcp.complete":
            with self._lock:
                # A duplicate stays valid when TLS replaces the socket, or the library closes it.
                self._socket = stream.get_extra_info("socket").dup()
                if self._is_hung_up:
                    self._shut_down()

    def hang_up(self) -> None:
        """End the connection, which wakes whoever reads from it."""
        with self._lock:
            self._is_hung_up = True
            if self._socket is not None:
                self._shut_down()

    def _guarded(self, read: Callable[..., bytes]) -> Callable[..., bytes]:
        def guarded(*arguments: Any, **options: Any) -> bytes:
            if self._is_hung_up:
                raise httpx2.ReadError("nobody waits for it any more")
            content = read(*arguments, **options)
            self._size += len(content)
            if not self._has_head and self._size > MAX_MODEL_HEAD_BYTES:
                raise httpx2.ReadError(f"it sent more than {MAX_MODEL_HEAD_BYTES} bytes before its response")
            return content

        return guarded

    def _shut_down(self) -> None:
        assert self._socket is not None
        with self._socket, suppress(OSError):  # the server may have been quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket = None


class LimitedStream(httpx2.SyncByteStream):
    """The content of a response of at most `max_bytes`, with `end` added at its end."""

    def __init__(self, stream: httpx2.SyncByteStream | AsyncIterable[bytes] | None, max_bytes: int,
                 end: bytes = b"") -> None:
        assert isinstance(stream, httpx2.SyncByteStream) and isinstance(stream, Iterable)
        self._stream = stream
        self._max_bytes = max_bytes
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > self._max_bytes:
                raise httpx2.ReadError(f"it sent more than {self._max_bytes} bytes")
            yield part
        yield self._end

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
