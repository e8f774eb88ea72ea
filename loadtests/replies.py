"""Is an answer what the contract promises? An answer that is fast but wrong counts as a failure.

Plain checks instead of a schema validator: they run beside the clock for every answer, and a validator would take more
time than /predict does. A test holds the names here against api/openapi.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

# Every reason a reply is refused for, without values: reasons are counted, so there must be few.
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
ADDS_UP = 1e-4  # the contract's tolerance of base value + contributions = probability
SAME = 1e-6  # the graph computes in float32; the same shot, same model, comes out the same far below that


def predict_flaw(reply: Any) -> Flaw | None:
    """What is wrong with a reply of /predict; None when nothing is."""
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
    """What is wrong with a reply of /diagnose to a request for all steps; None when nothing is. A degraded reply is a
    200, yet a step failed, and without that step it was fast: under load that has to show."""
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
    """What is wrong before the body is looked at: another status than 200, or, with status 0 or in mid-body, no whole
    answer because of `error`."""
    if status not in (0, 200):
        return f"status {status}"
    return f"no answer: {type(error).__name__}" if error or not status else None


class Repeats:
    """Remembers each shot's probability: under load, one caller's answer must not reach another."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], float] = {}

    def flaw(self, shot: int, prediction: Mapping[str, Any]) -> Flaw | None:
        """What is wrong with this prediction beside earlier ones of the same shot by the same model."""
        probability = prediction["prediction"]["probability"]
        first = self._seen.setdefault((shot, str(prediction["model_version"])), probability)
        return None if abs(probability - first) <= SAME else "another probability than before for the same shot"


def content_flaw(content: bytes | None, check: Callable[[Any], Flaw | None]) -> tuple[Any, Flaw | None]:
    """The parsed body and what is wrong with it."""
    try:
        reply = json.loads(content or b"")
    except ValueError:
        return None, "the body is not JSON"
    return reply, check(reply)


def _importance_flaw(found: Any, probability: float) -> Flaw | None:
    if missing := _missing(found, IMPORTANCE, "importance."):
        return missing
    parts = found["importance"]
    if not isinstance(parts, dict) or not parts or not all(map(_is_number, (*parts.values(), found["base_value"]))):
        return "importance.importance holds something else than contributions"
    total = found["base_value"] + sum(parts.values())
    if not _is_number(found["probability"]) or not abs(total - found["probability"]) <= ADDS_UP:
        return "the contributions do not add up to the probability"
    if not abs(found["probability"] - probability) <= ADDS_UP:
        return "importance explains another probability than the prediction's"
    return None


def _left_out(name: str, steps: Any) -> Flaw:
    """Says which of the two steps a reply lacks; degraded holds objects, skipped holds names."""
    text = json.dumps(steps)
    return f"{name}: {', '.join(step for step in STEPS if step in text) or 'not a list of steps'}"


def _missing(found: Any, names: tuple[str, ...], prefix: str = "") -> Flaw | None:
    if not isinstance(found, dict):
        return f"{prefix.rstrip('.') or 'the body'} is not an object"
    absent = [f"{prefix}{name}" for name in names if name not in found]
    return f"{', '.join(absent)} missing" if absent else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
