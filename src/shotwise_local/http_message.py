"""HTTP requests and responses as the gateway handles them: read from ASGI messages within limits, and sent as such."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from shotwise.limits import MAX_BODY_BYTES, MAX_UPLOAD_BYTES, RETRY_AFTER_SECONDS, UPLOAD_PAUSE_SECONDS, UPLOAD_SECONDS
from shotwise_local.lanes import Slots

PROBLEM_TYPE = "application/problem+json"
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientLeft(Exception):
    """The client closed the connection before its request was complete, or before the answer."""


class BodyTooLarge(Exception):
    """A body has more bytes than allowed."""


class BodyTooSlow(Exception):
    """A body was not complete in time."""


@dataclass(frozen=True)
class Request:
    """An HTTP request.

    Attributes
    ----------
    method, path, query : str
        As received; the path is decoded, the query is not.
    headers : mapping of str to str
        By lower-case name; the last one of a repeated header, but all of `host` and `origin`.
    body : bytes
        As received.
    client : str
        IP address of the caller.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def problem_response(status: int, code: str, title: str, detail: str, **headers: str) -> Response:
    """Return a problem of this machine's gateway; headers are named with underscores."""
    content = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return Response(status, {"Content-Type": PROBLEM_TYPE,
                             **{name.replace("_", "-"): value for name, value in headers.items()}},
                    json.dumps(content, separators=(",", ":")).encode())


OVERLOADED = problem_response(503, "overloaded", "Overloaded", "More requests than this machine can answer. Try again "
                              "after the seconds that Retry-After names.", Retry_After=str(RETRY_AFTER_SECONDS))
CLOSING = problem_response(503, "closing", "Stopping", "Shotwise is being stopped here. Try again when it runs again.",
                           Retry_After="10", Connection="close")
TOO_SLOW = problem_response(408, "request_too_slow", "Request too slow",
                            "The request did not arrive completely in time. Send it again.", Connection="close")
BAD_REQUEST = problem_response(400, "not_http", "Bad request", "This is not a request of HTTP/1.1.", Connection="close")
FOREIGN = problem_response(403, "foreign_host", "Foreign host or origin", "On this machine the API answers only "
                           "requests to localhost or 127.0.0.1, and from web pages there.")
HEAD_TOO_LARGE = problem_response(431, "headers_too_large", "Headers too large",
                                  "URL and headers are too long. Send fewer or shorter ones.", Connection="close")


def request_head(scope: Scope) -> Request:
    """Return the request of an ASGI scope without its body."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # Which of two hosts is meant nobody can know; joined, they are none that is accepted.
        headers[name] = f"{headers[name]}, {value}" if name in ("host", "origin") and name in headers else value
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"),
                   headers, b"", (scope.get("client") or ("127.0.0.1",))[0])


async def body_parts(receive: Receive, pause_seconds: float | None = None) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives.

    Raises ClientLeft if it breaks off, and TimeoutError if nothing arrives for `pause_seconds`.
    """
    more = True
    while more:
        message = await asyncio.wait_for(receive(), pause_seconds)
        if message["type"] == "http.disconnect":
            raise ClientLeft  # half a body is not a request
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def read_body(receive: Receive, max_bytes: int, seconds: float, large_bodies: Slots) -> bytes:
    """Return the body of a request.

    Raises
    ------
    BodyTooLarge
        It exceeds `max_bytes`. The rest of it was received and dropped, because some clients read the response only
        when they have sent everything.
    BodyTooSlow
        It was not complete within `seconds`.
    Overloaded
        It exceeds MAX_BODY_BYTES, and `large_bodies` has no room.
    ClientLeft
        It breaks off.
    """
    body = bytearray()
    too_large = False
    try:
        with ExitStack() as slot:
            async with asyncio.timeout(seconds):
                async for part in body_parts(receive):
                    if len(body) <= MAX_BODY_BYTES < len(body) + len(part) and not too_large:
                        slot.enter_context(large_bodies.take())
                    if too_large := too_large or len(body) + len(part) > max_bytes:
                        body.clear()
                    else:
                        body += part
    except TimeoutError:
        if not too_large:
            raise BodyTooSlow from None
    if too_large:
        raise BodyTooLarge
    return bytes(body)


async def upload_parts(request: Request, receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body of an upload as it arrives.

    Raises
    ------
    BodyTooLarge
        It exceeds MAX_UPLOAD_BYTES, or its head says so; nothing is read then.
    BodyTooSlow
        It pauses or takes too long.
    ClientLeft
        It breaks off.
    """
    declared = request.headers.get("content-length", "0")
    if int(declared) > MAX_UPLOAD_BYTES:  # the server has checked that it is a number
        raise BodyTooLarge
    size, end = 0, time.monotonic() + UPLOAD_SECONDS
    try:
        async for part in body_parts(receive, UPLOAD_PAUSE_SECONDS):
            size += len(part)
            if size > MAX_UPLOAD_BYTES:
                raise BodyTooLarge
            if time.monotonic() > end:
                raise BodyTooSlow
            yield part
    except TimeoutError:
        raise BodyTooSlow from None


async def drop_body(request: Request, receive: Receive, seconds: float) -> None:
    """Receive the body of a refused request and drop it, so that the client reads the response.

    A client that expects to be asked for its body ("Expect: 100-continue") reads the response without that.
    """
    if request.headers.get("expect", "").lower() != "100-continue":
        try:
            async with asyncio.timeout(seconds):
                async for _ in body_parts(receive, UPLOAD_PAUSE_SECONDS):
                    pass
        except TimeoutError:
            pass  # the response is sent now, whether or not the client reads it


def ending(receive: Receive) -> Receive:
    """Return a `receive` that gives empty parts after the last one, and does not wait for what never comes."""
    is_complete = False

    async def receive_part() -> dict[str, Any]:
        nonlocal is_complete
        if is_complete:
            return {"type": "http.request", "body": b"", "more_body": False}
        message = await receive()
        is_complete = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    return receive_part


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and then what really arrives."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    return receive_again


async def send_response(response: Response, send: Send) -> None:
    """Send a response in one piece."""
    headers = {**response.headers, "content-length": str(len(response.body))}
    await send({"type": "http.response.start", "status": response.status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": response.body})
