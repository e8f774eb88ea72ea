"""Predict defects: POST /predict, GET /health, /model and /samples, and the first step of the workflow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from shotwise import __version__
from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.body import read_body
from shotwise.handlers.lambda_handler import LambdaHandler, emit_metrics
from shotwise.handlers.replies import model_reply, prediction_reply, samples_reply
from shotwise.handlers.requests import STEPS, diagnose_request, new_prediction_id, predict_request
from shotwise.prediction import is_new_run, predict, predict_with_history

SERVICE = "predict"


def predict_handler(bundle: Bundle, origins: Sequence[str] = ()) -> LambdaHandler:
    """Return the handler that predicts with a bundle; web pages of `origins` may read its responses."""
    handler = LambdaHandler(SERVICE, bundle.version, count_metrics=_count_metrics, origins=origins)

    def post_predict(body: dict[str, Any]) -> dict[str, Any]:
        request = predict_request(body, bundle)
        predictions = (predict(request.shots, bundle) if request.is_batch
                       else [predict_with_history(request.shots[0], request.history, bundle)])
        replies = [prediction_reply(prediction, bundle, new_prediction_id(), request.language)
                   for prediction in predictions]
        return {"predictions": replies, "new_run": is_new_run(predictions)} if request.is_batch else replies[0]

    def diagnose(payload: dict[str, Any]) -> dict[str, Any]:
        request = diagnose_request(_diagnose_body(payload["diagnose"]), bundle)
        prediction = predict_with_history(request.shot, request.history, bundle)
        return {**prediction_reply(prediction, bundle, new_prediction_id(), request.language),
                "request": {"features": dict(request.features), "question": request.question,
                            "language": request.language,
                            "always": {step: step in request.always for step in STEPS}}}

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        """Run the first step of the workflow, or treat the event as a body of /predict.

        The workflow sends {"diagnose": its input}. It receives the prediction with the checked request, or
        {"invalid_payload": the problem}.
        """
        if set(event) != {"diagnose"}:
            return handler.with_metrics(post_predict, event)
        reply = handler.with_metrics(diagnose, event)
        if (received := _received(event["diagnose"])) is not None:
            emit_metrics(SERVICE, {"TimeToPrediction": max(0.0, time.time() * 1000 - received)}, {})
        return {"request": reply.pop("request"), "prediction": reply}

    health = {"status": "ok", "version": __version__, "model_version": bundle.version}
    handler.on_invoke(invoke, error_key="diagnose")
    handler.post("/predict", post_predict, batch_key="shots")
    handler.get("/health", lambda: handler.json(health))
    handler.get("/model", lambda: handler.json(model_reply(bundle)))
    handler.get("/samples", lambda: handler.json(samples_reply(bundle)))
    return handler


def _diagnose_body(workflow_input: Any) -> dict[str, Any]:
    """Return the request in the workflow's input.

    API Gateway sends {"body_base64": the text of the request, "received": its time}, because a JSON parser in between
    would hide from the strict reader what it has to refuse, such as a repeated key. Any other input is the request.
    """
    if not isinstance(workflow_input, dict):
        raise InvalidInput([FieldError("body", "not_an_object")])
    text = workflow_input.get("body_base64")
    if set(workflow_input) - {"received"} == {"body_base64"} and isinstance(text, str):
        return read_body(text, base64_encoded=True)
    return workflow_input


def _received(workflow_input: Mapping[str, Any]) -> float | None:
    """Return when the API received the request that started the workflow, in ms since 1970; None if not given.

    The time since then is nearly the duration of a diagnosis that ends with the prediction.
    """
    received = workflow_input.get("received")
    return float(received) if isinstance(received, int) else None


def _count_metrics(reply: Mapping[str, Any]) -> dict[str, float]:
    predictions = [entry["prediction"] for entry in reply.get("predictions", [reply])]
    return {"Predictions": len(predictions),
            "Defects": sum(prediction["class"] == "defect" for prediction in predictions),
            "Inspections": sum(prediction["advice"] == "inspect" for prediction in predictions)}
