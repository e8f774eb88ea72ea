"""Problem documents tell the caller what to do and nothing of the inside."""

from __future__ import annotations

import json

import pytest

from shotwise.errors import FieldError, InvalidInput, KnowledgeError, NotFound, StoreError
from shotwise.handlers.problem import problem, to_json


@pytest.mark.parametrize(("error", "status"), [
    (InvalidInput([FieldError("a", "b")]), 400), (NotFound("There is no file 'x'."), 404),
    (StoreError("/secret/path"), 503), (KnowledgeError("/secret/path"), 503), (RuntimeError("secret"), 500)])
def test_every_kind_of_error_has_its_status(error: Exception, status: int) -> None:
    """The status stands in the document, and what names our inside does not."""
    document = problem(error)
    assert document["status"] == status
    assert "secret" not in json.dumps(document)


def test_a_flood_of_errors_stays_within_a_workflows_cause() -> None:
    """Ten thousand bad fields with long names still make a document that a cause (32 KiB) can hold, and say so."""
    document = problem(InvalidInput([FieldError("가" * 1000, "나" * 1000)] * 10_000))
    assert document["errors"] and "10000" in document["detail"] and "are listed" in document["detail"]
    assert len(json.dumps({"invalid_payload": json.dumps(document)})) <= 32 * 1024


def test_every_feature_of_a_shot_fits() -> None:
    """All 30 values wrong and 30 unknown ones are still named one by one."""
    names = [f"features.Melting_Furnace_Temp_{number}" for number in range(60)]
    errors = [FieldError(name, "must be a number in °C " * 5) for name in names]
    document = problem(InvalidInput(errors))
    assert len(document["errors"]) == 60 and document["detail"] == "60 fields to correct."
    assert json.loads(to_json(document)) == document


def test_nan_never_becomes_json() -> None:
    """A reply with NaN is an engineer's mistake and fails here, not at the caller's parser."""
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})
