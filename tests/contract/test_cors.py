"""Web pages of other origins: who may call, and who may read what came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shotwise.bundle import Bundle
from shotwise.handlers.predict import predict_handler
from shotwise.handlers.stream_query import stream_query_app
from shotwise.knowledge.answering.answerer import Answerer
from shotwise_local.gateway import integration_response
from shotwise_local.vtl import render

ORIGINS = "https://quality.example.com,http://10.0.0.7:3000"


@pytest.mark.parametrize(("origin", "allowed"), [
    ("https://quality.example.com", True), ("http://10.0.0.7:3000", True), ("https://quality.example.co", False),
    ("quality.example.com", False), ("", False), (",", False)])
def test_a_browser_hears_which_origins_may_call(api: dict[str, Any], origin: str, allowed: bool) -> None:
    """Of each path: an origin of the list is named, with the methods that there are; any other one is not."""
    for path, methods in api["paths"].items():
        answers = methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseTemplates"]
        rendered = render(as_deployed(answers["application/json"]), "{}", {"origin": origin})
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
    """Whatever became of it; a page of another origin, or none, gets no such header."""
    responses = {pattern: {**spec, "responseTemplates": {kind: as_deployed(text) for kind, text
                                                         in spec["responseTemplates"].items()}}
                 for pattern, spec in api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]
                 ["responses"].items()}
    for origin in ("https://quality.example.com", "https://elsewhere.example.com", ""):
        reply = integration_response(responses, status, json.dumps(body), {"origin": origin} if origin else {})
        named = reply.headers.get("Access-Control-Allow-Origin")
        assert named == (origin if origin == "https://quality.example.com" else None)
        assert isinstance(json.loads(reply.body), dict)


def as_deployed(template: dict[str, Any]) -> str:
    """A template after CloudFormation has put the origins into it."""
    text, given = template["Fn::Sub"]
    assert given == {"Origins": {"Fn::Join": [",", {"Ref": "AllowedOrigins"}]}}
    return str(text.replace("${Origins}", ORIGINS))


def test_a_reply_names_the_origin_that_may_read_it(bundle: Bundle, event: Callable[..., dict[str, Any]]) -> None:
    """A reply and a refusal alike, to an allowed origin alone; without a list to nobody."""
    for origins in ((), tuple(ORIGINS.split(","))):
        function = predict_handler(bundle, origins)
        for origin in ("http://10.0.0.7:3000", "https://elsewhere.example.com"):
            for body in ({"features": {}}, None):
                asked = event("POST" if body else "GET", "/predict" if body else "/health", body)
                asked["headers"]["origin"] = origin
                asked["multiValueHeaders"] = {"origin": [origin]}
                reply = function(asked, None)
                named = reply["multiValueHeaders"].get("Access-Control-Allow-Origin")
                assert named == ([origin] if origins and origin == "http://10.0.0.7:3000" else None)


def test_a_stream_names_the_origin_that_may_read_it() -> None:
    """As replies do."""
    for origins, named in (((), None), (("https://quality.example.com",), "https://quality.example.com")):
        found = asyncio.run(health(stream_query_app(_Silent(), origins)))
        assert found.status_code == 200 and found.headers.get("access-control-allow-origin") == named


async def health(app: Any) -> httpx.Response:
    """What an app answers to a page of the first origin."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        return await client.get("/health", headers={"origin": "https://quality.example.com"})


class _Silent(Answerer):
    """An answerer that is never asked."""

    def __init__(self) -> None:
        self.name = "silent"
