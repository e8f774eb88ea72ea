"""The local gateway answers as the handlers do, and the workflow's failures become real statuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shotwise.handlers.problem import InvalidPayload
from shotwise_local.gateway import Request, integration_response
from shotwise_local.vtl import render

from .client import ask

Volatile = ("prediction_id", "processing_time_ms", "visualization_url", "timings_ms")


def steady(value: Any) -> Any:
    """A reply without what differs from call to call."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in Volatile}
    return [steady(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("path", "name"), [("/predict", "PredictFunction"), ("/importance", "ImportanceFunction")])
def test_handler_and_gateway_give_the_same(stack: Any, event: Callable[..., Any], features: dict[str, Any], path: str,
                                           name: str) -> None:
    """One body: the handler's plain reply, its reply to an event, and the gateway's have the same numbers."""
    functions, gateway = stack.functions, stack.gateway
    body = {"features": features}
    plain = functions.invoke(name, body)
    proxied = functions.invoke_api(name, event("POST", path, body))
    served = ask(gateway, "POST", path, body)
    assert served.status == proxied["statusCode"] == 200
    assert steady(plain) == steady(json.loads(proxied["body"])) == steady(json.loads(served.body))


@pytest.mark.parametrize("body", [{"features": {}}, {"features": 1}, {"x": 1}])
def test_a_refusal_is_the_same_bytes_everywhere(stack: Any, event: Callable[..., Any], body: dict[str, Any]) -> None:
    """The handler's event reply, the gateway's and the workflow's rejection carry one document."""
    functions, gateway = stack.functions, stack.gateway
    proxied = functions.invoke_api("PredictFunction", event("POST", "/predict", body))["body"]
    with pytest.raises(InvalidPayload) as caught:
        functions.invoke("PredictFunction", body)
    assert ask(gateway, "POST", "/predict", body).body.decode() == proxied == str(caught.value)


def test_predict_and_diagnose_refuse_a_shot_alike(stack: Any, features: dict[str, Any]) -> None:
    """The response template hands T1's own document on, with its status and type."""
    body = {"features": {**features, "Shot": "x", "Spray_Time": None}}
    direct, diagnosed = (ask(stack.gateway, "POST", path, body) for path in ("/predict", "/diagnose"))
    assert diagnosed.status == direct.status == 400
    assert json.loads(diagnosed.body) == json.loads(direct.body)
    assert diagnosed.headers["Content-Type"] == "application/problem+json"


def test_diagnose_gives_what_its_steps_give(stack: Any, features: dict[str, Any]) -> None:
    """Prediction and importance in one call are those of the two routes."""
    whole = json.loads(ask(stack.gateway, "POST", "/diagnose", {"features": features}).body)
    for path, part in (("/predict", "prediction"), ("/importance", "importance")):
        assert steady(whole[part]) == steady(json.loads(ask(stack.gateway, "POST", path, {"features": features}).body))


def test_defective_and_good_take_different_branches(stack: Any, features: dict[str, Any],
                                                    good_features: dict[str, Any]) -> None:
    """A suspect shot runs every step; a good one skips both and says so; the caller can insist."""
    def diagnosed(**body: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(ask(stack.gateway, "POST", "/diagnose", body).body)
        return found

    bad, good = diagnosed(features=features), diagnosed(features=good_features)
    assert bad["skipped"] == [] and bad["importance"] and bad["knowledge"]
    assert good["skipped"] == ["importance", "knowledge"] and good["importance"] is good["knowledge"] is None
    assert diagnosed(features=good_features, always=["importance"])["skipped"] == ["knowledge"]
    assert diagnosed(features=good_features, always=["knowledge"])["skipped"] == ["importance"]
    asked = diagnosed(features=good_features, question="소착이 생겼을 때 대책은?")
    assert asked["skipped"] == ["importance"] and asked["knowledge"]["grounded"]


def test_unknown_paths_and_methods_are_the_gateways_own_refusal(stack: Any) -> None:
    """API Gateway answers 403 to both, in problem+json."""
    for method, path in (("GET", "/nothing"), ("DELETE", "/predict"), ("GET", "/predict/x")):
        reply = ask(stack.gateway, method, path)
        assert reply.status == 403 and json.loads(reply.body)["status"] == 403


@pytest.mark.parametrize("headers", [{"host": "evil.example:8000"}, {"host": "127.0.0.1", "origin": "http://evil.example"},
                                     {"host": "localhost:8000", "origin": "null"}])
def test_web_pages_from_elsewhere_are_refused(stack: Any, headers: dict[str, str]) -> None:
    """A name that was made to lead here, or a page of another site, gets nothing of the plant's."""
    reply = stack.gateway.handle(Request("GET", "/documents/process-manual.pdf", "", headers, b"", "127.0.0.1"))
    assert reply.status == 403
    own = {"host": "localhost:8000", "origin": "http://127.0.0.1:8501"}
    assert stack.gateway.handle(Request("GET", "/documents/process-manual.pdf", "", own, b"", "127.0.0.1")).status == 200


def test_a_handler_that_raises_is_a_500_without_its_reason(stack: Any, monkeypatch: pytest.MonkeyPatch,
                                                           features: dict[str, Any]) -> None:
    """What a handler raised stays in the log."""
    def raising(event: Any, context: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setitem(stack.functions._handlers, "PredictFunction", raising)
    for path in ("/predict", "/diagnose"):
        reply = ask(stack.gateway, "POST", path, {"features": features})
        assert reply.status == 500 and b"secret" not in reply.body
        assert json.loads(reply.body)["title"] == "Internal error"


CAUSE = json.dumps({"title": "Invalid input", "status": 400, "errors": []})


@pytest.mark.parametrize(("result", "status", "said"), [
    ({"status": "SUCCEEDED", "output": '{"prediction": "기포"}'}, 200, '{"prediction": "기포"}'),
    ({"status": "FAILED", "error": "InvalidPayload", "cause": CAUSE}, 400, "Invalid input"),
    ({"status": "FAILED", "error": "RuntimeError", "cause": "secret stack trace"}, 500, "Internal error"),
    ({"status": "FAILED", "error": "Lambda.TooManyRequestsException", "cause": "secret"}, 429, "Too many requests"),
    ({"status": "FAILED", "error": "States.Timeout", "cause": "secret"}, 504, "Timed out"),
    ({"status": "TIMED_OUT"}, 504, "Timed out")])
def test_the_response_template_gives_real_statuses(api: dict[str, Any], result: dict[str, Any], status: int,
                                                   said: str) -> None:
    """StartSyncExecution's 200 becomes the real status, the body fits it, and no inside gets out."""
    responses = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]["responses"]
    reply = integration_response(responses, 200, json.dumps(result))
    text = reply.body.decode()
    assert reply.status == status and said in text and "secret" not in text
    assert isinstance(json.loads(text), dict)
    assert reply.headers["Content-Type"] == ("application/json" if status == 200 else "application/problem+json")


@pytest.mark.parametrize(("kind", "status"), [
    ("com.amazonaws.swf#InvalidExecutionInput", 413), ("ThrottlingException", 429), ("AccessDeniedException", 500)])
def test_a_refused_execution_has_a_real_status(api: dict[str, Any], kind: str, status: int) -> None:
    """What Step Functions refuses before running: too large, too many, or our mistake."""
    responses = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]["responses"]
    reply = integration_response(responses, 400, json.dumps({"__type": kind, "message": "secret"}))
    assert reply.status == json.loads(reply.body)["status"] == status and b"secret" not in reply.body


def test_the_request_template_keeps_the_text_whole(api: dict[str, Any]) -> None:
    """Quotes, line ends, Korean and repeated keys reach the workflow as they came."""
    integration = api["paths"]["/diagnose"]["post"]["x-amazon-apigateway-integration"]
    import base64

    for media_type in ("application/json", "application/x-www-form-urlencoded"):
        body = '{"a": "주조 \\"압력\\"",\n "a": \'$input\'}'
        rendered = render(integration["requestTemplates"][media_type]["Fn::Sub"], body)
        given = json.loads(json.loads(rendered.text)["input"])
        assert base64.b64decode(given["body_base64"]).decode() == body
