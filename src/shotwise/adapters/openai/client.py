"""An HTTP client for OpenAI-compatible servers, which reads server-sent events and hides the key in errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from shotwise.adapters.openai.server_url import KEY_SETTING, check_base_url
from shotwise.errors import KnowledgeError

READ_SECONDS, CONNECT_SECONDS = 60.0, 5.0
BUSY = (429, 502, 503, 504)
RETRY_PAUSES = (1.0, 3.0)  # seconds
MAX_REASON = 300  # characters of a server's message that go into an error


class OpenAIClient:
    """Posts JSON to paths below `base_url`, which ends in /v1 for most servers.

    https is allowed to all servers. http is allowed to this machine and, without a key, to private addresses and names:
    then questions can be read on that network, but no key is sent. Redirects are not followed.

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
    seconds : float, optional
        How long the server may send nothing, in a single try. By default there are three tries of 60 s.
    sleep : callable
        Stand-in for `time.sleep` in tests.

    Raises
    ------
    KnowledgeError
        The URL or the key cannot be used.
    """

    def __init__(self, base_url: str, setting: str, key: str = "", client: httpx2.Client | None = None, *,
                 seconds: float | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.base_url = check_base_url(base_url, setting, key)
        self._key = _check_key(key)
        self._cached_client = client
        self._seconds = seconds
        self._sleep = sleep

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the server's JSON. Unless `seconds` is set, a busy server is tried up to two more times."""
        pauses = [] if self._seconds else list(RETRY_PAUSES)
        with self._translate_httpx_errors(path):
            while True:
                response = self._client().post(self.base_url + path, json=body, headers=self._headers())
                if response.status_code not in BUSY or not pauses:
                    break
                self._sleep(pauses.pop(0))
            self._check_status(path, response)
            try:
                return response.json()
            except ValueError as error:
                raise KnowledgeError(f"{self.base_url}{path} answered without JSON") from error

    def stream(self, path: str, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Yield the server's events, which are JSON objects, up to "[DONE]". Closing the iterator hangs up."""
        with self._translate_httpx_errors(path), self._client().sse(
                self.base_url + path, method="POST", json=body, headers=self._headers()) as events:
            response = events.response
            if response.status_code != httpx2.codes.OK:
                response.read()
            self._check_status(path, response)
            # Some servers stream events without saying so, and httpx2 reads no others.
            response.headers["Content-Type"] = "text/event-stream"
            assert isinstance(response.stream, httpx2.SyncByteStream)
            response.stream = _EndsWithBlankLine(response.stream)
            for event in events:
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield self._parse_event(path, event.data)

    def _parse_event(self, path: str, event_json: str) -> dict[str, Any]:
        try:
            event = json.loads(event_json)
        except ValueError as error:
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is not JSON") from error
        if not isinstance(event, dict):
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is not an object")
        if event.get("error"):
            raise KnowledgeError(f"{self.base_url}{path} broke off: {self._reason(event)}")
        return event

    def _check_status(self, path: str, response: httpx2.Response) -> None:
        if response.status_code == httpx2.codes.OK:
            return
        try:
            reason = self._reason(response.json())
        except ValueError:
            reason = self._without_key(response.text)
        raise KnowledgeError(f"{self.base_url}{path} answered {response.status_code}: {reason}")

    def _reason(self, content: Any) -> str:
        error = content.get("error", content) if isinstance(content, dict) else content
        return self._without_key(str(error.get("message", error) if isinstance(error, dict) else error))

    def _without_key(self, text: str) -> str:
        """Put a message on one line, cut it and hide the key, which a server may repeat when it refuses it."""
        hidden = text.replace(self._key, "***") if self._key else text
        return " ".join(hidden.split())[:MAX_REASON]

    @contextmanager
    def _translate_httpx_errors(self, path: str) -> Iterator[None]:
        """Raise an error of httpx2 as a KnowledgeError."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            reason = self._without_key(str(error) or repr(error))
            raise KnowledgeError(f"{self.base_url}{path} did not answer: {reason}") from error

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    def _client(self) -> httpx2.Client:
        if self._cached_client is None:
            # http is only used within this network, so it does not go through a proxy that the environment names.
            timeout = httpx2.Timeout(self._seconds or READ_SECONDS,
                                     connect=min(CONNECT_SECONDS, self._seconds or READ_SECONDS))
            self._cached_client = httpx2.Client(timeout=timeout, trust_env=self.base_url.startswith("https:"))
        return self._cached_client


class _EndsWithBlankLine(httpx2.SyncByteStream):
    """Adds a blank line at the end of a stream of events.

    Some servers hang up right after the last event. Without a blank line after it, the standard says to drop it.
    """

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        yield b"\n\n"

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _check_key(key: str) -> str:
    """Refuse characters that a header cannot contain; the HTTP library would show the key in its error."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KnowledgeError(f"{KEY_SETTING} holds characters that no key has (spaces, line breaks, other than ASCII)")
    return key
