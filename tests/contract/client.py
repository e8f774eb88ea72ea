"""Requests to the local gateway: straight to its routes, or over ASGI as uvicorn passes them on."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shotwise_local.gateway import Gateway
from shotwise_local.http_message import Request, Response


def call(gateway: Gateway, method: str, path: str, body: Any = None, media_type: str = "application/json",
         query: str = "") -> Response:
    """Send a request to the gateway's routes; text and bytes go as they are, all else as JSON."""
    return gateway.handle(Request(method, path, query, {"content-type": media_type}, _content(body), "127.0.0.1"))


@dataclass(frozen=True)
class AsgiResponse:
    """A response as it was sent over ASGI.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : mapping
        By lower-case name.
    parts : tuple of bytes
        The body, one part a message.
    """

    status: int
    headers: Mapping[str, str]
    parts: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.parts)

    @property
    def response(self) -> Response:
        """The same as the gateway's routes return it."""
        return Response(self.status, self.headers, self.body)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def events(self) -> Iterator[tuple[str, Any]]:
        """The server-sent events of the body: (event type, data)."""
        for block in self.body.decode("utf-8").removesuffix("\n\n").split("\n\n"):
            event_type, data = block.split("\n")
            yield event_type.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def call_asgi(gateway: Gateway, method: str, url: str, body: Any = None,
              headers: Mapping[str, str] | None = None) -> AsgiResponse:
    """Send a request over ASGI.

    `url` may be a path with its query, percent-encoded. `body` is as for `call`, or a list of its parts.
    """
    parts = body if isinstance(body, list) else [_content(body)]
    return asyncio.run(_send(gateway, method, url, parts,
                             {"host": "127.0.0.1:8000", "content-type": "application/json", **(headers or {})}))


async def _send(gateway: Gateway, method: str, url: str, parts: list[bytes],
                headers: Mapping[str, str]) -> AsgiResponse:
    address = urllib.parse.urlsplit(url)
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
             "method": method, "scheme": "http", "path": urllib.parse.unquote(address.path),
             "raw_path": address.path.encode(), "query_string": address.query.encode(), "root_path": "",
             "headers": list(_encoded(headers.items())), "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8000)}
    sent: list[dict[str, Any]] = []

    messages = iter([*({"type": "http.request", "body": part, "more_body": True} for part in parts),
                     {"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(messages, None)) is None:
            await asyncio.Event().wait()  # the client stays connected
        assert message
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    await gateway(scope, receive, send)
    return AsgiResponse(sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]},
                        tuple(message["body"] for message in sent[1:] if message.get("body")))


def _encoded(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[bytes, bytes]]:
    return ((name.encode(), value.encode("latin-1")) for name, value in headers)


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
