"""Signatures: requests to API Gateway and function URLs are signed, those to any other host are not."""

from __future__ import annotations

import datetime
import json
from typing import Any

import botocore.auth
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ProfileNotFound
from signed_api import FUNCTION, GATEWAY, KEY, REGION, signature_of
from stub_api import Reply, StubApi

from frontend.signing import Scope, SigningError, scope_of, signature_auth

URL = f"https://{GATEWAY}/dev/predict"
BODY = '{"features": {"온도": 700}}'.encode()
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's clock stands still."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: NOW)


def signed(url: str = URL, method: str = "POST", body: bytes | None = BODY, region: str = "",
           key: Credentials = KEY) -> dict[str, str]:
    """Return the headers of a request as requests sends it."""
    auth = signature_auth(url, region, lambda: key)
    assert auth
    headers = {"Content-Type": "application/json"} if body else {}
    return dict(requests.Request(method, url, headers, data=body, auth=auth).prepare().headers)


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("url", [URL, f"https://{GATEWAY}/dev/documents/%EA%B0%80%20%231%20%28100%25%29.pdf",
                                 f"https://{FUNCTION}/query"])
def test_the_signature_is_botocores_and_that_of_the_specification(url: str) -> None:
    """For a clock that stands, the headers are what botocore makes, and what the specification gives."""
    service = "lambda" if FUNCTION in url else "execute-api"
    request = AWSRequest("POST", url, {"Content-Type": "application/json"}, BODY)
    SigV4Auth(KEY, service, REGION).add_auth(request)
    headers = signed(url)
    assert {name: headers[name] for name in request.headers} == dict(request.headers.items())
    covered = "content-type;host;x-amz-date;x-amz-security-token"
    host, _, path = url.removeprefix("https://").partition("/")
    lower_headers = {name.lower(): value for name, value in headers.items()} | {"host": host}
    assert headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/{REGION}/{service}/aws4_request, SignedHeaders={covered}, "
        f"Signature={signature_of('POST', '/' + path, lower_headers, BODY, covered, service)}")
    assert (headers["X-Amz-Date"], headers["X-Amz-Security-Token"]) == ("20260102T030405Z", "example-token")


@pytest.mark.usefixtures("frozen")
def test_the_signature_covers_body_path_query_method_and_key() -> None:
    """Whatever of the request changes, the signature changes."""
    variants = [signed(), signed(body=BODY + b" "), signed(method="GET"), signed(f"https://{GATEWAY}/dev/diagnose"),
                signed(f"{URL}?a=1"), signed(URL.replace(REGION, "us-east-1")),
                signed(f"https://{FUNCTION}/dev/predict"),
                signed(key=Credentials("AKIDEXAMPLE", "another-secret", "example-token"))]
    assert len({headers["Authorization"].rpartition("=")[2] for headers in variants}) == len(variants)


def test_only_what_reaches_aws_unchanged_is_covered() -> None:
    """Neither the headers of the connection, which proxies rewrite, nor those of the client's own."""
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in signed()["Authorization"]
    lasting = Credentials("AKIDEXAMPLE", "example-secret")
    assert "SignedHeaders=host;x-amz-date," in signed(method="GET", body=None, key=lasting)["Authorization"]


@pytest.mark.parametrize(("url", "scope"), [
    (f"https://{GATEWAY}/prod", Scope("execute-api", REGION)), (f"https://{FUNCTION}/", Scope("lambda", REGION)),
    ("https://a.execute-api.cn-north-1.amazonaws.com.cn/prod", Scope("execute-api", "cn-north-1")),
    ("https://a-vpce-0f.execute-api.us-gov-west-1.amazonaws.com", Scope("execute-api", "us-gov-west-1")),
    ("https://A.Execute-Api.eu-west-1.amazonaws.com:443/x", Scope("execute-api", "eu-west-1"))])
def test_service_and_region_are_read_from_the_host(url: str, scope: Scope) -> None:
    """Of every form of host, China's suffix and private endpoints included; a configured region changes nothing."""
    assert scope_of(url) == scope_of(url, "us-east-1") == scope


def test_a_domain_of_its_own_is_signed_for_where_a_region_is_given() -> None:
    """Its name says nothing. This machine is never signed for, whatever is set."""
    assert scope_of("https://api.plant.example", REGION) == Scope("execute-api", REGION)
    assert [scope_of(f"http://{host}:8000", REGION) for host in ("127.0.0.1", "localhost", "[::1]")] == [None] * 3


@pytest.mark.parametrize("host", [
    "http://127.0.0.1:8000", "https://example.com", "https://abc.execute-api.eu-west-1.amazonaws.com.example.com",
    "https://example.com/abc.execute-api.eu-west-1.amazonaws.com", "https://abc.lambda-url.eu-west-1.on.aws.example.com",
    "https://documents.s3.eu-west-1.amazonaws.com/a.pdf"])
def test_other_hosts_get_no_signature(host: str) -> None:
    """A signature for anyone else is never made."""
    assert signature_auth(host) is None


def refused(url: str = URL, source: Any = None) -> SigningError:
    """Why a request cannot be signed."""
    with pytest.raises(SigningError) as caught:
        requests.Request("GET", url, auth=signature_auth(url, source=source)).prepare()
    return caught.value


def test_missing_credentials_and_clear_text_are_refused() -> None:
    """The error says what to do; credentials aren't asked for where the request would travel in the clear."""
    def never() -> Credentials:
        raise AssertionError("credentials were asked for")

    assert refused(source=lambda: None).reason == "credentials"
    assert "aws configure" in str(refused(source=lambda: None))
    assert refused(URL.replace("https", "http"), never).reason == "https"


def test_credentials_that_cannot_be_had_are_missing() -> None:
    """An absent profile, and temporary credentials that cannot be renewed, are reported like none at all."""
    def no_profile() -> Credentials:
        raise ProfileNotFound(profile="plant")

    assert "plant" in str(refused(source=no_profile)) and refused(source=no_profile).reason == "credentials"
    old = temporary([NOW - datetime.timedelta(days=1)] * 5)
    assert "expired" in str(refused(source=lambda: old)) and refused(source=lambda: old).reason == "credentials"


def temporary(ends: list[datetime.datetime]) -> RefreshableCredentials:
    """Credentials that are renewed: the first ones end at the first time, and so on."""
    numbered = iter(enumerate(ends))

    def renew() -> dict[str, str]:
        number, end = next(numbered)
        return {"access_key": f"AKID{number}", "secret_key": f"secret{number}", "token": f"token{number}",
                "expiry_time": end.isoformat()}

    return RefreshableCredentials.create_from_metadata(renew(), renew, "test")


def test_temporary_credentials_are_renewed_between_requests() -> None:
    """Key and token of a request are of one pair, and the next request has the next pair once the first has ended."""
    now = datetime.datetime.now(datetime.UTC)
    credentials = temporary([now + datetime.timedelta(seconds=1), now + datetime.timedelta(hours=1)])
    for _ in range(2):
        headers = signed(key=credentials)
        assert "Credential=AKID1/" in headers["Authorization"] and headers["X-Amz-Security-Token"] == "token1"


def test_a_task_signs_by_its_role(no_aws: pytest.MonkeyPatch, api: StubApi) -> None:
    """Credentials come from where ECS says, are looked for again while there are none, and asked for once."""
    assert refused().reason == "credentials"
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=6)
    api.replies["GET /role"] = Reply(200, json.dumps({
        "AccessKeyId": "AKIDTASK", "SecretAccessKey": "secret", "Token": "task-token", "Expiration": end.isoformat()}
    ).encode())
    no_aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{api.url}/role")
    for _ in range(2):
        auth = signature_auth(URL)
        headers = requests.Request("GET", URL, auth=auth).prepare().headers
        assert "Credential=AKIDTASK/" in headers["Authorization"] and headers["X-Amz-Security-Token"] == "task-token"
    assert [call for call, _ in api.received] == ["GET /role"]
