"""The API description is valid, names no feature, and every reply is what it promises."""

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
from shotwise_local.gateway import Response
from shotwise_local.template import load_yaml

from .client import ask, serve

ROOT = Path(__file__).parents[2]


def without_examples(value: Any) -> Any:
    """The description without its examples, which are of one bundle."""
    if isinstance(value, dict):
        return {name: without_examples(item) for name, item in value.items() if name != "example"}
    return [without_examples(item) for item in value] if isinstance(value, list) else value


def assert_promised(api: dict[str, Any], resource: str, method: str, reply: Response) -> None:
    """The reply's status is described, and its body fits the schema described for it."""
    described = api["paths"][resource][method]["responses"]
    assert str(reply.status) in described, f"{resource} answered {reply.status}, which is not described"
    media_type = reply.headers.get("Content-Type") or reply.headers["content-type"]
    schema = described[str(reply.status)]["content"][media_type]["schema"]
    if schema["$ref"].endswith("/PredictReply") and "predictions" not in json.loads(reply.body):
        schema = {"$ref": "#/components/schemas/Prediction"}
    OAS30Validator({**schema, "components": api["components"]}).validate(json.loads(reply.body))


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
    """Operations have names of their own, path parameters are declared, bodies are validated by a validator that there
    is, and a route streams by Lambda's streaming path or not at all.
    """
    operations = [(path, method, operation) for path, methods in api["paths"].items()
                  for method, operation in methods.items() if method != "options"]
    assert len({operation["operationId"] for _, _, operation in operations}) == len(operations)
    for path, method, operation in operations:
        declared = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path" and one["required"]]
        assert declared == re.findall(r"\{(\w+)\}", path), path
        validator = operation.get("x-amazon-apigateway-request-validator")
        assert validator is None or validator in api["x-amazon-apigateway-request-validators"]
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["type"] in ("aws", "aws_proxy") and integration["httpMethod"] == "POST", (path, method)
        streams = integration.get("responseTransferMode") == "STREAM"
        address = integration["uri"]["Fn::Sub"]
        assert streams == address.endswith("/response-streaming-invocations") == ("lambda:path/2021-11-15" in address)
        promised = [name for reply in operation["responses"].values() for name in reply.get("content", {})]
        assert streams == ("text/event-stream" in promised)


def test_every_route_is_integrated_and_secured(api: dict[str, Any]) -> None:
    """Each operation has an integration, and says itself that callers sign: API Gateway reads no requirement at the
    top. What a browser asks before it signs anything is answered by API Gateway alone.
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
    """No oneOf, anyOf, allOf or discriminator, names of letters and digits, and a reply is an object or has no
    schema.
    """
    text = json.dumps({**api, "paths": without_examples(api["paths"])})
    assert not re.search(r'"(oneOf|anyOf|allOf|discriminator)":', text)
    assert all(name.isalnum() for name in api["components"]["schemas"])
    for methods in api["paths"].values():
        for operation in methods.values():
            for reply in operation["responses"].values():
                assert all(set(content.get("schema", {"$ref": ""})) == {"$ref"}
                           for content in reply.get("content", {}).values())


def test_a_stream_may_take_as_long_as_its_function(api: dict[str, Any]) -> None:
    """Without a limit of its own a stream would be cut at 29 s as every other reply."""
    stream = api["paths"]["/query"]["post"]["x-amazon-apigateway-integration"]
    functions = load_yaml(ROOT / "template.yaml")["Resources"]
    assert stream["timeoutInMillis"] == functions["StreamQueryFunction"]["Properties"]["Timeout"] * 1000


def test_every_schema_in_use_exists_and_every_schema_is_used(api: dict[str, Any]) -> None:
    """No dangling reference and nothing left over."""
    text = json.dumps(api)
    used = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert used == set(api["components"]["schemas"])


def streams(api: dict[str, Any], resource: str) -> bool:
    """Whether a route's answer is a stream."""
    return api["paths"][resource]["post"]["x-amazon-apigateway-integration"].get("responseTransferMode") == "STREAM"


def test_the_examples_are_answered_as_described(api: dict[str, Any], stack: Any) -> None:
    """Each POST's own example gives a 200 that fits its schema."""
    for resource, methods in api["paths"].items():
        if "post" in methods and not streams(api, resource):
            example = methods["post"]["requestBody"]["content"]["application/json"]["example"]
            reply = ask(stack.gateway, "POST", resource, example)
            assert reply.status == 200
            assert_promised(api, resource, "post", reply)


def test_the_streamed_example_is_answered_as_described(api: dict[str, Any], stack: Any) -> None:
    """A stream of the kinds of events that the description names; done fits the schema of /rag-query."""
    operation = api["paths"]["/query"]["post"]
    served = serve(stack.gateway, "POST", "/query", operation["requestBody"]["content"]["application/json"]["example"])
    described = operation["responses"]["200"]
    assert served.status == 200 and served.headers["content-type"].split(";")[0] in described["content"]
    kinds = [kind for kind, _ in served.events()]
    assert all(f"{kind}:" in described["description"] for kind in kinds) and kinds.count("done") == 1
    done = json.dumps(list(served.events())[-1][1]).encode()
    assert_promised(api, "/rag-query", "post", Response(200, {"Content-Type": "application/json"}, done))


def test_a_batch_is_answered_as_described(api: dict[str, Any], stack: Any, features: dict[str, Any]) -> None:
    """The reply for many shots holds a Prediction for each."""
    reply = ask(stack.gateway, "POST", "/predict", {"shots": [{"features": features}] * 400})
    assert reply.status == 200 and len(json.loads(reply.body)["predictions"]) == 400
    assert_promised(api, "/predict", "post", reply)


@pytest.mark.parametrize(("path", "query"), [
    ("/model", ""), ("/samples", ""), ("/health", ""), ("/documents", ""),
    ("/search", "query=%EA%B8%B0%EA%B3%B5&limit=3")])
def test_what_can_be_read_is_as_described(api: dict[str, Any], stack: Any, path: str, query: str) -> None:
    """Each GET without a name fits its schema."""
    reply = ask(stack.gateway, "GET", path, query=query)
    assert reply.status == 200 and len(next(iter(json.loads(reply.body).values()))) > 0
    assert_promised(api, path, "get", reply)


def test_a_bad_search_and_an_unknown_document_are_as_described(api: dict[str, Any], stack: Any) -> None:
    """400 and 404 problems that the description knows."""
    for query in ("", "query=", "query=x&limit=0", "limit=5"):
        reply = ask(stack.gateway, "GET", "/search", query=query)
        assert reply.status == 400 and json.loads(reply.body)["errors"]
        assert_promised(api, "/search", "get", reply)
    for method in ("get", "delete"):
        reply = ask(stack.gateway, method.upper(), "/documents/unknown.pdf")
        assert reply.status == 404
        assert_promised(api, "/documents/{name}", method, reply)


@pytest.mark.parametrize("path", ["/predict", "/importance", "/rag-query", "/diagnose", "/documents", "/query"])
@pytest.mark.parametrize("body", ["", "x", "[]", "{}", '{"features": {}}', '{"a": 1, "a": 2}', b"\xff{}", "9" * 5000,
                                  '{"features": ' + "[" * 5000 + "]" * 5000 + "}", " " * 300_000, "a" * 300_000,
                                  '{"\\ud800": 1}', '{"features": {"\\ud800": 1}, "question": "\\udfff"}'])
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_no_bad_body_gets_more_than_a_problem(api: dict[str, Any], stack: Any, path: str, body: Any,
                                              media_type: str) -> None:
    """Whatever comes in, the answer is a described 4xx problem with errors that name a field."""
    reply = serve(stack.gateway, "POST", path, body, {"content-type": media_type}).reply
    assert 400 <= reply.status < 500, reply.body
    assert_promised(api, path, "post", reply)
    assert json.loads(reply.body)["errors"]


def test_a_broken_reply_would_be_noticed(api: dict[str, Any], stack: Any) -> None:
    """The check can fail: a reply without one of its fields does not pass."""
    reply = ask(stack.gateway, "GET", "/health")
    body = json.loads(reply.body)
    del body["model_version"]
    with pytest.raises(Exception, match="model_version"):
        assert_promised(api, "/health", "get", Response(200, reply.headers, json.dumps(body).encode()))


def test_gateway_responses_are_problem_documents(api: dict[str, Any]) -> None:
    """What API Gateway refuses by itself has the form of everything else."""
    for name, response in api["x-amazon-apigateway-gateway-responses"].items():
        header = response["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert header == "'application/problem+json'"
        text = response["responseTemplates"]["application/json"].replace("$context.error.messageString", '"x"')
        document = json.loads(text)
        Draft4Validator(api["components"]["schemas"]["Problem"]).validate(document)
        assert str(document.get("status", "")) == response.get("statusCode", ""), name


def test_the_events_are_the_examples_of_every_function(stack: Any) -> None:
    """events/*.json are answered by the handlers that they are named after."""
    functions = stack.functions
    for name, file in (("PredictFunction", "predict"), ("ImportanceFunction", "importance"),
                       ("RagQueryFunction", "rag_query")):
        event = json.loads((ROOT / f"events/{file}.json").read_text("utf-8"))
        assert functions.invoke(name, event)["processing_time_ms"] > 0
