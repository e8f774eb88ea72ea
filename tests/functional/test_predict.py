"""The predict handler from event to reply: API Gateway events and the workflow's payload."""

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
def handler(bundle: Bundle) -> LambdaHandler:
    """The predict handler with the shipped bundle."""
    return predict_handler(bundle)


def test_answers_an_api_event(handler: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """A real defective shot is called a defect, and the reply has an id and the model's version."""
    reply = handler(event("POST", "/predict", {"features": features}), None)
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and body["prediction"]["class"] == "defect"
    assert re.fullmatch(r"pred_\d{8}_[0-9A-Za-z]{3,32}", body["prediction_id"])
    assert re.fullmatch(r"v\d+\.\d+_12D_GB", body["model_version"]) and len(body["latent_features"]) == 12


def test_a_direct_invocation_gives_the_same_numbers(handler: LambdaHandler, event: Event,
                                                    features: dict[str, Any]) -> None:
    """Only the id and the time differ between the two ways in."""
    invoked = handler({"features": features}, None)
    body = json.loads(handler(event("POST", "/predict", {"features": features}), None)["body"])
    for reply in (invoked, body):
        del reply["prediction_id"], reply["processing_time_ms"]
    assert invoked == body


def test_invalid_input_is_not_counted_as_a_failure(handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    """The workflow's invalid input is returned and counted: raised, it would be an error of the function."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "shotwise-prod")
    assert list(handler({"diagnose": {"features": {}}}, None)) == ["invalid_payload"]
    (record,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert record["Rejected"] == [1.0] and directive["Dimensions"] == [["service"]]
    assert directive["Namespace"] == "shotwise-prod"


def test_the_time_from_the_api_to_the_prediction_is_measured(handler: LambdaHandler, features: dict[str, Any],
                                                             monkeypatch: pytest.MonkeyPatch,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    """If the workflow says when the API received the request; a clock that is behind gives 0."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    text = base64.b64encode(json.dumps({"features": features}).encode()).decode()
    now = int(time.time() * 1000)
    for extra in ({"received": now - 500}, {"received": now + 60_000}, {}):
        reply = handler({"diagnose": {"body_base64": text, **extra}}, None)
        assert reply["prediction"]["prediction"]["class"] == "defect"
    times = [json.loads(line)["TimeToPrediction"][0] for line in capsys.readouterr().out.splitlines()
             if "TimeToPrediction" in line]
    assert len(times) == 2 and 500 <= times[0] < 60_000 and times[1] == 0


def test_the_workflow_gets_the_checked_request_back(handler: LambdaHandler, features: dict[str, Any]) -> None:
    """The later steps need the features, the steps that are always wanted, the question and the language."""
    reply = handler({"diagnose": {"features": features, "always": ["knowledge"], "question": "Why?"}}, None)
    assert reply["request"] == {"features": features, "question": "Why?", "language": "en",
                                "always": {"importance": False, "knowledge": True}}
    assert reply["prediction"]["prediction"]["class"] == "defect" and reply["prediction"]["processing_time_ms"] > 0


@pytest.mark.parametrize("body", [
    {}, {"features": {}}, {"features": 5}, {"features": None}, {"features": {}, "extra": 1}, {"shots": []},
    {"shots": [5]}, {"shots": [{}]}, {"shots": [{"features": {}}]}, {"shots": "x"}, {"features": {}, "language": "fr"}])
def test_invalid_input_is_a_problem(handler: LambdaHandler, event: Event, body: dict[str, Any]) -> None:
    """It is a 400 in problem+json that lists at least one field, and a direct invocation raises InvalidPayload."""
    reply = handler(event("POST", "/predict", body), None)
    problem = json.loads(reply["body"])
    assert reply["statusCode"] == problem["status"] == 400 and problem["errors"]
    assert problem["code"] == "invalid_input"
    assert reply["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    with pytest.raises(InvalidPayload) as caught:
        handler(body, None)
    assert json.loads(str(caught.value)) == problem


def test_top_level_and_feature_errors_come_together(handler: LambdaHandler, features: dict[str, Any]) -> None:
    """One problem lists all that is wrong with a diagnosis, in every part of the request."""
    bad = {"features": {**features, "Shot": "x"}, "always": ["everything"], "question": 5, "language": 1, "more": 0}
    problem = json.loads(handler({"diagnose": bad}, None)["invalid_payload"])
    assert {error["field"]: error["code"] for error in problem["errors"]} == {
        "features.Shot": "not_a_number", "always": "not_a_list_of", "question": "question_not_text",
        "language": "unknown_language", "more": "not_part_of_request"}


@pytest.mark.parametrize("payload", [None, 1, [], "x", {"httpMethod": "x"}, {"diagnose": 1}, {"diagnose": None},
                                     {"diagnose": {"body_base64": "é"}}, {"diagnose": {"body_base64": "e30"}},
                                     {"diagnose": {}, "features": {}}, {"features": {"\ud800": 1}}])
def test_any_other_payload_is_a_problem(handler: LambdaHandler, payload: Any) -> None:
    """Whatever a workflow may send by mistake ends in a problem, never in an internal error."""
    if isinstance(payload, dict) and set(payload) == {"diagnose"}:
        problem = handler(payload, None)["invalid_payload"]
    else:
        with pytest.raises(InvalidPayload) as caught:
            handler(payload, None)
        problem = str(caught.value)
    assert json.loads(problem.encode())["status"] == 400


def test_a_thousand_shots_pass_the_api(handler: LambdaHandler, event: Event, features: dict[str, Any]) -> None:
    """They are far over the size of a single shot's body, and still one request."""
    reply = handler(event("POST", "/predict", {"shots": [{"features": features}] * 1000}), None)
    assert reply["statusCode"] == 200 and len(json.loads(reply["body"])["predictions"]) == 1000


def test_many_shots_keep_their_order(handler: LambdaHandler, features: dict[str, Any],
                                     good_features: dict[str, Any]) -> None:
    """Up to 1,000 shots in one call; one more is refused; an invalid one is listed by its number."""
    predictions = handler({"shots": [{"features": features}, {"features": good_features}]}, None)["predictions"]
    assert [prediction["prediction"]["class"] for prediction in predictions] == ["defect", "normal"]
    assert len(handler({"shots": [{"features": features}] * 1000}, None)["predictions"]) == 1000
    with pytest.raises(InvalidPayload, match='"not_a_list_of_shots","params":{"max":1000}'):
        handler({"shots": [{"features": features}] * 1001}, None)
    with pytest.raises(InvalidPayload, match=r"shots\[1\]\.features\.Shot"):
        handler({"shots": [{"features": features}, {"features": {**features, "Shot": None}}]}, None)


def test_an_excluded_column_is_ignored_and_listed(excluding: Bundle, event: Event, features: dict[str, Any]) -> None:
    """Sending it changes no number; GET /model lists it with the reason why it is not used."""
    handler = predict_handler(excluding)
    sent, left_out = (handler({"features": values}, None) for values in ({**features, "Ladle": "B"}, features))
    assert sent["prediction"] == left_out["prediction"] and sent["limits"] == left_out["limits"]
    model = json.loads(handler(event("GET", "/model"), None)["body"])
    assert model["excluded"][-1] == {"name": "Ladle", "label": {"ko": "국자", "en": "Ladle"},
                                     "reason": "the same in every shot"}
    with pytest.raises(InvalidPayload, match=r"features\.Ladle"):
        handler({"features": {**features, "Ladle": [1]}}, None)


def test_a_batch_says_whether_it_is_a_new_run(bundle: Bundle, good_features: dict[str, Any]) -> None:
    """With a limit that every distance exceeds, ten shots are a new run, nine are not, and one never is."""
    handler = predict_handler(replace(bundle, thresholds=replace(bundle.thresholds, distance=1e-12)))
    ten, nine = (handler({"shots": [{"features": good_features}] * count}, None) for count in (10, 9))
    assert ten["new_run"] is True and nine["new_run"] is False
    assert {prediction["novelty"]["kind"] for prediction in ten["predictions"]} == {"conditions"}
    assert "new_run" not in handler({"features": good_features}, None)


def test_too_few_examples_are_a_null_probability(bundle: Bundle, features: dict[str, Any]) -> None:
    """The type has a null probability and its number of examples, and comes after those with a probability."""
    first, *others = bundle.defect_types
    few = replace(bundle, defect_types=(replace(first, modelled=False),
                                        *(replace(kind, modelled=True) for kind in others)))
    types = predict_handler(few)({"features": features}, None)["defect_types"]
    assert [kind["type"] for kind in types if kind["probability"] is None] == [types[-1]["type"]] == [first.name]
    assert types[-1]["examples"] == first.examples


@pytest.mark.parametrize("language", ["ko", "en"])
def test_labels_follow_the_language(handler: LambdaHandler, features: dict[str, Any], language: str) -> None:
    """Defect types are labelled in the language of the request, which is Korean by default."""
    types = handler({"features": features, "language": language}, None)["defect_types"]
    labels = {kind["type"]: kind["label"] for kind in types}
    assert labels["Bubble"] == {"ko": "기포", "en": "Bubble"}[language]


@pytest.mark.parametrize("path", ["/health", "/model", "/samples"])
def test_every_get_answers(handler: LambdaHandler, event: Event, path: str) -> None:
    """Health, model and samples answer."""
    assert handler(event("GET", path), None)["statusCode"] == 200


def test_the_model_says_what_a_form_needs(handler: LambdaHandler, event: Event) -> None:
    """Labels in both languages, units, ranges, categories and constants all come from the bundle."""
    model = json.loads(handler(event("GET", "/model"), None)["body"])
    assert model["features"]
    for feature in model["features"]:
        assert set(feature["label"]) == {"ko", "en"} and feature["group"] in ("process", "sensor")


def test_an_unknown_path_is_a_problem(handler: LambdaHandler, event: Event) -> None:
    """It has our form, not Powertools' own."""
    reply = handler(event("GET", "/nothing"), None)
    assert reply["statusCode"] == 404 and json.loads(reply["body"])["status"] == 404


def test_metrics_carry_the_model_version(handler: LambdaHandler, features: dict[str, Any], capsys: Any,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """One EMF record a call, with the counts that the dashboard needs."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    handler({"features": features}, None)
    record = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (record["Predictions"], record["Defects"]) == ([1.0], [1.0])
    assert record["model_version"] == handler({"features": features}, None)["model_version"]


def test_history_joins_the_prediction(bundle: Bundle, features: dict[str, Any], good_features: dict[str, Any]) -> None:
    """Known outcomes move the probability and are counted, in /predict and in /diagnose, but not in a batch.

    /diagnose passes on the features alone, which is what importance explains. An invalid history is listed by field.
    """
    handler = predict_handler(bundle)
    history = [{"features": {**features, "Shot": number}, "outcome": "defect"} for number in range(30)]
    alone, joined = (handler({"features": good_features, **more}, None) for more in ({}, {"history": history}))
    assert alone["history"] is None
    assert joined["history"] == {"results": 30, "used": True, "probability_alone": alone["prediction"]["probability"]}
    assert joined["prediction"]["probability"] > alone["prediction"]["probability"]
    assert handler({"features": good_features, "history": []}, None)["prediction"] == alone["prediction"]
    diagnosed = handler({"diagnose": {"features": good_features, "history": history}}, None)
    assert diagnosed["prediction"]["prediction"] == joined["prediction"]
    assert diagnosed["request"]["features"] == good_features
    with pytest.raises(InvalidPayload, match=r"history\[0\]\.outcome"):
        handler({"features": features, "history": [{"features": features, "outcome": "bad"}]}, None)
    with pytest.raises(InvalidPayload) as caught:
        handler({"features": {**features, "Shot": "x"}, "history": "x", "oops": 1}, None)
    fields = {error["field"] for error in json.loads(str(caught.value))["errors"]}
    assert fields == {"features.Shot", "history", "oops"}
    with pytest.raises(InvalidPayload, match="history"):
        handler({"shots": [{"features": features}], "history": history}, None)
