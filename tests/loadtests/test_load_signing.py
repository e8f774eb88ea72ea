"""The load test's headers: JSON always, on AWS a signature too (which tests/frontend tests)."""

from __future__ import annotations

import pytest
from botocore.credentials import Credentials

from frontend.signing import SigningError
from loadtests.shots import fetch_shots
from loadtests.signing import signer

HOST = "https://abc123.execute-api.ap-northeast-2.amazonaws.com/dev"
BODY = '{"features": {"온도": 700}}'.encode()
CREDENTIALS = Credentials("AKIDEXAMPLE", "example-secret", "example-token")


@pytest.mark.parametrize(("host", "region"), [(HOST, ""), ("https://api.plant.example/v1", "ap-northeast-2")])
def test_requests_to_aws_are_signed_for_its_region(host: str, region: str) -> None:
    """The region comes from the host, or is given; content type, date and token go along."""
    headers = signer(host, region, lambda: CREDENTIALS)("POST", f"{host}/predict", BODY)
    assert "/ap-northeast-2/execute-api/aws4_request" in headers["Authorization"]
    assert headers["Content-Type"] == "application/json" and headers["X-Amz-Security-Token"] == "example-token"
    assert headers["X-Amz-Date"]


def test_other_hosts_get_no_signature_and_no_credentials() -> None:
    """The credentials aren't even asked for."""
    def never() -> Credentials:
        raise AssertionError("credentials were asked for")

    host = "http://127.0.0.1:8000"
    assert signer(host, "eu-west-1", never)("POST", f"{host}/predict", BODY) == {"Content-Type": "application/json"}


@pytest.mark.parametrize(("host", "message"), [(HOST, "needs AWS credentials"),
                                               (HOST.replace("https", "http"), "https:// only")])
def test_missing_credentials_are_reported_before_any_load(host: str, message: str) -> None:
    """The first request, for the shots, already raises."""
    with pytest.raises(SigningError, match=message):
        fetch_shots(host, signer(host, "", lambda: None))
