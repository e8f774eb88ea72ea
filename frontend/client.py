"""The client of the API: one method for each route that the page calls; every failure is an ApiError."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

import httpx2
import requests

from frontend.event_stream import events
from frontend.signing import LOOPBACK, CredentialsSource, SignatureAuth, SigningError, signature_auth

Json = dict[str, Any]
Event = tuple[str, Json]
TIMEOUT = (3.05, 35.0)  # seconds to connect and to read: API Gateway itself cuts at 29 s
QUERY_TIMEOUT = (3.05, 120.0)  # between two events: a model on this machine may think for long before its first line
UPLOAD_TIMEOUT = (3.05, 300.0)  # the store answers when it has all of the file
REDIRECTS = (302, 303, 307)
OPEN = "/open"  # where the page's own server redirects to a document (document_route.py)


class ApiError(Exception):
    """The API refused, failed or did not answer.

    Attributes
    ----------
    status : int or None
        The HTTP status; None where no answer came, or where it broke off.
    problem : mapping
        The RFC 9457 problem; empty where there is none.
    """

    def __init__(self, status: int | None, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(str(problem.get("detail") or f"status {status}"))


class Unsigned(ApiError):
    """The API wants a signature that could not be made, so nothing was sent.

    Attributes
    ----------
    reason : str
        What is missing, as in SigningError.
    """

    def __init__(self, error: SigningError) -> None:
        self.reason = error.reason
        super().__init__(None, {"detail": str(error)})


class Client:
    """Calls the API, with signed requests where it runs on AWS.

    Parameters
    ----------
    base_url : str
        The address of the API.
    stream_url : str, optional
        Where questions are answered as a stream, if not at `base_url` too: a function URL.
    region : str, optional
        The AWS region of an API at a custom domain, which wants signatures.
    source : callable, optional
        Gives the credentials; by default this machine's own.
    """

    def __init__(self, base_url: str, stream_url: str = "", region: str = "",
                 source: CredentialsSource | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._stream_url = stream_url.rstrip("/") or self.base_url
        self._session = _session(self.base_url, signature_auth(self.base_url, region, source))
        self._stream_session = _session(self._stream_url, signature_auth(self._stream_url, region, source))

    def model(self) -> Json:
        """Return schema, limits, thresholds and figures of the served model."""
        return self._json("GET", "/model")

    def unsigned_statuses(self) -> list[tuple[str, int]]:
        """Return (address, status) of a request without a signature, for each address where this client signs."""
        requests_to_try = {f"{self.base_url}/documents": ("GET", self._session),
                           f"{self._stream_url}/query": ("POST", self._stream_session)}
        return [(url, _unsigned_status(method, url)) for url, (method, session) in requests_to_try.items()
                if session.auth]

    def samples(self) -> list[Json]:
        """Return real shots to try."""
        samples: list[Json] = self._json("GET", "/samples")["samples"]
        return samples

    def diagnose(self, body: Mapping[str, Any]) -> Json:
        """Return the diagnosis of a shot: prediction, importance and knowledge."""
        return self._json("POST", "/diagnose", body)

    def query(self, body: Mapping[str, Any],
              on_response: Callable[[requests.Response], None] | None = None) -> Generator[Event, None, None]:
        """Yield the events of an answer as they come, the last one `done`. Close the generator to hang up.

        `on_response` is called with the response when it begins. An `error` event raises as an error status does; so
        does a stream that ends without `done`.
        """
        response = _send(self._stream_session, "POST", f"{self._stream_url}/query", json=body, timeout=QUERY_TIMEOUT,
                         stream=True)
        if on_response:
            on_response(response)
        try:
            for event in events(response):
                content = _parse_object(event.data, response.status_code)
                if event.event == "error":
                    raise ApiError(content.get("status"), content)
                yield event.event, content
                if event.event == "done":
                    return
        except (requests.RequestException, httpx2.SSEError) as error:
            raise ApiError(None, {}) from error
        finally:
            response.close()
        raise ApiError(None, {})

    def chart(self, visualization_url: str) -> bytes:
        """Return the PNG of a chart. Wherever the URL points (s3:// on AWS), the API serves it by the last part."""
        name = urlsplit(visualization_url).path.rsplit("/", 1)[-1]
        return self._file(f"/charts/{quote(name, safe='')}")

    def documents(self) -> list[Json]:
        """Return every document, and every file that could not be read."""
        documents: list[Json] = self._json("GET", "/documents")["documents"]
        return documents

    def upload(self, name: str, content: BinaryIO) -> str:
        """Send a file to where the API says, and return the name that it goes by."""
        reply = self._json("POST", "/documents", {"name": name})
        upload = reply["upload"]
        _send_bare(upload["method"], upload["url"], UPLOAD_TIMEOUT, data=_rewound(content), headers=upload["headers"])
        return str(reply["name"])

    def remove(self, name: str) -> None:
        """Remove a document; it leaves the list a little later."""
        self._request("DELETE", f"/documents/{quote(name, safe='')}")

    def document(self, name: str) -> bytes:
        """Return the file of a document."""
        return self._file(_document_path(name))

    def document_link(self, name: str, page: int = 1) -> str:
        """Return where a browser opens a document at a page.

        A browser cannot sign, so where the API wants a signature the link leads to the page's own server, which
        redirects it (document_route.py).
        """
        address = f"{OPEN}/{quote(name, safe='')}" if self._session.auth else self.base_url + _document_path(name)
        return f"{address}#page={page}"

    def document_address(self, name: str) -> str:
        """Return where the file of a document is just now: on AWS an address that is good for some minutes."""
        response = self._request("GET", _document_path(name), stream=True, accept_redirect=True)
        response.close()  # the file itself is not wanted here
        return _redirect_target(response) or response.url

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._request(method, path, body)
        return _parse_object(response.content, response.status_code)

    def _file(self, path: str) -> bytes:
        """A file that the API serves, or redirects to."""
        response = self._request("GET", path, accept_redirect=True)
        target = _redirect_target(response)
        return _send_bare("GET", target, TIMEOUT).content if target else response.content

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None, *,
                 stream: bool = False, accept_redirect: bool = False) -> requests.Response:
        return _send(self._session, method, self.base_url + path, json=body, timeout=TIMEOUT, stream=stream,
                     accept_redirect=accept_redirect)


def _session(url: str, auth: SignatureAuth | None = None) -> requests.Session:
    session = requests.Session()
    # A plant's proxy settings are for the world outside; through them this machine would not reach itself.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    session.auth = auth
    return session


def _send_bare(method: str, url: str, timeout: tuple[float, float], **options: Any) -> requests.Response:
    """Send a request without credentials, as to an address that carries its own signature.

    Others beside it, the caller's or those of a .netrc, make a store refuse it, and a redirect would break it.
    """
    with _session(url) as session:
        session.auth = _no_credentials
        return _send(session, method, url, timeout=timeout, **options)


def _unsigned_status(method: str, url: str) -> int:
    """The status of a request without any credentials."""
    try:
        return int(_send_bare(method, url, TIMEOUT, json={} if method == "POST" else None).status_code)
    except ApiError as error:
        if error.status is None:
            raise
        return error.status


def _document_path(name: str) -> str:
    if name in (".", ".."):  # an address would lead elsewhere by it
        raise ApiError(404, {})
    return f"/documents/{quote(name, safe='')}"


def _redirect_target(response: requests.Response) -> str:
    """Where a response redirects to; empty where it does not."""
    location = response.headers.get("Location", "") if response.status_code in REDIRECTS else ""
    return urljoin(response.url, location) if location else ""


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authenticate by nothing; without any `auth`, requests would look into a .netrc."""
    return request


def _rewound(content: BinaryIO) -> BinaryIO | bytes:
    """A file from its start. An empty one is no stream: without a length it would go in chunks, which S3 refuses."""
    size = content.seek(0, 2)
    content.seek(0)
    return content if size else b""


def _send(session: requests.Session, method: str, url: str, *, accept_redirect: bool = False,
          **options: Any) -> requests.Response:
    """Send a request; any response but a success raises, with `accept_redirect` any but a success or a redirect.

    A redirect is never followed here: parts of a signature would travel along.
    """
    try:
        response = session.request(method, url, allow_redirects=False, **options)
        if not 200 <= response.status_code < 300 and not (accept_redirect and _redirect_target(response)):
            raise ApiError(response.status_code, _problem(response))
    except SigningError as error:
        raise Unsigned(error) from error
    except requests.RequestException as error:
        raise ApiError(None, {}) from error
    return response


def _parse_object(text: str | bytes, status: int) -> Json:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise ApiError(status, {}) from error
    if not isinstance(parsed, dict):
        raise ApiError(status, {})
    return parsed


def _problem(response: requests.Response) -> Mapping[str, Any]:
    """The problem of a failure; empty where something in between answered in another form."""
    try:
        problem = response.json()
    except requests.JSONDecodeError:
        return {}
    return problem if isinstance(problem, dict) else {}
