"""AWS signatures: API Gateway and function URLs let in only callers that IAM knows; a local API asks for nothing.

The page, the smoke test and the load test all sign by this module. It imports none of its neighbours, so that a caller
outside this folder can use it too, as frontend.signing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import botocore.session
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What a host's name says of the service behind it. A custom domain says nothing: its region has to be given.
HOSTS = ((re.compile(r"[^.]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"), "execute-api"),
         (re.compile(r"[^.]+\.lambda-url\.([a-z0-9-]+)\.on\.aws"), "lambda"))

# Gives the credentials to sign with, None where there are none.
Source = Callable[[], Credentials | None]


class SigningError(Exception):
    """The host asks for a signature that cannot be made. reason: `credentials` or `https`, what is missing."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True)
class Scope:
    """What a signature is for. service: `execute-api` (API Gateway) or `lambda` (a function URL)."""

    service: str
    region: str


def scope_of(url: str, region: str = "") -> Scope | None:
    """What requests to `url` are signed for; None where they are not. region: of API Gateway, where `url` is at a
    custom domain of it."""
    host = urlsplit(url).hostname or ""
    for pattern, service in HOSTS:
        if match := pattern.fullmatch(host):
            return Scope(service, match[1])
    return Scope("execute-api", region) if region and host not in LOOPBACK else None


def signature(url: str, region: str = "", source: Source | None = None) -> Signature | None:
    """What signs requests to `url`; None where they go unsigned. region: as of scope_of; source: the machine's own
    credentials where not given, asked for only when there is something to sign."""
    scope = scope_of(url, region)
    return Signature(scope, source or own_credentials) if scope else None


class Signature(requests.auth.AuthBase):
    """Signs requests by Signature Version 4, each good for five minutes.

    As `auth` of a session it does so when a request is prepared. A redirect must not be followed then: requests drops
    Authorization on the way to another host, but not the X-Amz headers, and S3 refuses those it finds unsigned.
    """

    def __init__(self, scope: Scope, source: Source) -> None:
        self._scope, self._source = scope, source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its signature. Raises SigningError."""
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        request.headers.update(self.headers(request.method or "GET", request.url or "", kept, body))
        return request

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """`headers` and those that sign them with the rest of the request. Raises SigningError.

        The path and query of `url` are signed as they stand, percent-encoded; SigV4Auth encodes the path once more,
        as every service but S3 does when it checks.
        """
        host = scope_of(url, self._scope.region)
        if host != self._scope:  # what is about to be sent decides, not what the address looked like
            raise SigningError("https", f"{url}: signed requests go over https://, to where they are signed for")
        if urlsplit(url).scheme != "https":
            raise SigningError("https", f"{url}: signed requests go over https:// only")
        request = AWSRequest(method, url, dict(headers), body)
        try:
            credentials = self._source()
            if credentials is None:
                raise SigningError("credentials", f"{urlsplit(url).hostname} needs AWS credentials, and there are "
                                                  "none: set AWS_PROFILE, or see `aws configure`")
            # Frozen for each request: temporary credentials renew themselves; key and token have to be of one pair.
            SigV4Auth(credentials.get_frozen_credentials(), self._scope.service, self._scope.region).add_auth(request)
        except (BotoCoreError, RuntimeError) as error:  # RuntimeError: what was renewed has expired as well
            raise SigningError("credentials", f"{urlsplit(url).hostname} needs AWS credentials, and they cannot be "
                                              f"had: {error}") from error
        return dict(request.headers.items())


def own_credentials() -> Credentials | None:
    """What botocore finds on this machine: environment, profile, the role of a task or an instance. Found once, then
    renewed by botocore; looked for again as long as there are none. Raises BotoCoreError."""
    return _session().get_credentials()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()
