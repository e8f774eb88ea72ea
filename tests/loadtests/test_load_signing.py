"""Signing: requests to API Gateway carry IAM's signature, others carry nothing of the sort."""

from __future__ import annotations

import datetime
import hashlib
import hmac

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from loadtests.signing import SigningError, region_of, signed_headers, signer

HOST = "https://abc123.execute-api.ap-northeast-2.amazonaws.com/dev"
URL = f"{HOST}/predict"
REGION = "ap-northeast-2"
BODY = '{"features": {"온도": 700}}'.encode()
CREDENTIALS = Credentials("AKIDEXAMPLE", "example-secret", "example-token")
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's clock stands still."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: NOW)


def by_hand() -> str:
    """The signature of BODY to URL, computed from AWS's description of Signature Version 4 alone."""
    signed = "content-type;host;x-amz-date;x-amz-security-token"
    canonical = "\n".join([
        "POST", "/dev/predict", "", "content-type:application/json", "host:" + HOST.split("/")[2],
        "x-amz-date:20260102T030405Z", "x-amz-security-token:example-token", "", signed,
        hashlib.sha256(BODY).hexdigest()])
    scope = f"20260102/{REGION}/execute-api/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", "20260102T030405Z", scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4example-secret"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={signature}"


def test_the_signature_is_botocores_and_that_of_the_specification() -> None:
    """For frozen credentials and time the headers are what botocore makes, and what the specification gives."""
    request = AWSRequest("POST", URL, {"Content-Type": "application/json"}, BODY)
    SigV4Auth(CREDENTIALS, "execute-api", REGION).add_auth(request)
    found = signed_headers("POST", URL, BODY, CREDENTIALS, REGION)
    assert found == dict(request.headers.items())
    assert found["Authorization"] == by_hand()
    assert (found["X-Amz-Date"], found["X-Amz-Security-Token"]) == ("20260102T030405Z", "example-token")


def test_the_signature_covers_body_path_method_and_region() -> None:
    """Whatever of the request changes, the signature changes."""
    made = [signed_headers(*changed, CREDENTIALS, region)["Authorization"].rpartition("=")[2] for changed, region in (
        (("POST", URL, BODY), REGION), (("POST", URL, BODY + b" "), REGION), (("GET", URL, BODY), REGION),
        (("POST", f"{HOST}/diagnose", BODY), REGION), (("POST", URL, BODY), "us-east-1"))]
    assert len(set(made)) == len(made)


def test_a_host_of_api_gateway_is_signed_for_its_region() -> None:
    """The region comes from the host, and the content type goes along."""
    headers = signer(HOST, lambda: CREDENTIALS)("POST", URL, BODY)
    assert f"/{REGION}/execute-api/aws4_request" in headers["Authorization"]
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("host", [
    "http://127.0.0.1:8000", "https://example.com", "https://abc.execute-api.eu-west-1.amazonaws.com.example.com",
    "https://example.com/abc.execute-api.eu-west-1.amazonaws.com"])
def test_other_hosts_get_no_signature_and_no_credentials(host: str) -> None:
    """A signature for anyone else is never made; the credentials aren't even asked for."""
    def never() -> Credentials:
        raise AssertionError("credentials were asked for")

    assert region_of(host) is None
    assert signer(host, never)("POST", f"{host}/predict", BODY) == {"Content-Type": "application/json"}


def test_regions_are_read_from_every_form_of_host() -> None:
    """China's suffix, private endpoints and a port are API Gateway too."""
    assert region_of("https://a.execute-api.cn-north-1.amazonaws.com.cn/prod") == "cn-north-1"
    assert region_of("https://a-vpce-0f.execute-api.us-gov-west-1.amazonaws.com") == "us-gov-west-1"
    assert region_of("https://a.execute-api.eu-west-1.amazonaws.com:443/x") == "eu-west-1"


def test_missing_credentials_and_clear_text_are_refused() -> None:
    """Both are said before any load is made."""
    with pytest.raises(SigningError, match="needs AWS credentials"):
        signer(HOST, lambda: None)
    with pytest.raises(SigningError, match="https:// only"):
        signer(HOST.replace("https", "http"), lambda: CREDENTIALS)
