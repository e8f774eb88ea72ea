"""A stand-in for AWS: an API Gateway and a function URL that check signatures, and a bucket that refuses them.

It computes every signature from AWS's description of Signature Version 4 alone, over the bytes that came, so that
neither botocore nor requests checks itself. It speaks TLS, because signed requests go over nothing else.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from stub_api import Reply, StubApi, stub_api

REGION = "ap-northeast-2"
GATEWAY = f"abc123.execute-api.{REGION}.amazonaws.com"
FUNCTION = f"f0f1f2.lambda-url.{REGION}.on.aws"
CUSTOM = "api.plant.example"
BUCKET = f"documents.s3.{REGION}.amazonaws.com"
OTHER = "127.0.0.2"  # this machine too, and unlike its usual address one that is signed for
SERVICES = {GATEWAY: "execute-api", FUNCTION: "lambda", CUSTOM: "execute-api", OTHER: "execute-api"}
KEY = Credentials("AKIDEXAMPLE", "example-secret", "example-token")
_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})")


def check(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
    """Return the 403 of AWS for a request that it does not let through; None for one that it does."""
    lower_headers = {name.lower(): value for name, value in headers.items()}
    host = lower_headers["host"].split(":")[0]
    if host == BUCKET:
        unsigned = [name for name in lower_headers if name == "authorization" or name.startswith("x-amz-")]
        return _refused(f"not covered by the address: {unsigned}") if unsigned or "X-Amz-Signature=" not in path \
            else None
    authorization = _AUTHORIZATION.fullmatch(lower_headers.get("authorization", ""))
    if not authorization:
        return _refused("Missing Authentication Token")
    signature = signature_of(method, path, lower_headers, body, authorization[2], SERVICES[host])
    scope = f"{KEY.access_key}/{lower_headers['x-amz-date'][:8]}/{REGION}/{SERVICES[host]}/aws4_request"
    parts = (authorization[1], authorization[3], lower_headers.get("x-amz-security-token"))
    if parts != (scope, signature, KEY.token):
        return _refused("The request signature we calculated does not match the signature you provided.")
    return None


def signature_of(method: str, path: str, headers: Mapping[str, str], body: bytes, signed: str, service: str) -> str:
    """Return the signature of a request by KEY.

    The names of `headers` are in lower case; `signed` lists those that the signature covers, as SignedHeaders does.
    """
    at, _, query = path.partition("?")
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in
                   parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join([
        method, quote(at, safe="/"), "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{headers[name].strip()}" for name in signed.split(";")), "", signed,
        hashlib.sha256(body).hexdigest()])
    scope = f"{headers['x-amz-date'][:8]}/{REGION}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{KEY.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def _refused(detail: str) -> Reply:
    return Reply(403, {"title": "Forbidden", "status": 403, "detail": detail})


@contextmanager
def signed_api(folder: Path, host: str = "127.0.0.1") -> Iterator[tuple[StubApi, Path]]:
    """Run the stand-in, listening at `host`; yields it and the certificate to trust.

    Call it by one of the names above after `redirect_names`, or at OTHER.
    """
    certificate = folder / "stub.pem"
    with stub_api(host, _tls(certificate)) as stub:
        stub.guard = check
        yield stub, certificate


def redirect_names(stub: StubApi, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name lead to the stand-in, and trust its certificate."""
    port = int(stub.url.rsplit(":", 1)[1])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))])


def _tls(certificate: Path) -> ssl.SSLContext:
    """Return TLS with a new certificate, which is written to `certificate` with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stub")])
    names: list[Any] = [x509.DNSName(host) for host in (GATEWAY, FUNCTION, CUSTOM, BUCKET)]
    names.append(x509.IPAddress(ipaddress.ip_address(OTHER)))
    now = datetime.datetime.now(datetime.UTC)
    signed_certificate = (x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                                  now - datetime.timedelta(days=1), now + datetime.timedelta(days=1))
                          .add_extension(x509.SubjectAlternativeName(names), critical=False)
                          .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                          .sign(key, hashes.SHA256()))
    certificate.write_bytes(signed_certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
