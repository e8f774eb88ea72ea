"""What the functions trace, as the X-Ray daemon hears it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from .running import built_function, invoke, s3_server
from .test_sam_documents import SEARCHING, request
from .tracing import TRACED, xray

pytestmark = pytest.mark.slow


def test_the_daemon_hears_segments_and_what_is_inside() -> None:
    """A segment with another one inside, and one that came alone: each is found, and what holds it."""
    with xray() as daemon, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        host, _, port = daemon.settings["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
        for segment in ({"id": "b", "name": "## handler", "subsegments": [{"id": "c", "name": "S3"}]},
                        {"id": "d", "name": "bedrock-runtime", "parent_id": "b"}):
            text = '{"format": "json", "version": 1}\n' + json.dumps(segment)
            sending.sendto(text.encode(), (host, int(port)))
        assert daemon.above(daemon.wait_for("bedrock-runtime")) == ["## handler"]
        assert daemon.above(daemon.wait_for("s3")) == ["## handler"]
        with pytest.raises(AssertionError, match="no segment 'dynamodb' within"):
            daemon.wait_for("dynamodb", seconds=0.1)


def test_a_call_to_s3_is_in_the_trace_of_its_invocation(built: None, tmp_path: Path) -> None:
    """T3 as built, where Powertools takes it for Lambda: what it asks of S3 is told of."""
    with xray() as daemon, s3_server("documents", "library") as settings:
        given = {**settings, **daemon.settings, "SHOTWISE_DOCUMENTS_BUCKET": "documents",
                 "SHOTWISE_LIBRARY_BUCKET": "library"}
        with built_function("RagQueryFunction", SEARCHING, given, tmp_path, runtime=TRACED) as url:
            assert invoke(url, request("GET", "/documents"))["statusCode"] == 200
            found = daemon.wait_for("s3")
            assert found["namespace"] == "aws" and found["trace_id"].startswith("1-")
