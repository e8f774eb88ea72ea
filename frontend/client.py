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
QUERY_TIMEOUT = (3.05, 120.0)  # the second between two events: a local model may need long for its first line
UPLOAD_TIMEOUT = (3.05, 300.0)  # the store answers when it has received the complete file
REDIRECTS = (302, 303, 307)
OPEN = "/open"  # where the page's own server redirects to a document (document_route.py)


class ApiError(Exception):
    """The API refused, failed or did not answer.

    Attributes
    ----------
    status : int or None
        The HTTP status; None if there was no response, or an incomplete one.
    problem : mapping
        The RFC 9457 problem; empty if there is none.
    """

    def __init__(self, status: int | None, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(str(problem.get("detail") or f"status {status}"))


class Unsigned(ApiError):
    """The API requires a signature that could not be made, so nothing was sent.

    Attributes
    ----------
    reason : str
        What is missing, as in SigningError.
    """

    def __init__(self, error: SigningError) -> None:
        self.reason = error.reason
        super().__init__(None, {"detail": str(error)})


class Client:
    """Calls the API, with signed requests if it runs on AWS.

    Parameters
    ----------
    base_url : str
        The address of the API.
    stream_url : str, optional
        The address that streams answers, such as a function URL; by default `base_url`.
    region : str, optional
        The AWS region of an API at a custom domain that requires signatures.
    source : callable, optional
        Returns the credentials; by default those of this machine.
    """

    def __init__(self, base_url: str, stream_url: str = "", region: str = "",
                 source: CredentialsSource | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._stream_url = stream_url.rstrip("/") or self.base_url
        self._session = _session(self.base_url, signature_auth(self.base_url, region, source))
        self._stream_session = _session(self._stream_url, signature_auth(self._stream_url, region, source))

    def model(self) -> Json:
        """Return schema, limits, thresholds and evaluation figures of the served model."""
        return self._json("GET", "/model")

    def unsigned_statuses(self) -> list[tuple[str, int]]:
        """Send an unsigned request to each address whose requests are signed, and return (address, status)."""
        requests_to_try = {f"{self.base_url}/documents": ("GET", self._session),
                           f"{self._stream_url}/query": ("POST", self._stream_session)}
        return [(url, _unsigned_status(method, url)) for url, (method, session) in requests_to_try.items()
                if session.auth]

    def samples(self) -> list[Json]:
        """Return the example shots."""
        samples: list[Json] = self._json("GET", "/samples")["samples"]
        return samples

    def diagnose(self, body: Mapping[str, Any]) -> Json:
        """Return the diagnosis of a shot: prediction, importance and knowledge."""
        return self._json("POST", "/diagnose", body)

    def query(self, body: Mapping[str, Any],
              on_response: Callable[[requests.Response], None] | None = None) -> Generator[Event, None, None]:
        """Yield the events of an answer as they arrive, the last one `done`. Close the generator to hang up.

        `on_response` is called with the response when it begins. An `error` event raises ApiError, as does a stream
        that ends without `done`.
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
        """Return the PNG of a chart. The URL may be s3://…; the API serves the chart by the last part of the path."""
        name = urlsplit(visualization_url).path.rsplit("/", 1)[-1]
        return self._file(f"/charts/{quote(name, safe='')}")

    def documents(self) -> list[Json]:
        """Return all documents, including files that could not be read."""
        documents: list[Json] = self._json("GET", "/documents")["documents"]
        return documents

    def upload(self, name: str, content: BinaryIO) -> str:
        """Upload a file to the address that the API returns, and return the document's name."""
        reply = self._json("POST", "/documents", {"name": name})
        upload = reply["upload"]
        _send_bare(upload["method"], upload["url"], UPLOAD_TIMEOUT, data=_rewound(content), headers=upload["headers"])
        return str(reply["name"])

    def remove(self, name: str) -> None:
        """Remove a document; the list shows that a little later."""
        self._request("DELETE", f"/documents/{quote(name, safe='')}")

    def document(self, name: str) -> bytes:
        """Return the file of a document."""
        return self._file(_document_path(name))

    def document_link(self, name: str, page: int = 1) -> str:
        """Return the link by which a browser opens a document at a page.

        If the API requires signatures, which a browser cannot make, the link leads to the page's own server, which
        redirects the browser (document_route.py).
        """
        address = f"{OPEN}/{quote(name, safe='')}" if self._session.auth else self.base_url + _document_path(name)
        return f"{address}#page={page}"

    def document_address(self, name: str) -> str:
        """Return the current address of a document's file, which on AWS is valid for some minutes."""
        response = self._request("GET", _document_path(name), stream=True, accept_redirect=True)
        response.close()  # the file itself is not needed
        return _redirect_target(response) or response.url

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._request(method, path, body)
        return _parse_object(response.content, response.status_code)

    def _file(self, path: str) -> bytes:
        """Return a file that the API serves or redirects to."""
        response = self._request("GET", path, accept_redirect=True)
        target = _redirect_target(response)
        return _send_bare("GET", target, TIMEOUT).content if target else response.content

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None, *,
                 stream: bool = False, accept_redirect: bool = False) -> requests.Response:
        return _send(self._session, method, self.base_url + path, json=body, timeout=TIMEOUT, stream=stream,
                     accept_redirect=accept_redirect)


def _session(url: str, auth: SignatureAuth | None = None) -> requests.Session:
    session = requests.Session()
    # A plant's proxy is for external addresses and cannot reach this machine.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    session.auth = auth
    return session


def _send_bare(method: str, url: str, timeout: tuple[float, float], **options: Any) -> requests.Response:
    """Send a request without credentials, such as to an address that contains its own signature.

    With further credentials, of the client or a .netrc file, a store would refuse it. Redirects are not followed.
    """
    with _session(url) as session:
        session.auth = _no_credentials
        return _send(session, method, url, timeout=timeout, **options)


def _unsigned_status(method: str, url: str) -> int:
    """Return the status of a request without any credentials."""
    try:
        return int(_send_bare(method, url, TIMEOUT, json={} if method == "POST" else None).status_code)
    except ApiError as error:
        if error.status is None:
            raise
        return error.status


def _document_path(name: str) -> str:
    if name in (".", ".."):  # in a path, these have a meaning of their own
        raise ApiError(404, {})
    return f"/documents/{quote(name, safe='')}"


def _redirect_target(response: requests.Response) -> str:
    """Return the address that a response redirects to; empty if it does not redirect."""
    location = response.headers.get("Location", "") if response.status_code in REDIRECTS else ""
    return urljoin(response.url, location) if location else ""


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no authentication. As the `auth` of a session it keeps requests from using a .netrc file."""
    return request


def _rewound(content: BinaryIO) -> BinaryIO | bytes:
    """Rewind a file. An empty one is returned as bytes, because requests would send it in chunks, which S3 refuses."""
    size = content.seek(0, 2)
    content.seek(0)
    return content if size else b""


def _send(session: requests.Session, method: str, url: str, *, accept_redirect: bool = False,
          **options: Any) -> requests.Response:
    """Send a request. Raises ApiError unless it succeeds or, with `accept_redirect`, is redirected.

    Redirects are not followed, because parts of the signature would be sent to the other address.
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
    """Return the problem of a failure; empty if a proxy or gateway answered in another format."""
    try:
        problem = response.json()
    except requests.JSONDecodeError:
        return {}
    return problem if isinstance(problem, dict) else {}
