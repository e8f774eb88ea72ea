"""Connections of the local server: uvicorn's HTTP protocol, with limits on how long and how many.

uvicorn waits for the head of a request for ever, and takes connections until no file descriptor is left.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shotwise.limits import MAX_CONNECTIONS, MAX_REQUEST_HEAD_BYTES, REQUEST_HEAD_SECONDS
from shotwise_local.http_message import BAD_REQUEST, HEAD_TOO_LARGE, OVERLOADED, Response


def max_connections() -> int:
    """Return how many connections there may be: MAX_CONNECTIONS, but at most half of the file descriptors."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if descriptors == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, descriptors // 2)


class Connection(HttpToolsProtocol):
    """A connection to a client.

    It is closed if the head of a request is not complete in time, or, if there are too many connections, to make room
    for a new one: the oldest goes whose client is not waiting for an answer.

    Parameters
    ----------
    max_connections : int
        How many connections there may be.
    **options
        As uvicorn passes them.
    """

    def __init__(self, *, max_connections: int, **options: Any) -> None:
        super().__init__(**options)
        self._max_connections = max_connections
        self._head_timer: asyncio.TimerHandle | None = None  # runs while the head of a request is awaited
        self._head_bytes = 0
        self._opened = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._opened = self.loop.time()
        self._await_head()
        if len(self.connections) > self._max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_awaiting_head()
        super().connection_lost(exc)

    def data_received(self, piece: bytes) -> None:
        """Read a piece of a request."""
        timer = self._head_timer
        super().data_received(piece)
        # A head that begins within the piece, after another request, is counted from the next piece on.
        if timer and timer is self._head_timer:
            self._head_bytes += len(piece)
            if self._head_bytes > MAX_REQUEST_HEAD_BYTES and not self.waits_for_answer:
                self._refuse(HEAD_TOO_LARGE)
            elif self._head_bytes > MAX_REQUEST_HEAD_BYTES:
                self.flow.pause_reading()  # until the answer to the request before

    def on_message_begin(self) -> None:
        """Begin to read a request, which on a connection that is kept is another one."""
        if not self._head_timer:
            self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request over; how long its body may take is up to the gateway."""
        self._stop_awaiting_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(BAD_REQUEST)

    @property
    def waits_for_answer(self) -> bool:
        """Whether a complete request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(REQUEST_HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self.waits_for_answer:  # of the request before, on the same connection
            self._await_head()
        else:
            self.transport.abort()

    def _stop_awaiting_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _make_room(self) -> None:
        others = [connection for connection in self.connections
                  if isinstance(connection, Connection) and connection is not self and not connection.waits_for_answer]
        if others:
            min(others, key=lambda connection: connection._opened).transport.abort()
        else:
            self._refuse(OVERLOADED)

    def _refuse(self, response: Response) -> None:
        """Answer without the gateway, and close the connection."""
        self._stop_awaiting_head()
        headers = {**response.headers, "Content-Length": str(len(response.body)), "Connection": "close"}
        lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
        self.transport.write(b"".join([STATUS_LINE[response.status], *lines, b"\r\n", response.body]))
        self.transport.close()
