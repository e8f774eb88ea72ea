"""The local server with functions that a test chooses, on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from shotwise_local.gateway import Gateway
from shotwise_local.serve import Server


class ChosenFunctions:
    """Stands in for the functions; `answers` says what each does with an event."""

    def __init__(self, **answers: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.answers = answers
        self.apps: dict[str, Any] = {}

    def invoke(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call a function, which by default answers with its name."""
        return self.answers.get(name, lambda event: {"statusCode": 200, "body": name})(payload)


class ChosenWorkflow:
    """Stands in for the workflow."""

    def __init__(self, outcome: Callable[[], dict[str, Any]]) -> None:
        self._outcome = outcome

    def run(self, execution_input: str) -> dict[str, Any]:
        """Return the outcome, whatever the input is."""
        return self._outcome()


class Served:
    """A running server.

    Attributes
    ----------
    port : int
        Its port on the loopback interface.
    """

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self._server, self.port = server, port

    def stop(self) -> None:
        """Do what SIGTERM does."""
        self._server.should_exit = True

    def connect(self) -> socket.socket:
        """Open a connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def send(self, request: bytes) -> socket.socket:
        """Open a connection and send bytes."""
        connection = self.connect()
        connection.sendall(request)
        return connection

    def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> tuple[int, bytes]:
        """Send a request on a connection of its own, and return status and the complete response."""
        return response_on(self.send(request(method, path, body, headers)))


def request(method: str, path: str, body: bytes = b"", headers: str = "") -> bytes:
    """A complete request, after whose answer the connection is closed."""
    return (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n").encode() + body


def response_on(connection: socket.socket) -> tuple[int, bytes]:
    """Read until the server closes the connection; the status and all that was received."""
    with connection:
        received = b""
        while part := connection.recv(65536):
            received += part
    return int(received.split(b" ", 2)[1]), received


@contextmanager
def serving(gateway: Gateway, connections: int | None = None) -> Iterator[Served]:
    """Serve in a thread, until the end of the block, with at most so many connections."""
    server = Server(gateway, connections)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
                assert thread.is_alive()
            yield Served(server, port)
        finally:
            server.should_exit = True
            thread.join(20)
            gateway.close()
    assert not thread.is_alive()
