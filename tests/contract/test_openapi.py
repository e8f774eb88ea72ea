"""The API description is valid, names no feature, and every response is what it promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from shotwise.bundle import Bundle
from shotwise_local.gateway import Gateway, Response
from shotwise_local.stack import Stack
from shotwise_local.template import load_yaml

from .client import call, call_asgi

ROOT = Path(__file__).parents[2]


def without_examples(description: Any) -> Any:
    """The description without its examples, which are of one bundle."""
    if isinstance(description, dict):
        return {name: without_examples(child) for name, child in description.items() if name != "example"}
    return [without_examples(child) for child in description] if isinstance(description, list) else description


def assert_as_described(api: dict[str, Any], resource: str, method: str, response: Response) -> None:
    """The status is described, and the body fits the schema described for it."""
    described = api["paths"][resource][method]["responses"]
    assert str(response.status) in described, f"{resource} answered {response.status}, which is not described"
    media_type = response.headers.get("Content-Type") or response.headers["content-type"]
    schema = described[str(response.status)]["content"][media_type]["schema"]
    if schema["$ref"].endswith("/PredictReply") and "predictions" not in json.loads(response.body):
        schema = {"$ref": "#/components/schemas/Prediction"}
    OAS30Validator({**schema, "components": api["components"]}).validate(json.loads(response.body))


def test_the_description_is_valid(api: dict[str, Any]) -> None:
    """It is OpenAPI 3.0.1 by its own schema."""
    validate(api)


def test_it_stays_in_what_api_gateway_imports(api: dict[str, Any]) -> None:
    """Alphanumeric schema names, and none of the keywords that its import refuses."""
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in api["components"]["schemas"])
    text = json.dumps(api)
    assert not [word for word in ("oneOf", "anyOf", "discriminator", "exclusiveMinimum") if f'"{word}"' in text]


def test_it_names_no_feature(api: dict[str, Any], bundle: Bundle) -> None:
    """Another foundry's bundle needs no other description: only the examples hold this bundle's features."""
    text = json.dumps(without_examples(api))
    assert not [name for name in bundle.names if re.search(rf"\b{name}\b", text)]
    assert [name for name in bundle.names if re.search(rf"\b{name}\b", json.dumps(api))], "the search finds nothing"


def test_what_api_gateway_itself_reads_is_as_it_reads_it(api: dict[str, Any]) -> None:
    """Operation ids are unique, path parameters declared, validators known, and streams use Lambda's streaming path."""
    operations = [(path, method, operation) for path, methods in api["paths"].items()
                  for method, operation in methods.items() if method != "options"]
    assert len({operation["operationId"] for _, _, operation in operations}) == len(operations)
    for path, method, operation in operations:
        declared = [parameter["name"] for parameter in operation.get("parameters", ())
                    if parameter["in"] == "path" and parameter["required"]]
        assert declared == re.findall(r"\{(\w+)\}", path), path
        validator = operation.get("x-amazon-apigateway-request-validator")
        assert validator is None or validator in api["x-amazon-apigateway-request-validators"]
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["type"] in ("aws", "aws_proxy") and integration["httpMethod"] == "POST", (path, method)
        streams = integration.get("responseTransferMode") == "STREAM"
        address = integration["uri"]["Fn::Sub"]
        assert streams == address.endswith("/response-streaming-invocations") == ("lambda:path/2021-11-15" in address)
        media_types = [name for response in operation["responses"].values() for name in response.get("content", {})]
        assert streams == ("text/event-stream" in media_types)


def test_every_route_is_integrated_and_secured(api: dict[str, Any]) -> None:
    """Each operation has an integration and its own security; preflight requests are answered by API Gateway alone.

    API Gateway ignores a security requirement at the top of the file.
    """
    assert "security" not in api
    for methods in api["paths"].values():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            if method == "options":
                assert operation["security"] == [] and integration["type"] == "mock" and "uri" not in integration
            else:
                assert operation["security"] == [{"sigv4": []}] and integration["uri"]


def test_models_stay_within_what_api_gateway_takes(api: dict[str, Any]) -> None:
    """No oneOf, anyOf, allOf or discriminator, alphanumeric schema names, and responses that are references alone."""
    text = json.dumps({**api, "paths": without_examples(api["paths"])})
    assert not re.search(r'"(oneOf|anyOf|allOf|discriminator)":', text)
    assert all(name.isalnum() for name in api["components"]["schemas"])
    for methods in api["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                assert all(set(content.get("schema", {"$ref": ""})) == {"$ref"}
                           for content in response.get("content", {}).values())


def test_a_stream_may_take_as_long_as_its_function(api: dict[str, Any]) -> None:
    """Without a limit of its own, a stream would be cut at 29 s like every other response."""
    stream = api["paths"]["/query"]["post"]["x-amazon-apigateway-integration"]
    functions = load_yaml(ROOT / "template.yaml")["Resources"]
    assert stream["timeoutInMillis"] == functions["StreamQueryFunction"]["Properties"]["Timeout"] * 1000


def test_every_schema_in_use_exists_and_every_schema_is_used(api: dict[str, Any]) -> None:
    """No dangling reference and nothing left over."""
    text = json.dumps(api)
    used = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert used == set(api["components"]["schemas"])


def streams(api: dict[str, Any], resource: str) -> bool:
    """Whether a route responds with a stream."""
    return api["paths"][resource]["post"]["x-amazon-apigateway-integration"].get("responseTransferMode") == "STREAM"


def test_the_examples_are_answered_as_described(api: dict[str, Any], gateway: Gateway) -> None:
    """Each POST's own example gives a 200 that fits its schema."""
    for resource, methods in api["paths"].items():
        if "post" in methods and not streams(api, resource):
            example = methods["post"]["requestBody"]["content"]["application/json"]["example"]
            response = call(gateway, "POST", resource, example)
            assert response.status == 200
            assert_as_described(api, resource, "post", response)


def test_the_streamed_example_is_answered_as_described(api: dict[str, Any], gateway: Gateway) -> None:
    """The events have the types that the description names; done fits the schema of /rag-query."""
    operation = api["paths"]["/query"]["post"]
    response = call_asgi(gateway, "POST", "/query", operation["requestBody"]["content"]["application/json"]["example"])
    described = operation["responses"]["200"]
    assert response.status == 200 and response.headers["content-type"].split(";")[0] in described["content"]
    types = [event_type for event_type, _ in response.events()]
    assert all(f"{event_type}:" in described["description"] for event_type in types) and types.count("done") == 1
    done = json.dumps(list(response.events())[-1][1]).encode()
    assert_as_described(api, "/rag-query", "post", Response(200, {"Content-Type": "application/json"}, done))


def test_a_batch_is_answered_as_described(api: dict[str, Any], gateway: Gateway, features: dict[str, Any]) -> None:
    """The response for many shots holds a Prediction for each."""
    response = call(gateway, "POST", "/predict", {"shots": [{"features": features}] * 400})
    assert response.status == 200 and len(json.loads(response.body)["predictions"]) == 400
    assert_as_described(api, "/predict", "post", response)


@pytest.mark.parametrize(("path", "query"), [
    ("/model", ""), ("/samples", ""), ("/health", ""), ("/documents", ""),
    ("/search", "query=%EA%B8%B0%EA%B3%B5&limit=3")])
def test_every_get_is_as_described(api: dict[str, Any], gateway: Gateway, path: str, query: str) -> None:
    """Each GET without a name fits its schema."""
    response = call(gateway, "GET", path, query=query)
    assert response.status == 200 and len(next(iter(json.loads(response.body).values()))) > 0
    assert_as_described(api, path, "get", response)


def test_a_bad_search_and_an_unknown_document_are_as_described(api: dict[str, Any], gateway: Gateway) -> None:
    """They are 400 and 404 problems that the description lists."""
    for query in ("", "query=", "query=x&limit=0", "limit=5"):
        response = call(gateway, "GET", "/search", query=query)
        problem = json.loads(response.body)
        assert response.status == 400 and problem["code"] == "invalid_input" and problem["errors"]
        assert_as_described(api, "/search", "get", response)
    for method in ("get", "delete"):
        response = call(gateway, method.upper(), "/documents/unknown.pdf")
        assert response.status == 404
        assert_as_described(api, "/documents/{name}", method, response)


@pytest.mark.parametrize("path", ["/predict", "/importance", "/rag-query", "/diagnose", "/documents", "/query"])
@pytest.mark.parametrize("body", ["", "x", "[]", "{}", '{"features": {}}', '{"a": 1, "a": 2}', b"\xff{}", "9" * 5000,
                                  '{"features": ' + "[" * 5000 + "]" * 5000 + "}", " " * 300_000, "a" * 300_000,
                                  '{"\\ud800": 1}', '{"features": {"\\ud800": 1}, "question": "\\udfff"}'])
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_no_bad_body_gets_more_than_a_problem(api: dict[str, Any], gateway: Gateway, path: str, body: Any,
                                              media_type: str) -> None:
    """Whatever comes in, the answer is a described 4xx problem with errors that name a field."""
    response = call_asgi(gateway, "POST", path, body, {"content-type": media_type}).response
    assert 400 <= response.status < 500, response.body
    assert_as_described(api, path, "post", response)
    problem = json.loads(response.body)
    assert problem["errors"] and problem["code"] in ("invalid_input", "payload_too_large", "unsupported_media_type")


def test_a_broken_reply_would_be_noticed(api: dict[str, Any], gateway: Gateway) -> None:
    """The check can fail: a response without one of its fields does not pass."""
    response = call(gateway, "GET", "/health")
    body = json.loads(response.body)
    del body["model_version"]
    with pytest.raises(Exception, match="model_version"):
        assert_as_described(api, "/health", "get", Response(200, response.headers, json.dumps(body).encode()))


def test_gateway_responses_are_problems(api: dict[str, Any]) -> None:
    """What API Gateway refuses by itself has the form of everything else."""
    for name, response in api["x-amazon-apigateway-gateway-responses"].items():
        header = response["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert header == "'application/problem+json'"
        text = response["responseTemplates"]["application/json"].replace("$context.error.messageString", '"x"')
        problem = json.loads(text)
        Draft4Validator(api["components"]["schemas"]["Problem"]).validate(problem)
        assert str(problem.get("status", "")) == response.get("statusCode", ""), name


def test_the_events_are_the_examples_of_every_function(stack: Stack) -> None:
    """events/*.json are answered by the handlers that they are named after."""
    for name, file in (("PredictFunction", "predict"), ("ImportanceFunction", "importance"),
                       ("RagQueryFunction", "rag_query")):
        event = json.loads((ROOT / f"events/{file}.json").read_text("utf-8"))
        assert stack.functions.invoke(name, event)["processing_time_ms"] > 0
