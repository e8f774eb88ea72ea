"""Check and read the JSON of each request. One InvalidInput names all bad fields of a request at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shotwise.bundle import Bundle
from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.context import context_errors
from shotwise.history import History, history_of, read_history
from shotwise.knowledge.text.question import language_of
from shotwise.limits import MAX_BATCH_SHOTS, MAX_NAMES, MAX_QUESTION_CHARACTERS
from shotwise.messages import Message
from shotwise.shot import Shot, read_shot

PREDICTION_ID = re.compile(r"pred_[0-9]{8}_[0-9A-Za-z]{3,32}")
LANGUAGES = ("ko", "en")
STEPS = ("importance", "knowledge")
INCLUDES = ("chart", "setpoints", "signals")

Check = Callable[[Any], Message | None]


@dataclass(frozen=True)
class PredictRequest:
    """A request for predictions.

    Attributes
    ----------
    shots : tuple of Shot
        The shots to predict, in the order sent.
    is_batch : bool
        Whether the caller sent a list of shots rather than a single one.
    history : History or None
        The earlier shots of the run, for a single shot only.
    language : str
        `ko` or `en`.
    """

    shots: tuple[Shot, ...]
    is_batch: bool
    history: History | None
    language: str


@dataclass(frozen=True)
class ImportanceRequest:
    """A request to explain a shot.

    Attributes
    ----------
    shot : Shot
        The shot to explain.
    prediction_id : str
        Becomes part of the chart's name; it has no other use.
    include : tuple of str
        The optional parts of the reply that were requested, some of INCLUDES.
    language : str
        `ko` or `en`.
    """

    shot: Shot
    prediction_id: str
    include: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class KnowledgeRequest:
    """A question to the documents.

    Attributes
    ----------
    query : str or None
        The caller's own question; None if it has to be worded from the context.
    context : mapping
        `defect_types`, `limits` and `top_features` as /predict and /importance return them.
    language : str or None
        `ko` or `en`; None for the language of the question.
    """

    query: str | None
    context: Mapping[str, Any]
    language: str | None


@dataclass(frozen=True)
class DiagnoseRequest:
    """A request to diagnose a shot.

    Attributes
    ----------
    shot : Shot
        The shot to diagnose.
    features : mapping
        The values of the shot as they were sent, for the later steps.
    history : History or None
        The earlier shots of the run.
    always : tuple of str
        The steps to run even if the shot is good, some of STEPS.
    question : str or None
        The caller's own question.
    language : str
        `ko` or `en`.
    """

    shot: Shot
    features: Mapping[str, Any]
    history: History | None
    always: tuple[str, ...]
    question: str | None
    language: str


def new_prediction_id() -> str:
    """Return `pred_`, the UTC date, and 12 random characters."""
    return f"pred_{datetime.now(UTC):%Y%m%d}_{uuid.uuid4().hex[:12]}"


def predict_request(body: Mapping[str, Any], bundle: Bundle) -> PredictRequest:
    """Read `{features, history?, language?}`, or `{shots: [{features}, …], language?}` with up to MAX_BATCH_SHOTS."""
    is_batch = "shots" in body
    errors = _unknown_fields(body, {"language", *({"shots"} if is_batch else {"features", "history"})})
    errors += _failed_checks(body, {"language": _check_language})
    language = body.get("language") or "ko"
    if not is_batch:
        shot, history = _shot_and_history(body, bundle, errors)
        return PredictRequest((shot,), is_batch, history, language)
    batch = body["shots"]
    if not isinstance(batch, list) or not 1 <= len(batch) <= MAX_BATCH_SHOTS:
        raise InvalidInput([*errors, FieldError("shots", "not_a_list_of_shots", {"max": MAX_BATCH_SHOTS})])
    shots = [_batch_shot(payload, f"shots[{number}]", bundle, errors) for number, payload in enumerate(batch)]
    if errors:
        raise InvalidInput(errors)
    return PredictRequest(tuple(shot for shot in shots if shot), is_batch, None, language)


def importance_request(body: Mapping[str, Any], bundle: Bundle) -> ImportanceRequest:
    """Read `{features, prediction_id?, include?, language?}`; `include` defaults to all of INCLUDES."""
    errors = _unknown_fields(body, {"features", "prediction_id", "include", "language"})
    errors += _failed_checks(body, {"prediction_id": _check_prediction_id, "include": _check_list_of(INCLUDES),
                                    "language": _check_language})
    shot = _shot(body, bundle, errors)
    include = INCLUDES if body.get("include") is None else body["include"]
    return ImportanceRequest(shot, body.get("prediction_id") or new_prediction_id(), tuple(include),
                             body.get("language") or "ko")


def knowledge_request(body: Mapping[str, Any]) -> KnowledgeRequest:
    """Read `{query, context?, language?}`; the workflow may send a context without a query."""
    errors = _unknown_fields(body, {"query", "context", "language"})
    errors += _failed_checks(body, {"query": _check_question, "language": _check_language})
    errors += context_errors(body.get("context"))
    if body.get("query") is None and body.get("context") is None and not errors:
        errors.append(FieldError("query", "question_missing"))
    if errors:
        raise InvalidInput(errors)
    return KnowledgeRequest(body.get("query"), body.get("context") or {}, body.get("language"))


def diagnose_request(body: Mapping[str, Any], bundle: Bundle) -> DiagnoseRequest:
    """Read `{features, history?, always?, question?, language?}`."""
    errors = _unknown_fields(body, {"features", "history", "always", "question", "language"})
    errors += _failed_checks(body, {"always": _check_list_of(STEPS), "question": _check_question,
                                    "language": _check_language})
    shot, history = _shot_and_history(body, bundle, errors)
    question = body.get("question")
    language = body.get("language") or (language_of(question) if question else "ko")
    return DiagnoseRequest(shot, body["features"], history, tuple(body.get("always") or ()), question, language)


def _unknown_fields(body: Mapping[str, Any], allowed: set[str]) -> list[FieldError]:
    return [FieldError(name, "not_part_of_request", {"allowed": sorted(allowed)})
            for name in body if name not in allowed]


def _shot(body: Mapping[str, Any], bundle: Bundle, errors: list[FieldError]) -> Shot:
    """Read the shot. Raises InvalidInput with `errors`, found earlier in the body, and those of the shot."""
    if "features" not in body:
        raise InvalidInput([*errors, FieldError("features", "features_missing")])
    try:
        shot = read_shot(body["features"], bundle)
    except InvalidInput as error:
        raise InvalidInput([*errors, *error.errors]) from None
    if errors:
        raise InvalidInput(errors)
    return shot


def _shot_and_history(body: Mapping[str, Any], bundle: Bundle,
                      errors: list[FieldError]) -> tuple[Shot, History | None]:
    """Read the shot, and its history if there is one. Raises InvalidInput with `errors` and those of both."""
    earlier_shots = None
    try:
        if body.get("history") is not None:
            earlier_shots = read_history(body["history"], bundle)
    except InvalidInput as error:
        errors = [*errors, *error.errors]
    shot = _shot(body, bundle, errors)
    return shot, None if earlier_shots is None else history_of(earlier_shots, shot)


def _batch_shot(payload: Any, path: str, bundle: Bundle, errors: list[FieldError]) -> Shot | None:
    """Read one shot of a batch; return None for an invalid one and add what is wrong to `errors`."""
    if not isinstance(payload, dict) or set(payload) != {"features"}:
        errors.append(FieldError(path, "not_a_shot"))
        return None
    try:
        return read_shot(payload["features"], bundle, f"{path}.features")
    except InvalidInput as error:
        errors += error.errors
        return None


def _failed_checks(body: Mapping[str, Any], checks: Mapping[str, Check]) -> list[FieldError]:
    """Check optional fields, where null is the same as absent."""
    faults = ((name, check(body[name])) for name, check in checks.items() if body.get(name) is not None)
    return [FieldError(name, fault.code, fault.params) for name, fault in faults if fault]


def _check_prediction_id(prediction_id: Any) -> Message | None:
    matches = isinstance(prediction_id, str) and PREDICTION_ID.fullmatch(prediction_id)
    return None if matches else Message("not_a_prediction_id")


def _check_language(language: Any) -> Message | None:
    return None if language in LANGUAGES else Message("unknown_language", {"allowed": LANGUAGES})


def _check_question(question: Any) -> Message | None:
    if not isinstance(question, str) or not question.strip():
        return Message("question_not_text")
    fits = len(question) <= MAX_QUESTION_CHARACTERS
    return None if fits else Message("question_too_long", {"max": MAX_QUESTION_CHARACTERS})


def _check_list_of(allowed: tuple[str, ...]) -> Check:
    def check(names: Any) -> Message | None:
        if isinstance(names, list) and len(names) > MAX_NAMES:
            return Message("too_many_entries", {"max": MAX_NAMES})
        valid = isinstance(names, list) and all(name in allowed for name in names)
        return None if valid else Message("not_a_list_of", {"allowed": allowed})

    return check
