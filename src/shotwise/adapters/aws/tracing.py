"""Traces: what a function asks of AWS services, under its own segment in X-Ray."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]
HEADER, FIELD, VARIABLE = b"x-amzn-lambda-context", "xray_trace_id", "_X_AMZN_TRACE_ID"


def trace_calls(service: str, environ: Mapping[str, str]) -> None:
    """Have every call of boto3 traced, on Lambda; elsewhere nobody would take the traces.

    T1 does without: the tracer brings botocore, which doubles its cold start. T2 too: its package has no room for it.
    """
    if "LAMBDA_TASK_ROOT" in environ:
        from aws_lambda_powertools import Tracer

        Tracer(service=service, patch_modules=["botocore"])


def traced(app: App, environ: MutableMapping[str, str]) -> App:
    """The app with each request's trace where the tracer looks for it: Lambda's own runtime puts it there, the web
    adapter hands it on inside a header. A function handles one request at a time."""

    if "LAMBDA_TASK_ROOT" not in environ:
        return app

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers", ()):
            if name == HEADER:
                environ[VARIABLE] = _trace_of(value)
        await app(scope, receive, send)

    return serve


def _trace_of(context: bytes) -> str:
    """The trace in what the adapter tells of an invocation; empty where it tells none."""
    try:
        found = json.loads(context).get(FIELD)
    except (ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) and found.isprintable() else ""
