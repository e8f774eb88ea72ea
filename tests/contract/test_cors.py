"""Web pages of other origins: which may call, and which may read the response."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shotwise.bundle import Bundle
from shotwise.handlers.predict import predict_handler
from shotwise.handlers.stream_query import stream_query_app
from shotwise.knowledge.answering.answerer import Answerer
from shotwise_local.api import integration_response
from shotwise_local.vtl import render

ORIGINS = "https://quality.example.com,http://10.0.0.7:3000"


@pytest.mark.parametrize(("origin", "allowed"), [
    ("https://quality.example.com", True), ("http://10.0.0.7:3000", True), ("https://quality.example.co", False),
    ("quality.example.com", False), ("", False), (",", False)])
def test_a_preflight_response_names_the_origins_that_may_call(api: dict[str, Any], origin: str, allowed: bool) -> None:
    """On each path, an origin of the list is named, with the methods of the path; any other origin is not."""
    for path, methods in api["paths"].items():
        templates = methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseTemplates"]
        rendered = render(as_deployed(templates["application/json"]), "{}", {"origin": origin})
        names = {name.removeprefix("Access-Control-"): value for name, value in rendered.headers.items()}
        assert rendered.text.strip() == "" and bool(names) == allowed, path
        if allowed:
            assert names["Allow-Origin"] == origin and "authorization" in names["Allow-Headers"]
            assert set(names["Allow-Methods"].lower().split(",")) == set(methods) - {"options"}


@pytest.mark.parametrize(("status", "body"), [
    (200, {"status": "SUCCEEDED", "output": "{}"}), (200, {"status": "FAILED"}),
    (400, {"__type": "ThrottlingException"}), (502, {})])
def test_a_diagnosis_can_be_read_by_pages_of_allowed_origins(api: dict[str, Any], status: int,
                                                             body: dict[str, Any]) -> None:
    """The header is there whatever the outcome; for a page of another origin, or none, it is not."""
    responses = {pattern: {**spec, "responseTemplates": {kind: as_deployed(text) for kind, text
                                                         in spec["responseTemplates"].items()}}
                 for pattern, spec in api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]
                 ["responses"].items()}
    for origin in ("https://quality.example.com", "https://elsewhere.example.com", ""):
        response = integration_response(responses, status, json.dumps(body), {"origin": origin} if origin else {})
        allowed_origin = response.headers.get("Access-Control-Allow-Origin")
        assert allowed_origin == (origin if origin == "https://quality.example.com" else None)
        assert isinstance(json.loads(response.body), dict)


def as_deployed(template: dict[str, Any]) -> str:
    """A template after CloudFormation has put the origins into it."""
    text, substitutions = template["Fn::Sub"]
    assert substitutions == {"Origins": {"Fn::Join": [",", {"Ref": "AllowedOrigins"}]}}
    return str(text.replace("${Origins}", ORIGINS))


def test_a_response_names_the_origin_that_may_read_it(bundle: Bundle, event: Callable[..., dict[str, Any]]) -> None:
    """Replies and problems alike name an allowed origin alone; without a list of origins, none."""
    for origins in ((), tuple(ORIGINS.split(","))):
        handler = predict_handler(bundle, origins)
        for origin in ("http://10.0.0.7:3000", "https://elsewhere.example.com"):
            for body in ({"features": {}}, None):
                request = event("POST" if body else "GET", "/predict" if body else "/health", body)
                request["headers"]["origin"] = origin
                request["multiValueHeaders"] = {"origin": [origin]}
                response = handler(request, None)
                allowed = response["multiValueHeaders"].get("Access-Control-Allow-Origin")
                assert allowed == ([origin] if origins and origin == "http://10.0.0.7:3000" else None)


def test_a_stream_names_the_origin_that_may_read_it() -> None:
    """A stream is as other responses."""
    for origins, allowed in (((), None), (("https://quality.example.com",), "https://quality.example.com")):
        response = asyncio.run(health(stream_query_app(UnusedAnswerer(), origins)))
        assert response.status_code == 200 and response.headers.get("access-control-allow-origin") == allowed


async def health(app: Any) -> httpx2.Response:
    """The response of an app to a page of the first origin."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        return await client.get("/health", headers={"origin": "https://quality.example.com"})


class UnusedAnswerer(Answerer):
    """An answerer that gets no question."""

    def __init__(self) -> None:
        self.name = "unused"
