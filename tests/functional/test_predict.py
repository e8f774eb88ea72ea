"""T1 from event to reply: API Gateway events and the workflow's payload."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shotwise.bundle import Bundle
from shotwise.handlers.lambda_handler import LambdaHandler
from shotwise.handlers.predict import predict_handler
from shotwise.handlers.problem import InvalidPayload

Event = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def function(bundle: Bundle) -> LambdaHandler:
    """T1 with the shipped bundle."""
    return predict_handler(bundle)


def test_answers_an_api_event(function: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """A real defective shot is called a defect, and the reply has its id and version."""
    reply = function(event("POST", "/predict", {"features": features}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and body["prediction"]["class"] == "defect"
    assert re.fullmatch(r"pred_\d{8}_[0-9A-Za-z]{3,32}", body["prediction_id"])
    assert re.fullmatch(r"v\d+\.\d+_12D_GB", body["model_version"]) and len(body["latent_features"]) == 12


def test_a_plain_payload_gives_the_same_numbers(function: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """Only the id and the time differ between the two ways in."""
    plain = function({"features": features}, None)
    body = json.loads(function(event("POST", "/predict", {"features": features}), None)["body"])
    for reply in (plain, body):
        del reply["prediction_id"], reply["processing_time_ms"]
    assert plain == body


def test_a_rejection_is_told_apart_from_a_failure(function: LambdaHandler, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    """The workflow's bad input is answered, and counted: raised, it would be an error of the function."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "shotwise-prod")
    assert list(function({"diagnose": {"features": {}}}, None)) == ["invalid_payload"]
    (record,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert record["Rejected"] == [1.0] and directive["Dimensions"] == [["service"]]
    assert directive["Namespace"] == "shotwise-prod"


def test_the_time_from_the_api_to_the_prediction_is_measured(function: LambdaHandler, features: dict[str, Any],
                                                             monkeypatch: pytest.MonkeyPatch,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    """Where the workflow says when the API received the request; a clock that is behind makes it no less than 0."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    text = base64.b64encode(json.dumps({"features": features}).encode()).decode()
    now = int(time.time() * 1000)
    for given in ({"received": now - 500}, {"received": now + 60_000}, {}):
        found = function({"diagnose": {"body_base64": text, **given}}, None)
        assert found["prediction"]["prediction"]["class"] == "defect"
    times = [json.loads(line)["TimeToPrediction"][0] for line in capsys.readouterr().out.splitlines()
             if "TimeToPrediction" in line]
    assert len(times) == 2 and 500 <= times[0] < 60_000 and times[1] == 0


def test_the_workflow_gets_the_checked_request_back(function: LambdaHandler, features: dict[str, Any]) -> None:
    """The later steps need the features, what the caller always wants, the question and the language."""
    found = function({"diagnose": {"features": features, "always": ["knowledge"], "question": "Why?"}}, None)
    assert found["request"] == {"features": features, "question": "Why?", "language": "en",
                                "always": {"importance": False, "knowledge": True}}
    assert found["prediction"]["prediction"]["class"] == "defect" and found["prediction"]["processing_time_ms"] > 0


@pytest.mark.parametrize("body", [
    {}, {"features": {}}, {"features": 5}, {"features": None}, {"features": {}, "extra": 1}, {"shots": []},
    {"shots": [5]}, {"shots": [{}]}, {"shots": [{"features": {}}]}, {"shots": "x"}, {"features": {}, "language": "fr"}])
def test_bad_input_is_a_problem_document(function: LambdaHandler, event: Event, body: dict[str, Any]) -> None:
    """Every refusal is a 400 in problem+json that names at least one field, and raises as InvalidPayload for the workflow."""
    reply = function(event("POST", "/predict", body), None)
    document = json.loads(reply["body"])
    assert reply["statusCode"] == document["status"] == 400 and document["errors"]
    assert reply["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    with pytest.raises(InvalidPayload) as caught:
        function(body, None)
    assert json.loads(str(caught.value)) == document


def test_top_level_and_feature_errors_come_together(function: LambdaHandler, features: dict[str, Any]) -> None:
    """One answer for all that is wrong with a diagnosis, wherever it stands."""
    bad = {"features": {**features, "Shot": "x"}, "always": ["everything"], "question": 5, "language": 1, "more": 0}
    document = json.loads(function({"diagnose": bad}, None)["invalid_payload"])
    fields = {error["field"] for error in document["errors"]}
    assert fields == {"features.Shot", "always", "question", "language", "more"}


@pytest.mark.parametrize("payload", [None, 1, [], "x", {"httpMethod": "x"}, {"diagnose": 1}, {"diagnose": None},
                                     {"diagnose": {"body_base64": "é"}}, {"diagnose": {"body_base64": "e30"}},
                                     {"diagnose": {}, "features": {}}, {"features": {"\ud800": 1}}])
def test_any_other_payload_is_rejected(function: LambdaHandler, payload: Any) -> None:
    """Whatever a workflow may send by mistake ends in a problem document, never in an engineer's error."""
    if isinstance(payload, dict) and set(payload) == {"diagnose"}:
        document = function(payload, None)["invalid_payload"]
    else:
        with pytest.raises(InvalidPayload) as caught:
            function(payload, None)
        document = str(caught.value)
    assert json.loads(document.encode())["status"] == 400


def test_a_thousand_shots_pass_the_api(function: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """They are far over the size of a single shot's body, and still one request."""
    reply = function(event("POST", "/predict", {"shots": [{"features": features}] * 1000}), None)
    assert reply["statusCode"] == 200 and len(json.loads(reply["body"])["predictions"]) == 1000


def test_many_shots_keep_their_order(function: LambdaHandler, features: dict[str, Any],
                                     good_features: dict[str, Any]) -> None:
    """Up to 1,000 shots in one call; one more is refused; a bad one is named by its place."""
    found = function({"shots": [{"features": features}, {"features": good_features}]}, None)["predictions"]
    assert [item["prediction"]["class"] for item in found] == ["defect", "normal"]
    assert len(function({"shots": [{"features": features}] * 1000}, None)["predictions"]) == 1000
    with pytest.raises(InvalidPayload, match="1 to 1000"):
        function({"shots": [{"features": features}] * 1001}, None)
    with pytest.raises(InvalidPayload, match=r"shots\[1\]\.features\.Shot"):
        function({"shots": [{"features": features}, {"features": {**features, "Shot": None}}]}, None)


def test_an_excluded_column_is_ignored_and_listed(excluding: Bundle, event: Event, features: dict[str, Any]) -> None:
    """Sending it changes no number; GET /model says that it is not used, and why."""
    function = predict_handler(excluding)
    sent, left_out = (function({"features": given}, None) for given in ({**features, "Ladle": "B"}, features))
    assert sent["prediction"] == left_out["prediction"] and sent["limits"] == left_out["limits"]
    model = json.loads(function(event("GET", "/model"), None)["body"])
    assert model["excluded"][-1] == {"name": "Ladle", "label": {"ko": "국자", "en": "Ladle"},
                                     "reason": "the same in every shot"}
    with pytest.raises(InvalidPayload, match=r"features\.Ladle"):
        function({"features": {**features, "Ladle": [1]}}, None)


def test_a_batch_says_whether_it_is_a_new_run(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """With a limit that every shot's distance is over, ten shots are one; nine are not, one shot is not asked."""
    function = predict_handler(replace(bundle, thresholds=replace(bundle.thresholds, distance=1e-12)))
    ten, nine = (function({"shots": [{"features": good_features}] * count}, None) for count in (10, 9))
    assert ten["new_run"] is True and nine["new_run"] is False
    assert {item["novelty"]["kind"] for item in ten["predictions"]} == {"conditions"}
    assert "new_run" not in function({"features": good_features}, None)


def test_too_few_examples_are_a_null_probability(bundle: Bundle, features: dict[str, Any]) -> None:
    """The reply says null and how many examples there were, after all that have a probability."""
    first, *others = bundle.defect_types
    few = replace(bundle, defect_types=(replace(first, modelled=False),
                                        *(replace(kind, modelled=True) for kind in others)))
    found = predict_handler(few)({"features": features}, None)["defect_types"]
    assert [kind["type"] for kind in found if kind["probability"] is None] == [found[-1]["type"]] == [first.name]
    assert found[-1]["examples"] == first.examples


@pytest.mark.parametrize("language", ["ko", "en"])
def test_labels_follow_the_language(function: LambdaHandler, features: dict[str, Any], language: str) -> None:
    """Defect types are labelled in the language asked for, Korean without any."""
    found = function({"features": features, "language": language}, None)["defect_types"]
    labels = {kind["type"]: kind["label"] for kind in found}
    assert labels["Bubble"] == {"ko": "기포", "en": "Bubble"}[language]


@pytest.mark.parametrize("path", ["/health", "/model", "/samples"])
def test_what_can_be_read(function: LambdaHandler, event: Event, path: str) -> None:
    """Health, model and samples answer."""
    assert function(event("GET", path), None)["statusCode"] == 200


def test_the_model_says_what_a_form_needs(function: LambdaHandler, event: Event) -> None:
    """Labels in both languages, units, ranges, categories, constants: all from the bundle."""
    model = json.loads(function(event("GET", "/model"), None)["body"])
    assert len(model["features"]) + len(model["excluded"]) == 30
    for feature in model["features"]:
        assert set(feature["label"]) == {"ko", "en"} and feature["group"] in ("process", "sensor")


def test_an_unknown_path_is_a_problem_document(function: LambdaHandler, event: Event) -> None:
    """Also what Powertools would answer in its own form."""
    reply = function(event("GET", "/nothing"), None)
    assert reply["statusCode"] == 404 and json.loads(reply["body"])["status"] == 404


def test_metrics_carry_the_model_version(function: LambdaHandler, features: dict[str, Any], capsys: Any,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """One EMF record a call, with the counts that the dashboard needs."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    function({"features": features}, None)
    record = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (record["Predictions"], record["Defects"]) == ([1.0], [1.0])
    assert record["model_version"] == function({"features": features}, None)["model_version"]


def test_history_joins_the_prediction(bundle: Bundle, features: dict[str, Any], good_features: dict[str, Any]) -> None:
    """Known results move the probability and are counted; /diagnose takes them too and passes on what T2 explains;
    a batch does not, and a bad one is named."""
    function = predict_handler(bundle)
    history = [{"features": {**features, "Shot": number}, "outcome": "defect"} for number in range(30)]
    alone, joined = (function({"features": good_features, **more}, None) for more in ({}, {"history": history}))
    assert alone["history"] is None
    assert joined["history"] == {"results": 30, "used": True, "probability_alone": alone["prediction"]["probability"]}
    assert joined["prediction"]["probability"] > alone["prediction"]["probability"]
    assert function({"features": good_features, "history": []}, None)["prediction"] == alone["prediction"]
    diagnosed = function({"diagnose": {"features": good_features, "history": history}}, None)
    assert diagnosed["prediction"]["prediction"] == joined["prediction"]
    assert diagnosed["request"]["features"] == good_features
    with pytest.raises(InvalidPayload, match=r"history\[0\]\.outcome"):
        function({"features": features, "history": [{"features": features, "outcome": "bad"}]}, None)
    with pytest.raises(InvalidPayload) as caught:
        function({"features": {**features, "Shot": "x"}, "history": "x", "oops": 1}, None)
    fields = {error["field"] for error in json.loads(str(caught.value))["errors"]}
    assert fields == {"features.Shot", "history", "oops"}
    with pytest.raises(InvalidPayload, match="history"):
        function({"shots": [{"features": features}], "history": history}, None)
