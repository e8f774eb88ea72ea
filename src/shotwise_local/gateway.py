"""API Gateway on one machine: api/openapi.yaml served as an ASGI app.

Routes, request validation, integrations, mapping templates and gateway responses are read from that one file. What is
not emulated is listed in NOT_EMULATED and said at start. Beside the API it takes what S3 would take: files put under
UPLOADS, where POST /documents sends them.
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
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.vtl import render
from shotwise_local.workflow import Workflow

NOT_EMULATED = "IAM authorisation, CORS, throttling, WAF, the 29 s limit, access logs, X-Ray"
MAX_BYTES = 10 * 1024 * 1024  # API Gateway's own limit
UPLOADS, MAX_UPLOAD_BYTES = "/uploads/", 512 * 1024 * 1024
MAX_INPUT_BYTES = 256 * 1024  # an Express execution's input
STAGE = "local"
REMOVED = ("/documents/{name}", "DELETE", 202)
HOSTS = ("127.0.0.1", "localhost", "::1")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """One HTTP request. body: as it came; headers: lower-case names, the last of each name."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True)
class Reply:
    """One HTTP reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Route:
    """One operation of the API description."""

    pattern: re.Pattern[str]
    resource: str
    method: str
    validates_body: bool
    media_types: frozenset[str]
    integration: Mapping[str, Any]


class Gateway:
    """An ASGI app for an API description, the functions and the workflow that it integrates."""

    def __init__(self, api: Mapping[str, Any], functions: LambdaHost, workflow: Workflow, bucket: DocumentsBucket) -> None:
        self._routes = [_route(api, resource, method) for resource, methods in api["paths"].items()
                        for method in methods if method in ("get", "post", "put", "delete")]
        self._refusals = api["x-amazon-apigateway-gateway-responses"]
        self._functions = functions
        self._workflow = workflow
        self._bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        head = _head(scope)
        if not _foreign(head) and (app := self._streaming(head)):
            await app(scope, receive, send)
            return
        try:
            request = await _read(head, receive, MAX_UPLOAD_BYTES if _is_upload(head) else MAX_BYTES)
        except ConnectionAbortedError:
            return
        reply = await asyncio.to_thread(self.handle, request) if request else self._refuse("REQUEST_TOO_LARGE")
        headers = {**reply.headers, "content-length": str(len(reply.body))}
        await send({"type": "http.response.start", "status": reply.status,
                    "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]})
        await send({"type": "http.response.body", "body": reply.body})

    def handle(self, request: Request) -> Reply:
        """Find the route, validate, integrate."""
        if _foreign(request):
            return self._refuse("ACCESS_DENIED")
        if _is_upload(request):
            return self._upload(request)
        route, match = self._route(request)
        if route is None or match is None:
            return self._refuse("MISSING_AUTHENTICATION_TOKEN")  # API Gateway's own answer to an unknown path
        if route.validates_body and _media_type(request) in route.media_types and not _is_object(request.body):
            return self._refuse("BAD_REQUEST_BODY")
        if route.integration["type"] == "aws_proxy":
            return self._proxy(route, request, match.groupdict())
        return self._start_workflow(route, request)

    def _route(self, request: Request) -> tuple[Route | None, re.Match[str] | None]:
        found = ((route, match) for route in self._routes
                 if route.method == request.method and (match := route.pattern.fullmatch(request.path)))
        return next(found, (None, None))

    def _streaming(self, request: Request) -> Any:
        """The ASGI app behind a route whose integration streams."""
        route, _ = self._route(request)
        if route is None or route.integration.get("responseTransferMode") != "STREAM":
            return None
        return self._functions.apps[_function_of(route)]

    def _upload(self, request: Request) -> Reply:
        """What S3 does with a file that is put to a signed address."""
        name = request.path.removeprefix(UPLOADS)
        if name_fault(name):
            return self._refuse("ACCESS_DENIED")
        try:
            self._bucket.put(name, request.body)
        except StoreError:
            return self._refuse("DEFAULT_5XX")
        return Reply(200, {}, b"")

    def _proxy(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        """A Lambda proxy integration."""
        try:
            found = self._functions.request(_function_of(route), _event(route, request, parameters))
        except Exception:  # a handler that raises is a 5xx at the gateway, whatever it raised
            return self._refuse("DEFAULT_5XX")
        if (route.resource, route.method, found["statusCode"]) == REMOVED:  # on AWS S3 itself tells of it
            self._bucket.tell(parameters["name"], "ObjectRemoved:Delete")
        headers = {key: values[-1] for key, values in found.get("multiValueHeaders", {}).items()} \
            | dict(found.get("headers") or {})
        body = found.get("body") or ""
        return Reply(found["statusCode"], headers,
                     base64.b64decode(body) if found.get("isBase64Encoded") else body.encode("utf-8"))

    def _start_workflow(self, route: Route, request: Request) -> Reply:
        """The StartSyncExecution integration with its request and response templates."""
        template = route.integration["requestTemplates"].get(_media_type(request))
        if template is None:
            return self._refuse("UNSUPPORTED_MEDIA_TYPE")
        rendered = render(_text(template), request.body.decode("utf-8", "surrogateescape"), request.headers)
        given = json.loads(rendered.text)["input"]
        if len(given.encode()) > MAX_INPUT_BYTES:
            status, found = 400, {"__type": "InvalidExecutionInput"}
        else:
            status, found = 200, self._workflow.run(given)
        return mapped(route.integration["responses"], status, json.dumps(found), request.headers)

    def _refuse(self, kind: str) -> Reply:
        """A gateway response: the gateway's own refusal."""
        refusal = self._refusals[kind]
        headers = {name.removeprefix("gatewayresponse.header."): value.strip("'")
                   for name, value in refusal["responseParameters"].items() if isinstance(value, str)}
        return Reply(int(refusal["statusCode"]), headers, refusal["responseTemplates"]["application/json"].encode())


def _foreign(request: Request) -> bool:
    """Whether a web page from elsewhere is behind the request: its own name led here (DNS rebinding), or it posts
    across sites. There is no authorisation on one machine, so the loopback interface has to mean this machine."""
    named = [f"//{request.headers.get('host', HOSTS[0])}", request.headers.get("origin", f"//{HOSTS[0]}")]
    try:
        return any(urllib.parse.urlsplit(name).hostname not in HOSTS for name in named)
    except ValueError:  # no address at all, such as [::1 without its end
        return True


def _route(api: Mapping[str, Any], resource: str, method: str) -> Route:
    operation = api["paths"][resource][method]
    validator = api["x-amazon-apigateway-request-validators"].get(
        operation.get("x-amazon-apigateway-request-validator"), {})
    return Route(
        re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", resource)), resource, method.upper(),
        bool(validator.get("validateRequestBody")), frozenset(operation.get("requestBody", {}).get("content", ())),
        operation["x-amazon-apigateway-integration"])


def _function_of(route: Route) -> str:
    """The logical id of the function that a route integrates."""
    name = re.search(r"functions/\$\{(\w+)Aliaslive\}", _text(route.integration["uri"]))
    assert name, f"{route.resource} names no function"
    return name[1]


def _is_upload(request: Request) -> bool:
    return request.method == "PUT" and request.path.startswith(UPLOADS)


def _text(value: Any) -> str:
    """A string of the description; of an Fn::Sub the text, whose ${…} name resources and settings of AWS."""
    found = value["Fn::Sub"] if isinstance(value, dict) else value
    return found[0] if isinstance(found, list) else found


def _media_type(request: Request) -> str:
    return media_type(request.headers.get("content-type"))


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def mapped(responses: Mapping[str, Any], status: int, body: str, headers: Mapping[str, str] | None = None) -> Reply:
    """The integration response whose pattern fits the status, rendered. headers: of the request."""
    chosen = next((spec for pattern, spec in responses.items()
                   if pattern != "default" and re.fullmatch(pattern, str(status))), responses["default"])
    ((content_type, template),) = chosen["responseTemplates"].items()
    rendered = render(_text(template), body, headers)
    return Reply(rendered.status or int(chosen["statusCode"]), {"Content-Type": content_type, **rendered.headers},
                 rendered.text.encode("utf-8"))


def _head(scope: Scope) -> Request:
    """The request without its body."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"),
                   headers, b"", (scope.get("client") or ("127.0.0.1",))[0])


async def _read(head: Request, receive: Receive, most: int) -> Request | None:
    """The whole request, or None where its body is over `most` bytes."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message.get("type") == "http.disconnect":
            raise ConnectionAbortedError  # half a body is no request
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            return None
    return replace(head, body=bytes(body))


def _event(route: Route, request: Request, parameters: dict[str, str]) -> dict[str, Any]:
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
