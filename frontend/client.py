"""The API as the page needs it: one method a route, every failure an ApiError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests

Json = dict[str, Any]
TIMEOUT = (3.05, 35.0)  # seconds to connect and to read: API Gateway itself cuts at 29 s
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ApiError(Exception):
    """The API refused, failed or did not answer.

    status: the HTTP status, None where no answer came. problem: its RFC 9457 document, empty where there is none.
    sent: the features that were sent, if any.
    """

    def __init__(self, status: int | None, problem: Mapping[str, Any], sent: Mapping[str, Any] | None = None) -> None:
        self.status, self.problem, self.sent = status, problem, sent or {}
        super().__init__(str(problem.get("detail") or f"status {status}"))


class Client:
    """Calls the API at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session = requests.Session()
        # A plant's proxy settings are for the world outside; through them this machine would not reach itself.
        self._session.trust_env = urlsplit(self.base_url).hostname not in LOOPBACK

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

    def chart(self, visualization_url: str) -> bytes:
        """The PNG of a chart. Wherever the URL points (s3:// on AWS), the API hands it out by the URL's last part."""
        name = urlsplit(visualization_url).path.rsplit("/", 1)[-1]
        return self._send("GET", f"/charts/{quote(name, safe='')}").content

    def document_link(self, name: str, page: int) -> str:
        """Where a browser opens a document at a page."""
        return f"{self.base_url}/documents/{quote(name, safe='')}#page={page}"

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._send(method, path, body)
        try:
            found = response.json()
        except requests.JSONDecodeError as error:
            raise ApiError(response.status_code, {}) from error
        if not isinstance(found, dict):
            raise ApiError(response.status_code, {})
        return found

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        sent = (body or {}).get("features")
        try:
            response = self._session.request(method, self.base_url + path, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ApiError(None, {}, sent) from error
        if response.status_code >= 400:
            raise ApiError(response.status_code, _problem(response), sent)
        return response


def _problem(response: requests.Response) -> Mapping[str, Any]:
    """The problem document of a failure; empty where something in between answered in another form."""
    try:
        found = response.json()
    except requests.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
