"""X-Ray traces of the calls that a function makes to AWS services."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]
# The Lambda web adapter describes an invocation in the header; the tracer looks for the trace in the variable.
HEADER, FIELD, VARIABLE = b"x-amzn-lambda-context", "xray_trace_id", "_X_AMZN_TRACE_ID"


def trace_calls(service: str, environ: Mapping[str, str]) -> None:
    """Trace every call of boto3, on Lambda; elsewhere nothing would receive the traces.

    predict does without: the tracer imports botocore, which doubles its cold start. importance too: its package has no
    room for it.
    """
    if "LAMBDA_TASK_ROOT" in environ:
        from aws_lambda_powertools import Tracer

        Tracer(service=service, patch_modules=["botocore"])


def traced(app: App, environ: MutableMapping[str, str]) -> App:
    """Wrap an ASGI app so that the tracer finds the trace of each request.

    Lambda's own runtime puts the trace into an environment variable; the web adapter passes it on in a header. A
    function handles one request at a time, so the variable belongs to one request.
    """
    if "LAMBDA_TASK_ROOT" not in environ:
        return app

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers", ()):
            if name == HEADER:
                environ[VARIABLE] = _trace_id(value)
        await app(scope, receive, send)

    return serve


def _trace_id(context: bytes) -> str:
    """The trace in the adapter's description of an invocation; empty where there is none."""
    try:
        trace_id = json.loads(context).get(FIELD)
    except (ValueError, AttributeError):
        return ""
    return trace_id if isinstance(trace_id, str) and trace_id.isprintable() else ""
