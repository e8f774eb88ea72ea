"""Sign requests with AWS Signature Version 4, which API Gateway and function URLs require of every caller.

The page, the smoke test and the load test all sign with this module. A local API requires no signatures.
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
# The service of a host, by the pattern of its name. The region of a custom domain has to be configured.
HOSTS = ((re.compile(r"[^.]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"), "execute-api"),
         (re.compile(r"[^.]+\.lambda-url\.([a-z0-9-]+)\.on\.aws"), "lambda"))

# Returns the credentials to sign with; None if there are none.
CredentialsSource = Callable[[], Credentials | None]


class SigningError(Exception):
    """The host requires a signature that cannot be made.

    Attributes
    ----------
    reason : str
        What is missing: `credentials` or `https`.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True)
class Scope:
    """The service and region that a signature is valid for.

    Attributes
    ----------
    service : str
        `execute-api` (API Gateway) or `lambda` (a function URL).
    region : str
        The AWS region.
    """

    service: str
    region: str


def scope_of(url: str, region: str = "") -> Scope | None:
    """Return the scope of signatures for requests to `url`; None if these are not signed.

    `region` is the region of an API Gateway at a custom domain. Requests to this machine are never signed.
    """
    host = urlsplit(url).hostname or ""
    for pattern, service in HOSTS:
        if match := pattern.fullmatch(host):
            return Scope(service, match[1])
    return Scope("execute-api", region) if region and host not in LOOPBACK else None


def signature_auth(url: str, region: str = "", source: CredentialsSource | None = None) -> SignatureAuth | None:
    """Return the SignatureAuth for requests to `url`; None if these are not signed.

    `region` is as in scope_of. Without `source`, the machine's own credentials are used; they are read when the first
    request is signed.
    """
    scope = scope_of(url, region)
    return SignatureAuth(scope, source or machine_credentials) if scope else None


class SignatureAuth(requests.auth.AuthBase):
    """Signs requests with Signature Version 4; each signature is valid for five minutes.

    As the `auth` of a session it signs each request when it is prepared. Redirects must not be followed: requests
    removes the Authorization header for another host, but not the X-Amz headers, and S3 refuses unsigned ones.
    """

    def __init__(self, scope: Scope, source: CredentialsSource) -> None:
        self._scope, self._source = scope, source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the signature to a request. Raises SigningError."""
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() == "content-type"}
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        assert isinstance(body, bytes)  # files go to addresses that carry their own signature
        request.headers.update(self.headers(request.method or "GET", request.url or "", headers, body))
        return request

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return `headers` and the headers that sign the request. Raises SigningError.

        `url` has to be percent-encoded. SigV4Auth encodes its path once more, as every service but S3 does when it
        checks a signature.
        """
        # The scope of this address is checked, because it may differ from the one that the session was made for.
        if scope_of(url, self._scope.region) != self._scope:
            raise SigningError("https", f"{url}: signed requests go over https://, to where they are signed for")
        if urlsplit(url).scheme != "https":
            raise SigningError("https", f"{url}: signed requests go over https:// only")
        host = urlsplit(url).hostname
        request = AWSRequest(method, url, dict(headers), body)
        try:
            credentials = self._source()
            if credentials is None:
                raise SigningError("credentials", f"{host} needs AWS credentials, and there are none: set "
                                                  "AWS_PROFILE, or see `aws configure`")
            # Frozen for each request, because temporary credentials may be renewed between reading key and token.
            SigV4Auth(credentials.get_frozen_credentials(), self._scope.service, self._scope.region).add_auth(request)
        except (BotoCoreError, RuntimeError) as error:  # RuntimeError: renewed credentials have expired as well
            raise SigningError("credentials", f"{host} needs AWS credentials, and they are not available: "
                                              f"{error}") from error
        return dict(request.headers.items())


def machine_credentials() -> Credentials | None:
    """Return the credentials that botocore finds on this machine: environment, profile, role of a task or instance.

    botocore caches and renews them; if it finds none, it searches again at the next call. Raises BotoCoreError.
    """
    return _session().get_credentials()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()
