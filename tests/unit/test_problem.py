"""Problems tell the caller what to do, and nothing of the system's inside."""

from __future__ import annotations

import json

import pytest

from shotwise.errors import FieldError, InvalidInput, KnowledgeError, NotFound, StoreError
from shotwise.handlers.body import PayloadTooLarge, UnsupportedMediaType
from shotwise.handlers.problem import MAX_TEXT, problem, to_json

CAUSE_BYTES = 32 * 1024  # what the cause of a workflow may have


@pytest.mark.parametrize(("error", "status", "code"), [
    (InvalidInput([FieldError("a", "missing")]), 400, "invalid_input"), (PayloadTooLarge(), 413, "payload_too_large"),
    (UnsupportedMediaType(), 415, "unsupported_media_type"), (NotFound("There is no file 'x'."), 404, "not_found"),
    (StoreError("/secret/path"), 503, "store_unavailable"),
    (KnowledgeError("/secret/path"), 503, "knowledge_unavailable"), (RuntimeError("secret"), 500, "internal_error")])
def test_every_kind_of_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    """Both are members of the problem, and what names our inside is not in it."""
    content = problem(error)
    assert (content["status"], content["code"]) == (status, code)
    assert "secret" not in json.dumps(content)


def test_an_error_carries_its_code_and_parameters_beside_the_text() -> None:
    """From them a client builds a text of its own."""
    error = FieldError("features.Spray_Time", "out_of_range", {"low": 0, "high": 20.5, "unit": "s"})
    (entry,) = problem(InvalidInput([error]))["errors"]
    assert entry == {"field": "features.Spray_Time", "reason": error.reason, "code": "out_of_range",
                     "params": {"low": 0, "high": 20.5, "unit": "s"}}


def test_a_flood_of_errors_stays_within_a_workflows_cause() -> None:
    """Ten thousand invalid fields with long names and parameters still fit into a cause, and the problem says so."""
    error = FieldError("가" * 1000, "not_a_category", {"allowed": ["나" * 300] * 100})
    content = problem(InvalidInput([error] * 10_000))
    assert content["errors"] and "10000" in content["detail"] and "are listed" in content["detail"]
    assert len(json.dumps({"invalid_payload": json.dumps(content)})) <= CAUSE_BYTES


@pytest.mark.parametrize("params", [{"allowed": ["x" * 10] * 10_000}, {"allowed": ["x" * 100_000]},
                                    {"allowed": "x" * 100_000}])
def test_long_parameters_are_cut_as_reasons_are(params: dict[str, list[str] | str]) -> None:
    """A bundle with ten thousand categories does not keep its own error out of the problem."""
    (entry,) = problem(InvalidInput([FieldError("features.Mould", "not_a_category", params)]))["errors"]
    assert len("".join(entry["params"]["allowed"])) <= MAX_TEXT and len(entry["reason"]) <= MAX_TEXT


def test_every_feature_of_a_shot_fits() -> None:
    """All 30 values wrong and 30 unknown ones are still listed one by one."""
    names = [f"features.Melting_Furnace_Temp_{number}" for number in range(60)]
    errors = [FieldError(name, "out_of_range", {"low": -1234.567, "high": 12345.678, "unit": "°C"}) for name in names]
    content = problem(InvalidInput(errors))
    assert len(content["errors"]) == 60 and content["detail"] == "60 fields to correct."
    assert json.loads(to_json(content)) == content


def test_nan_never_becomes_json() -> None:
    """A reply with NaN is a bug of ours and fails here, not in the caller's parser."""
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})
