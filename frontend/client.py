"""The API as the page needs it: one method a route, every failure an ApiError."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import requests

from event_stream import events

Json = dict[str, Any]
Event = tuple[str, Json]
TIMEOUT = (3.05, 35.0)  # seconds to connect and to read: API Gateway itself cuts at 29 s
QUERY_TIMEOUT = (3.05, 120.0)  # between two events: a model on this machine may think for long before its first line
UPLOAD_TIMEOUT = (3.05, 300.0)  # the store answers when it has all of the file
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ApiError(Exception):
    """The API refused, failed or did not answer.

    status: the HTTP status, None where no answer came or it broke off. problem: its RFC 9457 document, empty where
    there is none. sent: the features that were sent, if any.
    """

    def __init__(self, status: int | None, problem: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> None:
        self.status, self.problem, self.sent = status, problem, sent or {}
        super().__init__(str(problem.get("detail") or f"status {status}"))


class Client:
    """Calls the API at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = _session(self.base_url)

    def model(self) -> Json:
        """Schema, limits, thresholds and figures of the served model."""
        return self._json("GET", "/model")

    def samples(self) -> list[Json]:
        """Real shots to try."""
        found: list[Json] = self._json("GET", "/samples")["samples"]
        return found

    def diagnose(self, body: Mapping[str, Any]) -> Json:
        """The whole diagnosis of a shot."""
        return self._json("POST", "/diagnose", body)

    def query(self, body: Mapping[str, Any]) -> Generator[Event, None, None]:
        """The events of an answer as they come, the last one `done`. Close the iterator to hang up.

        An `error` event raises like an error status; so does a stream that ends without `done`.
        """
        response = self._send("POST", "/query", body, timeout=QUERY_TIMEOUT, stream=True)
        try:
            for kind, text in events(response.iter_content(None)):
                data = _object(text, response.status_code)
                if kind == "error":
                    raise ApiError(data.get("status"), data)
                yield kind, data
                if kind == "done":
                    return
        except requests.RequestException as error:
            raise ApiError(None, {}) from error
        finally:
            response.close()
        raise ApiError(None, {})

    def chart(self, visualization_url: str) -> bytes:
        """The PNG of a chart. Wherever the URL points (s3:// on AWS), the API hands it out by the URL's last part."""
        name = urlsplit(visualization_url).path.rsplit("/", 1)[-1]
        return self._send("GET", f"/charts/{quote(name, safe='')}").content

    def documents(self) -> list[Json]:
        """Every document, and every file that could not be read."""
        found: list[Json] = self._json("GET", "/documents")["documents"]
        return found

    def upload(self, name: str, content: BinaryIO) -> str:
        """Send a file to where the API says, and give the name that it goes by."""
        found = self._json("POST", "/documents", {"name": name})
        address = found["upload"]
        with _session(address["url"]) as session:
            # The address carries its own signature; credentials beside it, as of a .netrc, make the store refuse it.
            session.auth = _unchanged
            _answered(session, address["method"], address["url"], data=_whole(content), headers=address["headers"],
                      timeout=UPLOAD_TIMEOUT, allow_redirects=False)
        return str(found["name"])

    def remove(self, name: str) -> None:
        """Remove a document; it leaves the list a little later."""
        self._send("DELETE", f"/documents/{quote(name, safe='')}")

    def document_link(self, name: str, page: int = 1) -> str:
        """Where a browser opens a document at a page."""
        return f"{self.base_url}/documents/{quote(name, safe='')}#page={page}"

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._send(method, path, body)
        return _object(response.content, response.status_code)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *,
              timeout: tuple[float, float] = TIMEOUT, stream: bool = False) -> requests.Response:
        try:
            return _answered(self._session, method, self.base_url + path, json=body, timeout=timeout, stream=stream)
        except ApiError as error:
            error.sent = (body or {}).get("features") or {}
            raise


def _session(url: str) -> requests.Session:
    session = requests.Session()
    # A plant's proxy settings are for the world outside; through them this machine would not reach itself.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    return session


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _whole(content: BinaryIO) -> BinaryIO | bytes:
    """A file from its start. An empty one is no stream: without a length it would go in chunks, which S3 refuses."""
    size = content.seek(0, 2)
    content.seek(0)
    return content if size else b""


def _answered(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    """The response to a request; any but a success raises."""
    try:
        response = session.request(method, url, **options)
        if not 200 <= response.status_code < 300:
            raise ApiError(response.status_code, _problem(response))
    except requests.RequestException as error:
        raise ApiError(None, {}) from error
    return response


def _object(text: str | bytes, status: int) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ApiError(status, {}) from error
    if not isinstance(found, dict):
        raise ApiError(status, {})
    return found


def _problem(response: requests.Response) -> Mapping[str, Any]:
    """The problem document of a failure; empty where something in between answered in another form."""
    try:
        found = response.json()
    except requests.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
