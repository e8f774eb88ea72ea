"""Traces: where the tracer finds the one that a request belongs to."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from shotwise.adapters.aws.tracing import trace_calls, traced


def context(trace: str | None) -> tuple[bytes, bytes]:
    """The header in which the web adapter hands on what Lambda told it."""
    return b"x-amzn-lambda-context", json.dumps({"request_id": "x", "xray_trace_id": trace}).encode()


def test_a_request_brings_its_trace() -> None:
    """The header's value is there before the app runs."""
    environ = {"LAMBDA_TASK_ROOT": "/var/task"}
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(environ.get("_X_AMZN_TRACE_ID"))

    for headers in ([], [context("Root=1-a;Sampled=1")], [context("Root=1-b")], [context(None)],
                    *([(b"x-amzn-lambda-context", odd)] for odd in (b"x", b"[]", b'{"xray_trace_id": "a\\u0000"}'))):
        asyncio.run(traced(app, environ)({"type": "http", "headers": headers}, None, None))
    assert seen == [None, "Root=1-a;Sampled=1", "Root=1-b", "", "", "", ""]


def test_nothing_is_traced_on_one_machine() -> None:
    """The tracer is not even imported."""
    trace_calls("rag_query", {})
    assert "aws_xray_sdk" not in sys.modules
