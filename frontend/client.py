"""The API as the page needs it: one method a route, every failure an ApiError."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

import requests

from frontend.event_stream import events
from frontend.signing import LOOPBACK, Signature, SigningError, Source, signature

Json = dict[str, Any]
Event = tuple[str, Json]
TIMEOUT = (3.05, 35.0)  # seconds to connect and to read: API Gateway itself cuts at 29 s
QUERY_TIMEOUT = (3.05, 120.0)  # between two events: a model on this machine may think for long before its first line
UPLOAD_TIMEOUT = (3.05, 300.0)  # the store answers when it has all of the file
REDIRECTS = (302, 303, 307)
OPEN = "/open"  # where the page's own server sends on to a document (document_route)


class ApiError(Exception):
    """The API refused, failed or did not answer.

    status: the HTTP status, None where no answer came or it broke off. problem: its RFC 9457 document, empty where
    there is none. sent: the features that were sent, if any.
    """

    def __init__(self, status: int | None, problem: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> None:
        self.status, self.problem, self.sent = status, problem, sent or {}
        super().__init__(str(problem.get("detail") or f"status {status}"))


class Unsigned(ApiError):
    """The API wants a signature that could not be made, so nothing was sent. reason: as of SigningError."""

    def __init__(self, error: SigningError) -> None:
        self.reason = error.reason
        super().__init__(None, {"detail": str(error)})


class Client:
    """Calls the API at `base_url`, signed where that is AWS.

    stream_url: where questions are answered as a stream, if not there too (a function URL); region: of an API at a
    domain of its own that wants signatures; source: gives the credentials, by default this machine's own.
    """

    def __init__(self, base_url: str, stream_url: str = "", region: str = "", source: Source | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._stream_url = stream_url.rstrip("/") or self.base_url
        self._session = _session(self.base_url, signature(self.base_url, region, source))
        self._streams = _session(self._stream_url, signature(self._stream_url, region, source))

    def model(self) -> Json:
        """Schema, limits, thresholds and figures of the served model."""
        return self._json("GET", "/model")

    def strangers(self) -> list[tuple[str, int]]:
        """What an unsigned request hears, address and status, wherever this client signs; nothing where it does not."""
        asked = {f"{self.base_url}/documents": ("GET", self._session),
                 f"{self._stream_url}/query": ("POST", self._streams)}
        found = []
        for url, (method, session) in asked.items():
            if session.auth:
                found.append((url, _unsigned(method, url)))
        return found

    def samples(self) -> list[Json]:
        """Real shots to try."""
        found: list[Json] = self._json("GET", "/samples")["samples"]
        return found

    def diagnose(self, body: Mapping[str, Any]) -> Json:
        """The whole diagnosis of a shot."""
        return self._json("POST", "/diagnose", body)

    def query(self, body: Mapping[str, Any],
              opened: Callable[[requests.Response], None] | None = None) -> Generator[Event, None, None]:
        """The events of an answer as they come, the last one `done`. Close the iterator to hang up.

        An `error` event raises like an error status; so does a stream that ends without `done`. opened: called with
        the response when it begins.
        """
        response = _answered(self._streams, "POST", f"{self._stream_url}/query", json=body, timeout=QUERY_TIMEOUT,
                             stream=True)
        if opened:
            opened(response)
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
        return self._file(f"/charts/{quote(name, safe='')}")

    def documents(self) -> list[Json]:
        """Every document, and every file that could not be read."""
        found: list[Json] = self._json("GET", "/documents")["documents"]
        return found

    def upload(self, name: str, content: BinaryIO) -> str:
        """Send a file to where the API says, and give the name that it goes by."""
        found = self._json("POST", "/documents", {"name": name})
        address = found["upload"]
        _bare(address["method"], address["url"], UPLOAD_TIMEOUT, data=_whole(content), headers=address["headers"])
        return str(found["name"])

    def remove(self, name: str) -> None:
        """Remove a document; it leaves the list a little later."""
        self._send("DELETE", f"/documents/{quote(name, safe='')}")

    def document(self, name: str) -> bytes:
        """The file of a document."""
        return self._file(_document(name))

    def document_link(self, name: str, page: int = 1) -> str:
        """Where a browser opens a document at a page. It can sign nothing, so where the API wants a signature the link
        leads to the page's own server, which sends it on (document_route)."""
        at = f"{OPEN}/{quote(name, safe='')}" if self._session.auth else self.base_url + _document(name)
        return f"{at}#page={page}"

    def document_address(self, name: str) -> str:
        """Where the file of a document is just now: on AWS an address that is good for some minutes."""
        found = self._send("GET", _document(name), stream=True, onward=True)
        found.close()  # a file itself is not wanted here
        return _target(found) or found.url

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._send(method, path, body)
        return _object(response.content, response.status_code)

    def _file(self, path: str) -> bytes:
        """A file that the API hands out, or says the address of."""
        found = self._send("GET", path, onward=True)
        target = _target(found)
        return _bare("GET", target, TIMEOUT).content if target else found.content

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *,
              stream: bool = False, onward: bool = False) -> requests.Response:
        try:
            return _answered(self._session, method, self.base_url + path, json=body, timeout=TIMEOUT, stream=stream,
                             onward=onward)
        except ApiError as error:
            error.sent = (body or {}).get("features") or {}
            raise


def _session(url: str, signed: Signature | None = None) -> requests.Session:
    session = requests.Session()
    # A plant's proxy settings are for the world outside; through them this machine would not reach itself.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    session.auth = signed
    return session


def _bare(method: str, url: str, timeout: tuple[float, float], **options: Any) -> requests.Response:
    """A request without credentials, as to an address that carries its own signature: others beside it, the caller's or
    those of a .netrc, make a store refuse it, and a redirect would break it."""
    with _session(url) as session:
        session.auth = _unchanged
        return _answered(session, method, url, timeout=timeout, **options)


def _unsigned(method: str, url: str) -> int:
    """The status that a request without any credentials hears."""
    try:
        return _bare(method, url, TIMEOUT, json={} if method == "POST" else None).status_code
    except ApiError as error:
        if error.status is None:
            raise
        return error.status


def _document(name: str) -> str:
    if name in (".", ".."):  # an address would lead elsewhere by it
        raise ApiError(404, {})
    return f"/documents/{quote(name, safe='')}"


def _target(response: requests.Response) -> str:
    """Where a response sends on to; empty where it does not."""
    location = response.headers.get("Location", "") if response.status_code in REDIRECTS else ""
    return urljoin(response.url, location) if location else ""


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _whole(content: BinaryIO) -> BinaryIO | bytes:
    """A file from its start. An empty one is no stream: without a length it would go in chunks, which S3 refuses."""
    size = content.seek(0, 2)
    content.seek(0)
    return content if size else b""


def _answered(session: requests.Session, method: str, url: str, *, onward: bool = False,
              **options: Any) -> requests.Response:
    """The response to a request; any but a success raises. onward: to be sent on elsewhere is a success too. It is
    never followed here: parts of a signature would travel along."""
    try:
        response = session.request(method, url, allow_redirects=False, **options)
        if not 200 <= response.status_code < 300 and not (onward and _target(response)):
            raise ApiError(response.status_code, _problem(response))
    except SigningError as error:
        raise Unsigned(error) from error
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
