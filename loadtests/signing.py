"""The headers of the load test's requests: JSON, and on AWS the signature that the page too signs with."""

from __future__ import annotations

from collections.abc import Callable

from frontend.signing import CredentialsSource, signature_auth

# (method, URL, body) → the headers to send; raises SigningError.
Sign = Callable[[str, str, bytes], dict[str, str]]
PLAIN = {"Content-Type": "application/json"}


def signer(host: str, region: str = "", source: CredentialsSource | None = None) -> Sign:
    """What makes the headers of requests to `host`. region, source: as frontend.signing takes them."""
    signed = signature_auth(host, region, source)
    if signed is None:
        return lambda method, url, body: dict(PLAIN)
    return lambda method, url, body: signed.headers(method, url, PLAIN, body)
