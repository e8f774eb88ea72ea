"""The local gateway answers as the handlers do, and failures of the workflow become real statuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from shotwise.handlers.problem import InvalidPayload
from shotwise_local.api import integration_response
from shotwise_local.gateway import Gateway
from shotwise_local.http_message import Request, Response
from shotwise_local.stack import Stack
from shotwise_local.vtl import render

from .client import call

VOLATILE = ("prediction_id", "processing_time_ms", "visualization_url", "timings_ms")


def steady(content: Any) -> Any:
    """A reply without what differs from call to call."""
    if isinstance(content, dict):
        return {key: steady(child) for key, child in content.items() if key not in VOLATILE}
    return [steady(child) for child in content] if isinstance(content, list) else content


@pytest.mark.parametrize(("path", "name"), [("/predict", "PredictFunction"), ("/importance", "ImportanceFunction")])
def test_handler_and_gateway_give_the_same(stack: Stack, event: Callable[..., Any], features: dict[str, Any], path: str,
                                           name: str) -> None:
    """The reply to a direct invocation, to an API event, and the gateway's response have the same numbers."""
    body = {"features": features}
    invoked = stack.functions.invoke(name, body)
    proxied = stack.functions.invoke(name, event("POST", path, body))
    response = call(stack.gateway, "POST", path, body)
    assert response.status == proxied["statusCode"] == 200
    assert steady(invoked) == steady(json.loads(proxied["body"])) == steady(json.loads(response.body))


@pytest.mark.parametrize("body", [{"features": {}}, {"features": 1}, {"x": 1}])
def test_a_problem_is_the_same_bytes_everywhere(stack: Stack, event: Callable[..., Any], body: dict[str, Any]) -> None:
    """The handler, the gateway and a direct invocation carry the same problem, byte for byte."""
    proxied = stack.functions.invoke("PredictFunction", event("POST", "/predict", body))["body"]
    with pytest.raises(InvalidPayload) as caught:
        stack.functions.invoke("PredictFunction", body)
    assert call(stack.gateway, "POST", "/predict", body).body.decode() == proxied == str(caught.value)


def test_predict_and_diagnose_refuse_a_shot_alike(gateway: Gateway, features: dict[str, Any]) -> None:
    """The response template of /diagnose passes on the problem of predict, with its status and content type."""
    body = {"features": {**features, "Shot": "x", "Spray_Time": None}}
    predicted, diagnosed = (call(gateway, "POST", path, body) for path in ("/predict", "/diagnose"))
    assert diagnosed.status == predicted.status == 400
    assert json.loads(diagnosed.body) == json.loads(predicted.body)
    assert diagnosed.headers["Content-Type"] == "application/problem+json"


def test_diagnose_gives_what_its_steps_give(gateway: Gateway, features: dict[str, Any]) -> None:
    """Prediction and importance of one diagnosis are those of the two routes."""
    diagnosis = json.loads(call(gateway, "POST", "/diagnose", {"features": features}).body)
    for path, part in (("/predict", "prediction"), ("/importance", "importance")):
        response = call(gateway, "POST", path, {"features": features})
        assert steady(diagnosis[part]) == steady(json.loads(response.body))


def test_defective_and_good_take_different_branches(gateway: Gateway, features: dict[str, Any],
                                                    good_features: dict[str, Any]) -> None:
    """A suspect shot runs every step; a good one skips both and says so; the caller can insist on either."""
    def diagnose(**body: Any) -> dict[str, Any]:
        diagnosis: dict[str, Any] = json.loads(call(gateway, "POST", "/diagnose", body).body)
        return diagnosis

    bad, good = diagnose(features=features), diagnose(features=good_features)
    assert bad["skipped"] == [] and bad["importance"] and bad["knowledge"]
    assert good["skipped"] == ["importance", "knowledge"] and good["importance"] is good["knowledge"] is None
    assert diagnose(features=good_features, always=["importance"])["skipped"] == ["knowledge"]
    assert diagnose(features=good_features, always=["knowledge"])["skipped"] == ["importance"]
    with_question = diagnose(features=good_features, question="소착이 생겼을 때 대책은?")
    assert with_question["skipped"] == ["importance"] and with_question["knowledge"]["grounded"]


def test_unknown_paths_and_methods_are_the_gateways_own_refusal(gateway: Gateway) -> None:
    """API Gateway answers 403 to both, with a problem."""
    for method, path in (("GET", "/nothing"), ("DELETE", "/predict"), ("GET", "/predict/x")):
        response = call(gateway, method, path)
        problem = json.loads(response.body)
        assert response.status == problem["status"] == 403 and problem["code"] == "unknown_path_or_unsigned"


@pytest.mark.parametrize("headers", [
    {"host": "evil.example:8000"}, {"host": "127.0.0.1", "origin": "http://evil.example"},
    {"host": "localhost:8000", "origin": "null"}])
def test_web_pages_from_elsewhere_are_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    """A domain name that resolves to this machine, or a page of another site, gets nothing of the plant's."""
    def get_document(headers: dict[str, str]) -> Response:
        return gateway.handle(Request("GET", "/documents/process-manual.pdf", "", headers, b"", "127.0.0.1"))

    refused = get_document(headers)
    assert refused.status == 403 and json.loads(refused.body)["code"] == "foreign_host"
    assert get_document({"host": "localhost:8000", "origin": "http://127.0.0.1:8501"}).status == 200


def test_a_handler_that_raises_is_a_500_without_its_reason(stack: Stack, monkeypatch: pytest.MonkeyPatch,
                                                           features: dict[str, Any]) -> None:
    """What a handler raised stays in the log."""
    def failing_handler(event: Any, context: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setitem(stack.functions._handlers, "PredictFunction", failing_handler)
    for path in ("/predict", "/diagnose"):
        response = call(stack.gateway, "POST", path, {"features": features})
        assert response.status == 500 and b"secret" not in response.body
        assert json.loads(response.body)["code"] == "internal_error"


CAUSE = json.dumps({"title": "Invalid input", "status": 400, "code": "invalid_input", "errors": []})


@pytest.mark.parametrize(("outcome", "status", "code"), [
    ({"status": "SUCCEEDED", "output": '{"prediction": "기포"}'}, 200, None),
    ({"status": "FAILED", "error": "InvalidPayload", "cause": CAUSE}, 400, "invalid_input"),
    ({"status": "FAILED", "error": "RuntimeError", "cause": "secret stack trace"}, 500, "internal_error"),
    ({"status": "FAILED", "error": "Lambda.TooManyRequestsException", "cause": "secret"}, 429, "too_many_requests"),
    ({"status": "FAILED", "error": "States.Timeout", "cause": "secret"}, 504, "timed_out"),
    ({"status": "TIMED_OUT"}, 504, "timed_out")])
def test_the_response_template_gives_real_statuses(api: dict[str, Any], outcome: dict[str, Any], status: int,
                                                   code: str | None) -> None:
    """StartSyncExecution's 200 becomes the real status, the body fits it, and nothing of the inside gets out."""
    responses = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]["responses"]
    response = integration_response(responses, 200, json.dumps(outcome))
    content = json.loads(response.body)
    assert response.status == status and "secret" not in response.body.decode()
    if code is None:
        assert content == {"prediction": "기포"}
    else:
        assert (content["status"], content["code"]) == (status, code)
    assert response.headers["Content-Type"] == ("application/json" if status == 200 else "application/problem+json")


@pytest.mark.parametrize(("error", "status", "code"), [
    ("com.amazonaws.swf#InvalidExecutionInput", 413, "payload_too_large"),
    ("ThrottlingException", 429, "too_many_requests"), ("AccessDeniedException", 500, "internal_error")])
def test_a_refused_execution_has_a_real_status(api: dict[str, Any], error: str, status: int, code: str) -> None:
    """What Step Functions refuses to start: too large, too many, or a mistake of ours."""
    responses = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]["responses"]
    response = integration_response(responses, 400, json.dumps({"__type": error, "message": "secret"}))
    problem = json.loads(response.body)
    assert response.status == problem["status"] == status and problem["code"] == code
    assert b"secret" not in response.body


def test_the_request_template_keeps_the_body_intact(api: dict[str, Any]) -> None:
    """Quotes, line ends, Korean and repeated keys reach the workflow as they were sent."""
    integration = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]
    for media_type in ("application/json", "application/x-www-form-urlencoded"):
        body = '{"a": "주조 \\"압력\\"",\n "a": \'$input\'}'
        rendered = render(integration["requestTemplates"][media_type]["Fn::Sub"], body)
        workflow_input = json.loads(json.loads(rendered.text)["input"])
        assert base64.b64decode(workflow_input["body_base64"]).decode() == body
