"""Check replies against the contract, so that a fast but wrong reply counts as a failure.

The checks are plain code: every reply is checked while times are measured, and a schema validator would take longer
than /predict does. A test compares the names here with api/openapi.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

# Why a reply counts as failed. It contains no values, so that equal reasons can be counted together.
Flaw = str
PREDICTION = ("prediction", "defect_types", "novelty", "limits", "imputed", "history", "latent_features",
              "model_version", "prediction_id")
VERDICT = ("class", "probability", "confidence", "threshold", "advice")
STEPS = ("importance", "knowledge")
CLASSES = ("defect", "normal")
IMPORTANCE = ("importance", "base_value", "probability", "estimated_error", "top_features", "setpoints", "signals",
              "imputed", "unusual", "visualization_url", "degraded", "processing_time_ms")
KNOWLEDGE = ("answer", "sources", "recommendations", "recommendation_sources", "grounded", "generator",
             "degraded", "processing_time_ms")
DIAGNOSIS = ("prediction", "importance", "knowledge", "skipped", "degraded", "timings_ms")
SUM_TOLERANCE = 1e-4  # of base value + contributions = probability, by the contract
REPEAT_TOLERANCE = 1e-6  # of the probability; repeats of a shot differ by far less


def predict_flaw(reply: Any) -> Flaw | None:
    """Return what is wrong with a reply of /predict; None if nothing is."""
    if missing := _missing(reply, PREDICTION):
        return missing
    verdict = reply["prediction"]
    if missing := _missing(verdict, VERDICT, "prediction."):
        return missing
    if verdict["class"] not in CLASSES:
        return "prediction.class is neither defect nor normal"
    if not _is_number(verdict["probability"]) or not 0 <= verdict["probability"] <= 1:
        return "prediction.probability is not within 0 to 1"
    return None


def diagnose_flaw(reply: Any) -> Flaw | None:
    """Return what is wrong with a reply of /diagnose to a request for all steps; None if nothing is.

    A degraded reply has status 200 and is fast because a step failed; under load it has to count as a failure.
    """
    if missing := _missing(reply, DIAGNOSIS):
        return missing
    if flaw := predict_flaw(reply["prediction"]):
        return f"prediction: {flaw}"
    for name in ("degraded", "skipped"):
        if reply[name] != []:
            return _left_out(name, reply[name])
    if missing := _missing(reply["knowledge"], KNOWLEDGE, "knowledge."):
        return missing
    return _importance_flaw(reply["importance"], reply["prediction"]["prediction"]["probability"])


def status_flaw(status: int, error: Exception | None) -> Flaw | None:
    """Return what is wrong with a response apart from its body; None if nothing is.

    That is a status other than 200, or a connection that broke because of `error`, with status 0 or during the body.
    """
    if status not in (0, 200):
        return f"status {status}"
    return f"no answer: {type(error).__name__}" if error or not status else None


class ProbabilityLog:
    """Stores each shot's probability, to notice if under load a caller gets the reply meant for another."""

    def __init__(self) -> None:
        self._first_probabilities: dict[tuple[int, str], float] = {}

    def flaw(self, shot: int, prediction: Mapping[str, Any]) -> Flaw | None:
        """Return what is wrong with a prediction, compared with the first one of the same shot by the same model."""
        probability = prediction["prediction"]["probability"]
        key = (shot, str(prediction["model_version"]))
        if abs(probability - self._first_probabilities.setdefault(key, probability)) <= REPEAT_TOLERANCE:
            return None
        return "another probability than before for the same shot"


def content_flaw(content: bytes | None, check: Callable[[Any], Flaw | None]) -> tuple[Any, Flaw | None]:
    """Parse a body as JSON; return it and what is wrong with it."""
    try:
        reply = json.loads(content or b"")
    except ValueError:
        return None, "the body is not JSON"
    return reply, check(reply)


def _importance_flaw(importance: Any, probability: float) -> Flaw | None:
    if missing := _missing(importance, IMPORTANCE, "importance."):
        return missing
    contributions = importance["importance"]
    if not isinstance(contributions, dict) or not contributions \
            or not all(map(_is_number, (*contributions.values(), importance["base_value"]))):
        return "importance.importance is not an object of contributions"
    total = importance["base_value"] + sum(contributions.values())
    if not _is_number(importance["probability"]) or not abs(total - importance["probability"]) <= SUM_TOLERANCE:
        return "the contributions do not add up to the probability"
    if not abs(importance["probability"] - probability) <= SUM_TOLERANCE:
        return "importance explains another probability than the prediction's"
    return None


def _left_out(name: str, steps: Any) -> Flaw:
    """Which steps a reply lacks by its list `degraded` (of objects) or `skipped` (of names)."""
    text = json.dumps(steps)
    return f"{name}: {', '.join(step for step in STEPS if step in text) or 'not a list of steps'}"


def _missing(part: Any, names: tuple[str, ...], prefix: str = "") -> Flaw | None:
    if not isinstance(part, dict):
        return f"{prefix.rstrip('.') or 'the body'} is not an object"
    absent = [f"{prefix}{name}" for name in names if name not in part]
    return f"{', '.join(absent)} missing" if absent else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
