"""What the functions trace, as it arrives at the X-Ray daemon."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from .running import built_function, invoke, s3_server
from .test_sam_documents import KNOWLEDGE_LAYERS, api_event
from .tracing import TRACED, xray

pytestmark = pytest.mark.slow


def test_the_daemon_collects_segments_and_subsegments() -> None:
    """Each segment is there with its ancestors, whether it arrived inside another one or alone."""
    with xray() as daemon, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client_socket:
        host, _, port = daemon.settings["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
        for segment in ({"id": "b", "name": "## handler", "subsegments": [{"id": "c", "name": "S3"}]},
                        {"id": "d", "name": "bedrock-runtime", "parent_id": "b"}):
            text = '{"format": "json", "version": 1}\n' + json.dumps(segment)
            client_socket.sendto(text.encode(), (host, int(port)))
        assert daemon.ancestors(daemon.wait_for("bedrock-runtime")) == ["## handler"]
        assert daemon.ancestors(daemon.wait_for("s3")) == ["## handler"]
        with pytest.raises(AssertionError, match="no segment 'dynamodb' within"):
            daemon.wait_for("dynamodb", seconds=0.1)


def test_a_call_to_s3_is_in_the_trace_of_its_invocation(built: None, tmp_path: Path) -> None:
    """rag_query as built, where Powertools believes to be in Lambda, traces its requests to S3."""
    with xray() as daemon, s3_server("documents", "library") as settings:
        environ = {**settings, **daemon.settings, "SHOTWISE_DOCUMENTS_BUCKET": "documents",
                   "SHOTWISE_LIBRARY_BUCKET": "library"}
        with built_function("RagQueryFunction", KNOWLEDGE_LAYERS, environ, tmp_path, runtime=TRACED) as url:
            assert invoke(url, api_event("GET", "/documents"))["statusCode"] == 200
            segment = daemon.wait_for("s3")
            assert segment["namespace"] == "aws" and segment["trace_id"].startswith("1-")
