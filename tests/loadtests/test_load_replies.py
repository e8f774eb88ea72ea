"""Replies: what the contract promises passes, and every broken promise is named."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loadtests import replies
from loadtests.replies import ProbabilityLog, content_flaw, diagnose_flaw, predict_flaw, status_flaw

ROOT = Path(__file__).parents[2]
CONTRACT = yaml.safe_load((ROOT / "api/openapi.yaml").read_text("utf-8"))["components"]["schemas"]
ANY_JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


def prediction() -> dict[str, Any]:
    """Return a complete reply of /predict."""
    verdict = {"class": "defect", "probability": 0.7, "confidence": "high", "threshold": 0.2, "advice": "reject"}
    return {**dict.fromkeys(replies.PREDICTION, 0), "prediction": verdict, "model_version": "v1"}


def diagnosis() -> dict[str, Any]:
    """Return a complete reply of /diagnose."""
    importance = {**dict.fromkeys(replies.IMPORTANCE, 0), "base_value": 0.1, "probability": 0.7,
                  "importance": {"a": 0.9, "b": -0.3}}
    return {"prediction": prediction(), "importance": importance, "knowledge": dict.fromkeys(replies.KNOWLEDGE, 0),
            "skipped": [], "degraded": [], "timings_ms": {}}


def broken(reply: dict[str, Any], path: str, value: Any = ...) -> dict[str, Any]:
    """Return a copy with the value at a dotted path replaced, or removed where none is given."""
    changed = copy.deepcopy(reply)
    *parents, last = path.split(".")
    inner = changed
    for name in parents:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return changed


def test_the_names_are_those_of_the_contract() -> None:
    """What openapi.yaml requires is what is looked for."""
    assert list(replies.PREDICTION) == CONTRACT["Prediction"]["required"]
    assert list(replies.VERDICT) == CONTRACT["Prediction"]["properties"]["prediction"]["required"]
    assert list(replies.CLASSES) == CONTRACT["Prediction"]["properties"]["prediction"]["properties"]["class"]["enum"]
    assert list(replies.IMPORTANCE) == CONTRACT["Importance"]["required"]
    assert list(replies.KNOWLEDGE) == CONTRACT["Knowledge"]["required"]
    assert list(replies.DIAGNOSIS) == CONTRACT["Diagnosis"]["required"]
    assert list(replies.STEPS) == CONTRACT["Diagnosis"]["properties"]["skipped"]["items"]["enum"]


def test_complete_replies_have_no_flaw() -> None:
    """What keeps the contract counts as a success."""
    assert predict_flaw(prediction()) is None
    assert diagnose_flaw(diagnosis()) is None


@pytest.mark.parametrize(("path", "value", "named"), [
    ("prediction.class", ..., "prediction.class missing"),
    ("prediction.class", "perhaps", "prediction.class is neither"),
    ("prediction.probability", 1.01, "not within 0 to 1"),
    ("prediction.probability", float("nan"), "not within 0 to 1"),
    ("prediction", None, "prediction is not an object"),
    ("latent_features", ..., "latent_features missing"),
])
def test_a_broken_prediction_is_named(path: str, value: Any, named: str) -> None:
    """Each promise of /predict that is not kept makes the request a failure."""
    assert named in str(predict_flaw(broken(prediction(), path, value)))
    assert named in str(diagnose_flaw(broken(diagnosis(), f"prediction.{path}", value)))


@pytest.mark.parametrize(("path", "value", "named"), [
    ("importance", ..., "importance missing"),
    ("knowledge", ..., "knowledge missing"),
    ("skipped", ..., "skipped missing"),
    ("importance", None, "importance is not an object"),
    ("knowledge", None, "knowledge is not an object"),
    ("knowledge.sources", ..., "knowledge.sources missing"),
    ("skipped", ["knowledge"], "skipped: knowledge"),
    ("skipped", None, "skipped: not a list"),
    ("degraded", [{"step": "importance", "error": "States.Timeout"}], "degraded: importance"),
    ("importance.importance", {}, "not an object of contributions"),
    ("importance.importance.a", None, "not an object of contributions"),
    ("importance.importance.a", 0.9002, "do not add up"),
    ("importance.probability", 0.7002, "do not add up"),
    ("importance.base_value", float("nan"), "do not add up"),
    ("prediction.prediction.probability", 0.6, "another probability"),
])
def test_a_broken_diagnosis_is_named(path: str, value: Any, named: str) -> None:
    """Each promise of /diagnose that is not kept makes the request a failure, a degraded 200 too."""
    assert named in str(diagnose_flaw(broken(diagnosis(), path, value)))


def test_contributions_may_be_off_by_the_tolerance() -> None:
    """1e-4 is the contract's; half of it passes."""
    assert diagnose_flaw(broken(diagnosis(), "importance.importance.a", 0.90005)) is None


@given(ANY_JSON)
def test_no_reply_whatsoever_raises(reply: Any) -> None:
    """A check that raised would lose the request instead of counting it as failed."""
    assert predict_flaw(reply) and diagnose_flaw(reply)
    for name in replies.DIAGNOSIS:
        diagnose_flaw(broken(diagnosis(), name, reply))
    for name in replies.IMPORTANCE:
        diagnose_flaw(broken(diagnosis(), f"importance.{name}", reply))


def test_the_same_shot_must_get_the_same_probability() -> None:
    """A reply meant for another caller shows as another probability; another model's may differ."""
    log = ProbabilityLog()
    other = broken(prediction(), "prediction.probability", 0.3)
    assert log.flaw(0, prediction()) is None
    assert log.flaw(1, other) is None
    assert log.flaw(0, prediction()) is None
    assert log.flaw(0, broken(other, "model_version", "v2")) is None
    assert "another probability" in str(log.flaw(0, other))


def test_a_status_other_than_200_is_a_failure() -> None:
    """Redirects and 201 are no success here, and a broken connection is named."""
    assert status_flaw(200, None) is None
    assert [status_flaw(status, None) for status in (201, 302, 429, 500)] == [
        "status 201", "status 302", "status 429", "status 500"]
    assert status_flaw(0, ConnectionRefusedError()) == "no answer: ConnectionRefusedError"
    assert status_flaw(200, ConnectionResetError()) == "no answer: ConnectionResetError"


def test_a_body_that_is_not_json_is_a_failure() -> None:
    """A truncated body, or none, is not a reply."""
    complete = json.dumps(prediction()).encode()
    assert content_flaw(complete, predict_flaw)[1] is None
    assert [content_flaw(body, predict_flaw)[1] for body in (complete[:-1], b"", None, b"\xff")] \
        == ["the body is not JSON"] * 4
