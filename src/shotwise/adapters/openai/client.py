"""HTTP to an OpenAI-compatible server: which addresses are allowed, errors without the key, server-sent events."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from shotwise.errors import KnowledgeError

KEY_SETTING = "SHOTWISE_API_KEY"
SECONDS, CONNECT_SECONDS = 60.0, 5.0
BUSY = (429, 502, 503, 504)
RETRY_SECONDS = (1.0, 3.0)
MAX_REASON = 300  # characters of what a server says that go into an error
PRIVATE = tuple(ipaddress.ip_network(network) for network in
                ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
PRIVATE_ENDINGS = (".local", ".lan", ".internal", ".intranet", ".corp", ".home.arpa")


class OpenAIClient:
    """Posts JSON below `base_url` (which ends in /v1 with most servers). setting: where that address was set, for
    errors. seconds: that the server may be silent in one try, the only one; without it there are three.

    https everywhere; http to this machine and, as long as there is no key, to private addresses and names: what is
    asked can then be read on that network, a key never can. Redirects are not followed.
    """

    def __init__(self, base_url: str, setting: str, key: str = "", client: httpx.Client | None = None, *,
                 seconds: float | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.base_url = _checked_address(base_url, setting, key)
        self._key = _checked_key(key)
        self._given = client
        self._seconds = seconds
        self._sleep = sleep

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The server's JSON; twice more after a pause where it is busy."""
        pauses = [] if self._seconds else list(RETRY_SECONDS)
        with self._translated(path):
            while True:
                response = self._client().post(self.base_url + path, json=body, headers=self._headers())
                if response.status_code not in BUSY or not pauses:
                    break
                self._sleep(pauses.pop(0))
            self._check(path, response)
            try:
                return response.json()
            except ValueError as error:
                raise KnowledgeError(f"{self.base_url}{path} answered without JSON") from error

    def stream(self, path: str, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The server's events, each a JSON object, until "[DONE]". Closing the iterator closes the connection."""
        headers = {**self._headers(), "accept": "text/event-stream"}
        with self._translated(path), self._client().stream("POST", self.base_url + path, json=body,
                                                           headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
            self._check(path, response)
            for data in _events(response.iter_bytes()):
                if data == "[DONE]":
                    return
                yield self._event(path, data)

    def _event(self, path: str, data: str) -> dict[str, Any]:
        try:
            event = json.loads(data)
        except ValueError as error:
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is no JSON") from error
        if not isinstance(event, dict):
            raise KnowledgeError(f"{self.base_url}{path} sent an event that is no object")
        if event.get("error"):
            raise KnowledgeError(f"{self.base_url}{path} broke off: {self._reason(event)}")
        return event

    def _check(self, path: str, response: httpx.Response) -> None:
        if response.status_code == httpx.codes.OK:
            return
        try:
            reason = self._reason(response.json())
        except ValueError:
            reason = self._plain(response.text)
        raise KnowledgeError(f"{self.base_url}{path} answered {response.status_code}: {reason}")

    def _reason(self, answer: Any) -> str:
        error = answer.get("error", answer) if isinstance(answer, dict) else answer
        return self._plain(str(error.get("message", error) if isinstance(error, dict) else error))

    def _plain(self, text: str) -> str:
        """A server may repeat the key that it refuses."""
        shown = text.replace(self._key, "***") if self._key else text
        return " ".join(shown.split())[:MAX_REASON]

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise KnowledgeError(f"{self.base_url}{path} did not answer: {self._plain(str(error) or repr(error))}"
                                 ) from error

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    def _client(self) -> httpx.Client:
        if self._given is None:
            # What goes by http stays on this network, so it is given to no proxy that the environment names.
            timeout = httpx.Timeout(self._seconds or SECONDS, connect=min(CONNECT_SECONDS, self._seconds or SECONDS))
            self._given = httpx.Client(timeout=timeout, trust_env=self.base_url.startswith("https:"))
        return self._given


def _checked_address(base_url: str, setting: str, key: str) -> str:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        # Its message repeats what it could not read, which may be a password.
        raise KnowledgeError(f"{setting} is no address") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise KnowledgeError(f"{setting} has to begin with https:// or http:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise KnowledgeError(f"{setting} may hold no user, no query and no fragment; a key goes into {KEY_SETTING}")
    if url.scheme == "http" and not _is_loopback(url.host):
        if not _is_private(url.host):
            raise KnowledgeError(f"{setting} has to begin with https://: {url.host} is no private address")
        if key:
            raise KnowledgeError(f"{setting} has to begin with https://, because {KEY_SETTING} is set and would "
                                 f"be readable on the way to {url.host}")
    return str(url).rstrip("/")


def _checked_key(key: str) -> str:
    """A header takes printable ASCII; the HTTP library would repeat anything else in its error."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KnowledgeError(f"{KEY_SETTING} holds characters that no key has (spaces, line breaks, other than ASCII)")
    return key


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    """By what is written alone, without asking a name server: a name without a dot is one of this network."""
    address = _address(host)
    if address:
        return any(address in network for network in PRIVATE if network.version == address.version)
    # A number without a dot would be an address too, of anywhere.
    return host.endswith(PRIVATE_ENDINGS) or ("." not in host and host[0].isalpha())


def _events(chunks: Iterator[bytes]) -> Iterator[str]:
    """The data of each server-sent event. Lines end in \\n or \\r\\n alone: a text may hold every other line break."""
    data = list[str]()
    for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines)
    yield rest.decode("utf-8", "replace")
