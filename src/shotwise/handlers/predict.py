"""T1 at the edge: POST /predict, GET /health, /model, /samples; and the workflow's first step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from shotwise import __version__
from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.body import read_body
from shotwise.handlers.lambda_handler import LambdaHandler, emit
from shotwise.handlers.replies import model_reply, prediction_reply, samples_reply
from shotwise.handlers.requests import STEPS, diagnose_request, new_prediction_id, predict_request
from shotwise.prediction import new_run, predict, predict_with_history


def predict_function(bundle: Bundle, origins: Sequence[str] = ()) -> LambdaHandler:
    """The function for a bundle. origins: whose web pages may read its replies."""

    def post_predict(body: dict[str, Any]) -> dict[str, Any]:
        request = predict_request(body, bundle)
        found = (predict(request.shots, bundle) if request.many
                 else [predict_with_history(request.shots[0], request.history, bundle)])
        replies = [prediction_reply(one, bundle, new_prediction_id(), request.language) for one in found]
        return {"predictions": replies, "new_run": new_run(found)} if request.many else replies[0]

    def diagnose(payload: dict[str, Any]) -> dict[str, Any]:
        request = diagnose_request(_diagnose_body(payload["diagnose"]), bundle)
        found = predict_with_history(request.shot, request.history, bundle)
        return {**prediction_reply(found, bundle, new_prediction_id(), request.language),
                "request": {"features": dict(request.features), "question": request.question,
                            "language": request.language,
                            "always": {step: step in request.always for step in STEPS}}}

    function = LambdaHandler("predict", bundle.version, counts=_counts, origins=origins)

    def payload(event: dict[str, Any]) -> dict[str, Any]:
        """The workflow sends {"diagnose": its input} and gets the checked request back, or {"invalid_payload": the problem
        document}; else it is a body of /predict."""
        if set(event) != {"diagnose"}:
            return function.with_metrics(post_predict, event)
        reply = function.with_metrics(diagnose, event)
        if (received := _received(event["diagnose"])) is not None:
            emit("predict", {"TimeToPrediction": max(0.0, time.time() * 1000 - received)}, {})
        return {"request": reply.pop("request"), "prediction": reply}

    health = {"status": "ok", "version": __version__, "model_version": bundle.version}
    function.on_invoke(payload, error_key="diagnose")
    function.post("/predict", post_predict, batch="shots")
    function.get("/health", lambda: function.json(health))
    function.get("/model", lambda: function.json(model_reply(bundle)))
    function.get("/samples", lambda: function.json(samples_reply(bundle)))
    return function


def _diagnose_body(given: Any) -> dict[str, Any]:
    """The input of the workflow: the request itself, or {"body_base64": its text, "received": when}, as API Gateway
    sends it, so that what a JSON parser on the way would hide (a repeated key) still reaches the strict one."""
    if not isinstance(given, dict):
        raise InvalidInput([FieldError("body", "must be a JSON object")])
    if set(given) - {"received"} == {"body_base64"} and isinstance(given["body_base64"], str):
        return read_body(given["body_base64"], base64_encoded=True)
    return given


def _received(given: Mapping[str, Any]) -> float | None:
    """When the API received what the workflow was started with, in ms since 1970. From there to here is nearly all
    that a diagnosis takes that ends with the prediction."""
    received = given.get("received")
    return float(received) if isinstance(received, int) else None


def _counts(reply: Mapping[str, Any]) -> dict[str, float]:
    predictions = reply.get("predictions", [reply])
    return {"Predictions": len(predictions),
            "Defects": sum(item["prediction"]["class"] == "defect" for item in predictions),
            "Inspections": sum(item["prediction"]["advice"] == "inspect" for item in predictions)}
