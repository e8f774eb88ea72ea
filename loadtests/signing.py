"""Make the headers of requests: JSON, and on AWS a signature like the page's."""

from __future__ import annotations

from collections.abc import Callable

from frontend.signing import CredentialsSource, signature_auth

# (method, URL, body) → the headers to send; raises SigningError.
SignHeaders = Callable[[str, str, bytes], dict[str, str]]
JSON_HEADERS = {"Content-Type": "application/json"}


def signer(host: str, region: str = "", source: CredentialsSource | None = None) -> SignHeaders:
    """Return a function that makes the headers of requests to `host`; `region` and `source` as in frontend.signing."""
    auth = signature_auth(host, region, source)
    if auth is None:
        return lambda method, url, body: dict(JSON_HEADERS)
    return lambda method, url, body: auth.headers(method, url, JSON_HEADERS, body)
