"""Answer requests by their route in api/openapi.yaml: a Lambda proxy integration, or the start of the workflow."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

from shotwise.handlers.body import media_type
from shotwise.limits import MAX_BODY_BYTES
from shotwise_local.http_message import Request, Response
from shotwise_local.lambda_host import LambdaHost
from shotwise_local.routes import Route, read_routes, resolved_text
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.vtl import render
from shotwise_local.workflow import Workflow

STAGE = "local"
DOCUMENT_REMOVED = ("/documents/{name}", "DELETE", 202)  # resource, method, status
logger = logging.getLogger(__name__)


class Api:
    """The operations of an API description.

    Parameters
    ----------
    description : mapping
        The OpenAPI description with API Gateway's extensions.
    functions : LambdaHost
        The functions that its routes call.
    workflow : Workflow
        The state machine that its routes start.
    bucket : DocumentsBucket
        Gets the event of a removed document.
    """

    def __init__(self, description: Mapping[str, Any], functions: LambdaHost, workflow: Workflow,
                 bucket: DocumentsBucket) -> None:
        self._routes = read_routes(description)
        self._gateway_responses = description["x-amazon-apigateway-gateway-responses"]
        self._functions = functions
        self._workflow = workflow
        self._bucket = bucket

    def find_route(self, request: Request) -> Route | None:
        """Return the route of a request; None if there is no such path or method."""
        return next((route for route in self._routes
                     if route.method == request.method and route.pattern.fullmatch(request.path)), None)

    def streaming_app(self, route: Route | None) -> Any:
        """Return the ASGI app of a route with a streaming integration; None for every other route."""
        if route is None or route.integration.get("responseTransferMode") != "STREAM":
            return None
        return self._functions.apps[route.function]

    def answer(self, route: Route, request: Request) -> Response:
        """Validate a request and call the integration of its route. Whatever fails inside is a 5xx."""
        if route.validates_body and _media_type(request) in route.media_types and not _is_json_object(request.body):
            return self.gateway_response("BAD_REQUEST_BODY")
        try:
            if route.integration["type"] == "aws_proxy":
                return self._invoke_function(route, request)
            return self._start_workflow(route, request)
        except Exception:  # a handler that raises is a 5xx at the gateway, whatever it raised
            logger.exception("%s %s failed", route.method, route.resource)
            return self.gateway_response("DEFAULT_5XX")

    def gateway_response(self, response_type: str) -> Response:
        """Return a response of the gateway itself, without an integration."""
        description = self._gateway_responses[response_type]
        headers = {name.removeprefix("gatewayresponse.header."): value.strip("'")
                   for name, value in description["responseParameters"].items() if isinstance(value, str)}
        return Response(int(description["statusCode"]), headers,
                        description["responseTemplates"]["application/json"].encode())

    def _invoke_function(self, route: Route, request: Request) -> Response:
        """Call a Lambda proxy integration."""
        match = route.pattern.fullmatch(request.path)
        assert match is not None
        parameters = match.groupdict()
        reply = self._functions.invoke(route.function, _proxy_event(route, request, parameters))
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
            return self.gateway_response("UNSUPPORTED_MEDIA_TYPE")
        rendered = render(resolved_text(template), request.body.decode("utf-8", "surrogateescape"), request.headers)
        execution_input = json.loads(rendered.text)["input"]
        if len(execution_input.encode()) > MAX_BODY_BYTES:
            status, output = 400, {"__type": "InvalidExecutionInput"}
        else:
            status, output = 200, self._workflow.run(execution_input)
        return integration_response(route.integration["responses"], status, json.dumps(output), request.headers)


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


def _media_type(request: Request) -> str:
    return media_type(request.headers.get("content-type"))


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


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
