"""The load test's headers: JSON always, on AWS the signature too (itself tested with the page, tests/frontend)."""

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


@pytest.mark.parametrize(("host", "what"), [(HOST, "needs AWS credentials"),
                                            (HOST.replace("https", "http"), "https:// only")])
def test_what_cannot_be_signed_is_said_before_any_load(host: str, what: str) -> None:
    """The first request, for the shots, already raises."""
    with pytest.raises(SigningError, match=what):
        fetch_shots(host, signer(host, "", lambda: None))
