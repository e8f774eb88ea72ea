"""An HTTP client for OpenAI-compatible servers with limits of time and size, which hides the key in errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from shotwise.adapters.in_thread import call_in_thread, iterate_in_thread
from shotwise.adapters.openai.connection import Connection, LimitedStream
from shotwise.adapters.openai.server_url import KEY_SETTING, check_base_url
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.limits import (
    DOCUMENT_EMBEDDING_SECONDS,
    MAX_MODEL_CONNECTIONS,
    MAX_MODEL_ERROR_BYTES,
    MAX_MODEL_EVENT_BYTES,
    MAX_MODEL_RESPONSE_BYTES,
    MODEL_CONNECT_SECONDS,
)

BUSY = (429, 502, 503, 504)
RETRY_PAUSES = (1.0, 3.0)  # seconds
MAX_REASON = 300  # characters of a server's message that go into an error


class OpenAIClient:
    """Posts JSON to paths below `base_url`, which ends in /v1 for most servers.

    https is allowed to all servers. http is allowed to this machine and, without a key, to private addresses and names:
    then questions can be read on that network, but no key is sent. Redirects are not followed. Compressed responses are
    refused, because a small one can fill the memory.

    Parameters
    ----------
    base_url : str
        URL of the server.
    setting : str
        Name of the setting with the URL, for errors.
    key : str
        Key to send as a bearer token; empty for none.
    client : httpx2.Client, optional
        HTTP client; by default created at the first request.
    sleep : callable
        Stand-in for `time.sleep` in tests.

    Raises
    ------
    KnowledgeError
        The URL or the key cannot be used.
    """

    def __init__(self, base_url: str, setting: str, key: str = "", client: httpx2.Client | None = None, *,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self.base_url = check_base_url(base_url, setting, key)
        self._key = _check_key(key)
        self._cached_client = client
        self._sleep = sleep

    def post(self, path: str, body: dict[str, Any], deadline: Deadline | None = None,
             max_bytes: int = MAX_MODEL_RESPONSE_BYTES) -> Any:
        """Return the server's JSON, which may have up to `max_bytes`.

        There is one try until the deadline. Without a deadline, as for documents, a try has DOCUMENT_EMBEDDING_SECONDS,
        and a busy server is tried up to two more times.
        """
        pauses = [] if deadline else list(RETRY_PAUSES)
        while True:
            status, content = self._post_once(path, body, deadline or Deadline(DOCUMENT_EMBEDDING_SECONDS), max_bytes)
            if status not in BUSY or not pauses:
                break
            self._sleep(pauses.pop(0))
        self._check_status(path, status, content)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise KnowledgeError(f"{self.base_url}{path} answered without JSON") from error

    def stream(self, path: str, body: dict[str, Any], deadline: Deadline) -> Generator[dict[str, Any], None, None]:
        """Yield the server's events, which are JSON objects, up to "[DONE]". Closing the iterator hangs up."""
        connection = Connection()
        return iterate_in_thread(lambda: self._events(path, body, deadline, connection), deadline,
                                 f"{self.base_url}{path}", connection.hang_up)

    def _post_once(self, path: str, body: dict[str, Any], deadline: Deadline, max_bytes: int) -> tuple[int, bytes]:
        """Return status and content of a response."""
        connection = Connection()

        def call() -> tuple[int, bytes]:
            with self._response(path, body, deadline, connection) as response:
                if response.status_code != httpx2.codes.OK:
                    return response.status_code, _beginning(response)
                response.stream = LimitedStream(response.stream, max_bytes)
                return response.status_code, b"".join(response.iter_bytes())

        return call_in_thread(call, deadline, f"{self.base_url}{path}", connection.hang_up)

    def _events(self, path: str, body: dict[str, Any], deadline: Deadline,
                connection: Connection) -> Generator[dict[str, Any], None, None]:
        with self._response(path, body, deadline, connection) as response:
            if response.status_code != httpx2.codes.OK:
                self._check_status(path, response.status_code, _beginning(response))
            # Some servers stream events without saying so, and httpx2 reads no others.
            response.headers["Content-Type"] = "text/event-stream"
            # Some hang up right after the last event, and the standard says to drop it without a blank line.
            response.stream = LimitedStream(response.stream, MAX_MODEL_RESPONSE_BYTES, end=b"\n\n")
            for event in httpx2.EventSource(response, MAX_MODEL_EVENT_BYTES):
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield self._parse_event(path, event.data)

    @contextmanager
    def _response(self, path: str, body: dict[str, Any], deadline: Deadline,
                  connection: Connection) -> Iterator[httpx2.Response]:
        """Send a request and yield its response, whose content is not read yet."""
        seconds = deadline.seconds_left
        timeout = httpx2.Timeout(seconds, connect=min(MODEL_CONNECT_SECONDS, seconds))
        with self._translate_httpx_errors(path), self._client().stream(
                "POST", self.base_url + path, json=body, headers=self._headers(), timeout=timeout,
                follow_redirects=False, extensions={"trace": connection.trace}) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise KnowledgeError(f"{self.base_url}{path} answered compressed, which was not asked for")
            yield response

    def _parse_event(self, path: str, event_json: str) -> dict[str, Any]:
        try:
            event = json.loads(event_json)
        except (ValueError, RecursionError) as error:
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is not JSON") from error
        if not isinstance(event, dict):
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is not an object")
        if event.get("error"):
            raise KnowledgeError(f"{self.base_url}{path} broke off: {self._reason(event, event_json)}")
        return event

    def _check_status(self, path: str, status: int, content: bytes) -> None:
        if status == httpx2.codes.OK:
            return
        text = content.decode("utf-8", "replace")
        try:
            reason = self._reason(json.loads(text), text)
        except (ValueError, RecursionError):
            reason = self._without_key(text)
        raise KnowledgeError(f"{self.base_url}{path} answered {status}: {reason}")

    def _reason(self, content: Any, text: str) -> str:
        """Return the message of an error; the complete text if it has another form."""
        error = content.get("error", content) if isinstance(content, dict) else content
        message = error.get("message") if isinstance(error, dict) else error
        return self._without_key(message if isinstance(message, str) else text)

    def _without_key(self, text: str) -> str:
        """Put a message on one line, cut it and hide the key, which a server may repeat when it refuses it."""
        hidden = text.replace(self._key, "***") if self._key else text
        printable = "".join(character if character.isprintable() else " " for character in hidden)
        return " ".join(printable.split())[:MAX_REASON]

    @contextmanager
    def _translate_httpx_errors(self, path: str) -> Iterator[None]:
        """Raise an error of httpx2, or of the system, as a KnowledgeError."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError) as error:
            reason = self._without_key(str(error) or repr(error))
            raise KnowledgeError(f"{self.base_url}{path} did not answer: {reason}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        return {**headers, "Authorization": f"Bearer {self._key}"} if self._key else headers

    def _client(self) -> httpx2.Client:
        if self._cached_client is None:
            # A connection serves one request, so that it can be hung up. http is only used within this network, so it
            # does not go through a proxy that the environment names.
            self._cached_client = httpx2.Client(
                limits=httpx2.Limits(max_connections=MAX_MODEL_CONNECTIONS, max_keepalive_connections=0),
                trust_env=self.base_url.startswith("https:"))
        return self._cached_client


def _beginning(response: httpx2.Response) -> bytes:
    """Read the beginning of a response, which may be endless."""
    content = b""
    for part in response.iter_bytes():
        content += part
        if len(content) > MAX_MODEL_ERROR_BYTES:
            break
    return content[:MAX_MODEL_ERROR_BYTES]


def _check_key(key: str) -> str:
    """Refuse characters that a header cannot contain; the HTTP library would show the key in its error."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KnowledgeError(f"{KEY_SETTING} holds characters that no key has (spaces, line breaks, other than ASCII)")
    return key
