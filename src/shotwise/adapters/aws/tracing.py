"""Trace the calls that a function makes to AWS services with X-Ray."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]
# The Lambda Web Adapter sends the trace id in this field of this header; the tracer reads it from this variable.
HEADER, FIELD, VARIABLE = b"x-amzn-lambda-context", "xray_trace_id", "_X_AMZN_TRACE_ID"


def trace_calls(service: str, environ: Mapping[str, str]) -> None:
    """Trace every call of boto3, but only on Lambda, because elsewhere nothing receives the traces.

    predict does not use it: the tracer imports botocore, which would double its cold start. Neither does importance,
    whose package has no room for it.
    """
    if "LAMBDA_TASK_ROOT" in environ:
        from aws_lambda_powertools import Tracer

        Tracer(service=service, patch_modules=["botocore"])


def traced(app: App, environ: MutableMapping[str, str]) -> App:
    """Wrap an ASGI app so that the tracer finds the trace id of each request.

    Lambda's own runtime sets an environment variable to the trace id; the web adapter sends it in a header. The
    variable can be set for each request, because a function handles one request at a time.
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
    """Return the trace id in the adapter's description of an invocation; empty if there is none."""
    try:
        trace_id = json.loads(context).get(FIELD)
    except (ValueError, AttributeError):
        return ""
    return trace_id if isinstance(trace_id, str) and trace_id.isprintable() else ""
