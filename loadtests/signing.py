"""AWS signatures: API Gateway lets in only callers that IAM knows; a local API asks for nothing."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# (method, URL, body) → the headers to send.
Sign = Callable[[str, str, bytes], dict[str, str]]
EXECUTE_API = re.compile(r"[^.]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


class SigningError(Exception):
    """The host asks for a signature that cannot be made."""


def region_of(url: str) -> str | None:
    """The region of an API Gateway URL; None of any other URL."""
    match = EXECUTE_API.fullmatch(urllib.parse.urlsplit(url).hostname or "")
    return match[1] if match else None


def signer(host: str, credentials: Callable[[], Credentials | None]) -> Sign:
    """What makes the headers of requests to `host`. The credentials are asked for only where the host needs them.
    Raises SigningError where there are none, or where the request would travel in the clear."""
    region = region_of(host)
    if region is None:
        return lambda method, url, body: _plain_headers()
    if not host.startswith("https://"):
        raise SigningError(f"{host}: API Gateway answers over https:// only")
    found = credentials()
    if found is None:
        raise SigningError(f"{host} needs AWS credentials, and there are none: set AWS_PROFILE, or see `aws configure`")
    return lambda method, url, body: signed_headers(method, url, body, found, region)


def signed_headers(method: str, url: str, body: bytes, credentials: Credentials, region: str) -> dict[str, str]:
    """The headers of a request with its Signature Version 4, good for five minutes."""
    # Frozen for each request: temporary credentials renew themselves, and key and token have to be of one pair.
    request = AWSRequest(method, url, _plain_headers(), body)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)
    return dict(request.headers.items())


def _plain_headers() -> dict[str, str]:
    return {"Content-Type": "application/json"}
