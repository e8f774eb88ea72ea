"""Requests to the local gateway: straight to its routes, or over ASGI as uvicorn passes them on."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shotwise_local.gateway import Gateway, Request, Response


def ask(gateway: Gateway, method: str, path: str, body: Any = None, media_type: str = "application/json",
        query: str = "") -> Response:
    """One request to the gateway; text and bytes go as they are, all else as JSON."""
    return gateway.handle(Request(method, path, query, {"content-type": media_type}, _content(body), "127.0.0.1"))


@dataclass(frozen=True)
class Served:
    """A reply as it was sent. parts: of its body, one a message."""

    status: int
    headers: Mapping[str, str]
    parts: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.parts)

    @property
    def reply(self) -> Response:
        """As the gateway's routes give one."""
        return Response(self.status, self.headers, self.body)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def events(self) -> Iterator[tuple[str, Any]]:
        """(kind, data) of server-sent events."""
        for block in self.body.decode("utf-8").removesuffix("\n\n").split("\n\n"):
            kind, data = block.split("\n")
            yield kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def serve(gateway: Gateway, method: str, address: str, body: Any = None,
          headers: Mapping[str, str] | None = None) -> Served:
    """One request over ASGI. address: an URL or its path and query, percent signs and all. body: as for `ask`, or
    a list of its parts.
    """
    parts = body if isinstance(body, list) else [_content(body)]
    return asyncio.run(_served(gateway, method, address, parts,
                               {"host": "127.0.0.1:8000", "content-type": "application/json", **(headers or {})}))


async def _served(gateway: Gateway, method: str, address: str, parts: list[bytes],
                  headers: Mapping[str, str]) -> Served:
    url = urllib.parse.urlsplit(address)
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
             "method": method, "scheme": "http", "path": urllib.parse.unquote(url.path), "raw_path": url.path.encode(),
             "query_string": url.query.encode(), "root_path": "", "headers": list(_encoded(headers.items())),
             "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8000)}
    sent: list[dict[str, Any]] = []

    messages = iter([*({"type": "http.request", "body": part, "more_body": True} for part in parts),
                     {"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(messages, None)) is None:
            await asyncio.Event().wait()  # the client stays
        assert message
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    await gateway(scope, receive, send)
    return Served(sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]},
                  tuple(message["body"] for message in sent[1:] if message.get("body")))


def _encoded(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[bytes, bytes]]:
    return ((name.encode(), value.encode("latin-1")) for name, value in headers)


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
