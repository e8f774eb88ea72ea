"""Emulate API Gateway: serve api/openapi.yaml as an ASGI app.

Routes, request validation, integrations, mapping templates and gateway responses are read from that one file.
`serve` prints NOT_EMULATED at start. Beside the API, the gateway takes the place of S3 for uploads: it accepts files
that are PUT under UPLOADS, where POST /documents sends them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
import urllib.parse
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shotwise.errors import StoreError
from shotwise.handlers.body import media_type
from shotwise.handlers.document_names import name_fault
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.routes import Route, read_routes, resolved_text
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.vtl import render
from shotwise_local.workflow import Workflow

NOT_EMULATED = "IAM authorisation, CORS, throttling, WAF, the 29 s limit, access logs, X-Ray"
MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's own limit
UPLOADS, MAX_UPLOAD_BYTES = "/uploads/", 512 * 1024 * 1024
MAX_INPUT_BYTES = 256 * 1024  # of an execution of an Express workflow
STAGE = "local"
DOCUMENT_REMOVED = ("/documents/{name}", "DELETE", 202)  # resource, method, status
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """An HTTP request.

    Attributes
    ----------
    method, path, query : str
        As received; the path is decoded, the query is not.
    headers : mapping of str to str
        By lower-case name; the last one of a repeated header.
    body : bytes
        As received.
    client : str
        IP address of the caller.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Gateway:
    """An ASGI app that serves an API description.

    Parameters
    ----------
    api : mapping
        The OpenAPI description with API Gateway's extensions.
    functions : LambdaHost
        The functions that its routes call.
    workflow : Workflow
        The state machine that its routes start.
    bucket : DocumentsBucket
        Takes uploads.
    """

    def __init__(self, api: Mapping[str, Any], functions: LambdaHost, workflow: Workflow,
                 bucket: DocumentsBucket) -> None:
        self._routes = read_routes(api)
        self._gateway_responses = api["x-amazon-apigateway-gateway-responses"]
        self._functions = functions
        self._workflow = workflow
        self._bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI)."""
        if scope["type"] != "http":
            return
        head = _request_head(scope)
        if not _is_cross_site(head) and (app := self._streaming_app(head)):
            await app(scope, receive, send)
            return
        try:
            request = await _read(head, receive, MAX_UPLOAD_BYTES if _is_upload(head) else MAX_BODY_BYTES)
        except ConnectionAbortedError:
            return
        response = (await asyncio.to_thread(self.handle, request) if request
                    else self._gateway_response("REQUEST_TOO_LARGE"))
        headers = {**response.headers, "content-length": str(len(response.body))}
        await send({"type": "http.response.start", "status": response.status,
                    "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]})
        await send({"type": "http.response.body", "body": response.body})

    def handle(self, request: Request) -> Response:
        """Find the route of a request, validate the request, and call the integration."""
        if _is_cross_site(request):
            return self._gateway_response("ACCESS_DENIED")
        if _is_upload(request):
            return self._upload(request)
        route, match = self._find_route(request)
        if route is None or match is None:
            return self._gateway_response("MISSING_AUTHENTICATION_TOKEN")  # as API Gateway does for an unknown path
        if route.validates_body and _media_type(request) in route.media_types and not _is_json_object(request.body):
            return self._gateway_response("BAD_REQUEST_BODY")
        if route.integration["type"] == "aws_proxy":
            return self._invoke_function(route, request, match.groupdict())
        return self._start_workflow(route, request)

    def _find_route(self, request: Request) -> tuple[Route | None, re.Match[str] | None]:
        matches = ((route, match) for route in self._routes
                   if route.method == request.method and (match := route.pattern.fullmatch(request.path)))
        return next(matches, (None, None))

    def _streaming_app(self, request: Request) -> Any:
        """The ASGI app of a route with a streaming integration; None for every other route."""
        route, _ = self._find_route(request)
        if route is None or route.integration.get("responseTransferMode") != "STREAM":
            return None
        return self._functions.apps[route.function]

    def _upload(self, request: Request) -> Response:
        """Store a file, as S3 does when it is PUT to a signed URL."""
        name = request.path.removeprefix(UPLOADS)
        if name_fault(name):
            return self._gateway_response("ACCESS_DENIED")
        try:
            self._bucket.put(name, request.body)
        except StoreError:
            return self._gateway_response("DEFAULT_5XX")
        return Response(200, {}, b"")

    def _invoke_function(self, route: Route, request: Request, parameters: dict[str, str]) -> Response:
        """Call a Lambda proxy integration."""
        try:
            reply = self._functions.invoke_api(route.function, _proxy_event(route, request, parameters))
        except Exception:  # a handler that raises is a 5xx at the gateway, whatever it raised
            return self._gateway_response("DEFAULT_5XX")
        if (route.resource, route.method, reply["statusCode"]) == DOCUMENT_REMOVED:  # on AWS, S3 itself sends the event
            self._bucket.notify(parameters["name"], "ObjectRemoved:Delete")
        headers = {key: values[-1] for key, values in reply.get("multiValueHeaders", {}).items()} \
            | dict(reply.get("headers") or {})
        body = reply.get("body") or ""
        return Response(reply["statusCode"], headers,
                        base64.b64decode(body) if reply.get("isBase64Encoded") else body.encode("utf-8"))

    def _start_workflow(self, route: Route, request: Request) -> Response:
        """Call the StartSyncExecution integration, with its request and response templates."""
        template = route.integration["requestTemplates"].get(_media_type(request))
        if template is None:
            return self._gateway_response("UNSUPPORTED_MEDIA_TYPE")
        rendered = render(resolved_text(template), request.body.decode("utf-8", "surrogateescape"), request.headers)
        execution_input = json.loads(rendered.text)["input"]
        if len(execution_input.encode()) > MAX_INPUT_BYTES:
            status, output = 400, {"__type": "InvalidExecutionInput"}
        else:
            status, output = 200, self._workflow.run(execution_input)
        return integration_response(route.integration["responses"], status, json.dumps(output), request.headers)

    def _gateway_response(self, response_type: str) -> Response:
        """A response of the gateway itself, without an integration."""
        description = self._gateway_responses[response_type]
        headers = {name.removeprefix("gatewayresponse.header."): value.strip("'")
                   for name, value in description["responseParameters"].items() if isinstance(value, str)}
        return Response(int(description["statusCode"]), headers,
                        description["responseTemplates"]["application/json"].encode())


def integration_response(responses: Mapping[str, Any], status: int, body: str,
                         headers: Mapping[str, str] | None = None) -> Response:
    """Render the integration response whose pattern matches the integration's status.

    Parameters
    ----------
    responses : mapping
        The integration's `responses` in the API description: pattern of a status → response.
    status : int
        Status of the integration's answer.
    body : str
        Body of the integration's answer.
    headers : mapping of str to str, optional
        Headers of the request, by lower-case name.
    """
    description = next((response for pattern, response in responses.items()
                        if pattern != "default" and re.fullmatch(pattern, str(status))), responses["default"])
    ((content_type, template),) = description["responseTemplates"].items()
    rendered = render(resolved_text(template), body, headers)
    return Response(rendered.status or int(description["statusCode"]),
                    {"Content-Type": content_type, **rendered.headers}, rendered.text.encode("utf-8"))


def _is_cross_site(request: Request) -> bool:
    """Whether a web page of another site may be behind the request.

    The site's own domain name may resolve to this machine (DNS rebinding), or it may send requests across sites. The
    gateway checks no authorisation, so it accepts only requests whose host and origin are this machine.
    """
    urls = [f"//{request.headers.get('host', LOOPBACK_HOSTS[0])}",
            request.headers.get("origin", f"//{LOOPBACK_HOSTS[0]}")]
    try:
        return any(urllib.parse.urlsplit(url).hostname not in LOOPBACK_HOSTS for url in urls)
    except ValueError:  # not a URL, such as [::1 without its bracket
        return True


def _is_upload(request: Request) -> bool:
    return request.method == "PUT" and request.path.startswith(UPLOADS)


def _media_type(request: Request) -> str:
    return media_type(request.headers.get("content-type"))


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _request_head(scope: Scope) -> Request:
    """The request without its body."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"),
                   headers, b"", (scope.get("client") or ("127.0.0.1",))[0])


async def _read(head: Request, receive: Receive, max_bytes: int) -> Request | None:
    """The request with its body; None if that exceeds `max_bytes`. Raises ConnectionAbortedError if it breaks off."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message.get("type") == "http.disconnect":
            raise ConnectionAbortedError  # half a body is not a request
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            return None
    return replace(head, body=bytes(body))


def _proxy_event(route: Route, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
    """A REST API proxy event, as API Gateway sends it."""
    query = urllib.parse.parse_qs(request.query, keep_blank_values=True)
    try:
        body, encoded = request.body.decode("utf-8"), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(request.body).decode(), True
    return {
        "resource": route.resource, "path": request.path, "httpMethod": request.method,
        "headers": dict(request.headers), "multiValueHeaders": {key: [value] for key, value in request.headers.items()},
        "queryStringParameters": {key: values[-1] for key, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None, "pathParameters": parameters or None,
        "stageVariables": None, "body": body or None, "isBase64Encoded": encoded,
        "requestContext": {
            "resourcePath": route.resource, "httpMethod": request.method, "path": f"/{STAGE}{request.path}",
            "stage": STAGE, "requestId": str(uuid.uuid4()), "requestTimeEpoch": int(time.time() * 1000),
            "identity": {"sourceIp": request.client, "userAgent": request.headers.get("user-agent")}}}
