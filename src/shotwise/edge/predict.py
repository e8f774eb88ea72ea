"""T1 at the edge: POST /predict, GET /health, /model, /samples; and the workflow's first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shotwise import __version__
from shotwise.bundle import Bundle
from shotwise.edge.body import read_body
from shotwise.edge.function import Function
from shotwise.edge.replies import model_reply, prediction_reply, samples_reply
from shotwise.edge.requests import STEPS, diagnose_request, new_prediction_id, predict_request
from shotwise.errors import FieldError, InvalidInput
from shotwise.prediction import new_run, predict, predict_with_history


def predict_function(bundle: Bundle) -> Function:
    """The function for a bundle."""

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

    function = Function("predict", bundle.version, counts=_counts)

    def payload(event: dict[str, Any]) -> dict[str, Any]:
        """The workflow sends {"diagnose": its input} and gets the checked request back; else a body of /predict."""
        if set(event) != {"diagnose"}:
            return function.measured(post_predict, event)
        reply = function.measured(diagnose, event)
        return {"request": reply.pop("request"), "prediction": reply}

    health = {"status": "ok", "version": __version__, "model_version": bundle.version}
    function.payload(payload)
    function.post("/predict", post_predict, batch="shots")
    function.get("/health", lambda: function.json(health))
    function.get("/model", lambda: function.json(model_reply(bundle)))
    function.get("/samples", lambda: function.json(samples_reply(bundle)))
    return function


def _diagnose_body(given: Any) -> dict[str, Any]:
    """The input of the workflow: the request itself, or {"body_base64": its text}, as API Gateway sends it, so that
    what a JSON parser on the way would hide (a repeated key) still reaches the strict one."""
    if not isinstance(given, dict):
        raise InvalidInput([FieldError("body", "must be a JSON object")])
    if set(given) == {"body_base64"} and isinstance(given["body_base64"], str):
        return read_body(given["body_base64"], base64_encoded=True)
    return given


def _counts(reply: Mapping[str, Any]) -> dict[str, float]:
    predictions = reply.get("predictions", [reply])
    return {"Predictions": len(predictions),
            "Defects": sum(item["prediction"]["class"] == "defect" for item in predictions),
            "Inspections": sum(item["prediction"]["advice"] == "inspect" for item in predictions)}
