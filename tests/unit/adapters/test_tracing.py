"""The tracer finds the trace that a request belongs to."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from shotwise.adapters.aws.tracing import trace_calls, traced


def context_header(trace: str | None) -> tuple[bytes, bytes]:
    """Return the header in which the web adapter describes an invocation of Lambda."""
    return b"x-amzn-lambda-context", json.dumps({"request_id": "x", "xray_trace_id": trace}).encode()


def test_a_request_brings_its_trace() -> None:
    """The trace of a request's header is in the environment when the app runs."""
    environ = {"LAMBDA_TASK_ROOT": "/var/task"}
    traces = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        traces.append(environ.get("_X_AMZN_TRACE_ID"))

    for headers in ([], [context_header("Root=1-a;Sampled=1")], [context_header("Root=1-b")], [context_header(None)],
                    *([(b"x-amzn-lambda-context", value)]
                      for value in (b"x", b"[]", b'{"xray_trace_id": "a\\u0000"}'))):
        asyncio.run(traced(app, environ)({"type": "http", "headers": headers}, None, None))
    assert traces == [None, "Root=1-a;Sampled=1", "Root=1-b", "", "", "", ""]


def test_nothing_is_traced_on_one_machine() -> None:
    """Outside Lambda the tracer is not even imported."""
    trace_calls("rag_query", {})
    assert "aws_xray_sdk" not in sys.modules
