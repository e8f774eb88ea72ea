"""What each request may say. Every bad field of a request is named in one InvalidInput."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.history import History, history_of, read_history
from shotwise.knowledge.text.question import language_of
from shotwise.shot import Shot, read_shot

MAX_SHOTS = 1000
MAX_QUESTION = 2000
PREDICTION_ID = re.compile(r"pred_[0-9]{8}_[0-9A-Za-z]{3,32}")
LANGUAGES = ("ko", "en")
STEPS = ("importance", "knowledge")
INCLUDES = ("chart", "setpoints", "signals")

Check = Callable[[Any], str]


@dataclass(frozen=True)
class PredictRequest:
    """One shot, or many; `many` says which the caller sent. history: of the one shot."""

    shots: tuple[Shot, ...]
    many: bool
    history: History | None
    language: str


@dataclass(frozen=True)
class ImportanceRequest:
    """A shot to explain. prediction_id names the chart and nothing else. include: some of INCLUDES."""

    shot: Shot
    prediction_id: str
    include: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class KnowledgeRequest:
    """A question of the caller's own, or None and a context to word one from."""

    query: str | None
    context: Mapping[str, Any]
    language: str | None


@dataclass(frozen=True)
class DiagnoseRequest:
    """A shot, and which steps the caller wants in any case."""

    shot: Shot
    features: Mapping[str, Any]
    history: History | None
    always: tuple[str, ...]
    question: str | None
    language: str


def new_prediction_id() -> str:
    """`pred_`, the UTC date, and 12 random characters."""
    return f"pred_{datetime.now(UTC):%Y%m%d}_{uuid.uuid4().hex[:12]}"


def predict_request(body: Mapping[str, Any], bundle: Bundle) -> PredictRequest:
    """`{features, history?, language?}` or `{shots: [{features}, …], language?}` with up to MAX_SHOTS."""
    many = "shots" in body
    errors = _unknown(body, {"language", *({"shots"} if many else {"features", "history"})})
    errors += _checked(body, {"language": _language})
    language = body.get("language") or "ko"
    if not many:
        shot, history = _shot_and_history(body, bundle, errors)
        return PredictRequest((shot,), many, history, language)
    given = body["shots"]
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_SHOTS:
        raise InvalidInput([*errors, FieldError("shots", f"must be a list of 1 to {MAX_SHOTS} objects with features")])
    shots = [_batch_shot(item, f"shots[{number}]", bundle, errors) for number, item in enumerate(given)]
    if errors:
        raise InvalidInput(errors)
    return PredictRequest(tuple(shot for shot in shots if shot), many, None, language)


def importance_request(body: Mapping[str, Any], bundle: Bundle) -> ImportanceRequest:
    """`{features, prediction_id?, include?, language?}`; all of INCLUDES unless some are named."""
    errors = _unknown(body, {"features", "prediction_id", "include", "language"})
    errors += _checked(body, {"prediction_id": _prediction_id, "include": _some_of(INCLUDES), "language": _language})
    shot = _shot(body, bundle, errors)
    include = INCLUDES if body.get("include") is None else body["include"]
    return ImportanceRequest(shot, body.get("prediction_id") or new_prediction_id(), tuple(include),
                             body.get("language") or "ko")


def knowledge_request(body: Mapping[str, Any]) -> KnowledgeRequest:
    """`{query, context?, language?}`; the workflow may leave the query out and send a context alone."""
    errors = _unknown(body, {"query", "context", "language"})
    errors += _checked(body, {"query": _question, "context": _context, "language": _language})
    if body.get("query") is None and body.get("context") is None and not errors:
        errors.append(FieldError("query", "is absent; ask a question"))
    if errors:
        raise InvalidInput(errors)
    return KnowledgeRequest(body.get("query"), body.get("context") or {}, body.get("language"))


def diagnose_request(body: Mapping[str, Any], bundle: Bundle) -> DiagnoseRequest:
    """`{features, history?, always?, question?, language?}`."""
    errors = _unknown(body, {"features", "history", "always", "question", "language"})
    errors += _checked(body, {"always": _some_of(STEPS), "question": _question, "language": _language})
    shot, history = _shot_and_history(body, bundle, errors)
    question = body.get("question")
    language = body.get("language") or (language_of(question) if question else "ko")
    return DiagnoseRequest(shot, body["features"], history, tuple(body.get("always") or ()), question, language)


def _unknown(body: Mapping[str, Any], allowed: set[str]) -> list[FieldError]:
    return [FieldError(name, f"is not part of this request; it takes {', '.join(sorted(allowed))}")
            for name in body if name not in allowed]


def _shot(body: Mapping[str, Any], bundle: Bundle, errors: list[FieldError]) -> Shot:
    """The shot of `body`; raises with `errors` and the shot's own together."""
    if "features" not in body:
        raise InvalidInput([*errors, FieldError("features", "is absent; send the shot's values")])
    try:
        shot = read_shot(body["features"], bundle)
    except InvalidInput as error:
        raise InvalidInput([*errors, *error.errors]) from None
    if errors:
        raise InvalidInput(errors)
    return shot


def _shot_and_history(body: Mapping[str, Any], bundle: Bundle,
                      errors: list[FieldError]) -> tuple[Shot, History | None]:
    """The shot, and its history where `body` has one; raises with `errors` and all of theirs together."""
    given = body.get("history")
    earlier = None
    try:
        earlier = None if given is None else read_history(given, bundle)
    except InvalidInput as error:
        errors = [*errors, *error.errors]
    shot = _shot(body, bundle, errors)
    return shot, None if earlier is None else history_of(earlier, shot)


def _batch_shot(item: Any, path: str, bundle: Bundle, errors: list[FieldError]) -> Shot | None:
    """The shot of one item of a batch, or None with what is wrong added to `errors`."""
    if not isinstance(item, dict) or set(item) != {"features"}:
        errors.append(FieldError(path, "must be an object with features and nothing else"))
        return None
    try:
        return read_shot(item["features"], bundle, f"{path}.features")
    except InvalidInput as error:
        errors += error.errors
        return None


def _checked(body: Mapping[str, Any], checks: Mapping[str, Check]) -> list[FieldError]:
    """What the optional fields violate; null is the same as absent."""
    found = ((name, check(body[name])) for name, check in checks.items() if body.get(name) is not None)
    return [FieldError(name, reason) for name, reason in found if reason]


def _prediction_id(value: Any) -> str:
    matches = isinstance(value, str) and PREDICTION_ID.fullmatch(value)
    return "" if matches else "must look like pred_20260101_abc123, as /predict gave it"


def _language(value: Any) -> str:
    return "" if value in LANGUAGES else f"must be one of {', '.join(LANGUAGES)}"


def _question(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return "must be a question in words"
    return "" if len(value) <= MAX_QUESTION else f"is over {MAX_QUESTION} characters long; ask more briefly"


def _some_of(allowed: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        fits = isinstance(value, list) and all(item in allowed for item in value)
        return "" if fits else f"must be a list of {', '.join(allowed)}"

    return check


def _context(value: Any) -> str:
    """The parts of a context that a question is worded from have the shape that /predict and /importance give."""
    shapes: dict[str, dict[str, type]] = {
        "defect_types": {"label": str}, "limits": {"feature": str, "value": float, "low": float, "high": float},
        "top_features": {"name": str, "label": str, "value": float}}
    if not isinstance(value, dict):
        return "must be an object with what /predict and /importance gave"
    wrong = [name for name, shape in shapes.items() if value.get(name) is not None and not _fits(value[name], shape)]
    return f"{', '.join(wrong)} must be as /predict and /importance give it" if wrong else ""


def _fits(items: Any, shape: Mapping[str, type]) -> bool:
    return isinstance(items, list) and all(
        isinstance(item, dict) and all(_is(item.get(name), kind) for name, kind in shape.items())
        and _labels_fit(item.get("labels")) for item in items)


def _labels_fit(labels: Any) -> bool:
    return labels is None or (isinstance(labels, dict) and all(isinstance(label, str) for label in labels.values()))


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
