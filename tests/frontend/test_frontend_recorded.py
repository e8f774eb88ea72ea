"""The recorded replies, compared with the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from stub_api import recorded, recorded_events

from frontend.messages import MESSAGES
from frontend.messages.codes import DEGRADED_STEPS, FIELD_REASONS
from frontend.messages.document_codes import DOCUMENT_FAILURES

CONTRACT = Path(__file__).parents[2] / "api/openapi.yaml"
REPLIES = [("model", "Model"), ("samples", "Samples"), ("documents", "Documents"), ("upload", "Upload"),
           *((name, "Problem") for name in ("problem", "stays", "bad_name", "bad_query")),
           *((f"{scene}_{language}", "Diagnosis") for scene in ("suspect", "proposal", "good", "unanswered")
             for language in ("ko", "en"))]


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The schemas of the contract."""
    contract: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"]
    return contract


def lacking(value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str = "") -> list[str]:
    """Return the paths of what the contract requires and the value lacks, or has outside an enum."""
    if "$ref" in schema:
        return lacking(value, schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, path)
    if value is None and schema.get("nullable"):
        return []
    gaps = [gap for part in schema.get("allOf", []) for gap in lacking(value, part, schemas, path)]
    if "enum" in schema and value not in schema["enum"]:
        gaps.append(path)
    if isinstance(value, dict):
        gaps += [f"{path}.{name}" for name in schema.get("required", []) if name not in value]
        gaps += [gap for name, part in schema.get("properties", {}).items() if name in value
                 for gap in lacking(value[name], part, schemas, f"{path}.{name}")]
    if isinstance(value, list):
        gaps += [gap for item in value for gap in lacking(item, schema.get("items", {}), schemas, f"{path}[]")]
    return gaps


@pytest.mark.parametrize(("name", "schema"), REPLIES)
def test_a_recorded_reply_is_what_the_contract_says(name: str, schema: str, schemas: dict[str, Any]) -> None:
    """What the page is tested with has everything that the contract requires today."""
    assert lacking(recorded(name), schemas[schema], schemas) == []


@pytest.mark.parametrize("name", ["query_answered_ko", "query_answered_en", "query_unanswered_ko",
                                  "query_unanswered_en"])
def test_a_recorded_stream_ends_as_the_contract_says(name: str, schemas: dict[str, Any]) -> None:
    """The last event is `done`, with everything that the contract requires of an answer."""
    *_, (kind, reply) = recorded_events(name)
    assert kind == "done" and lacking(reply, schemas["Knowledge"], schemas) == []


def test_the_check_sees_what_is_lacking(schemas: dict[str, Any]) -> None:
    """The check above can fail: a reply that lost a field deep inside is noticed."""
    reply = recorded("suspect_ko")
    del reply["knowledge"]["sources"][0]["page"]
    assert lacking(reply, schemas["Diagnosis"], schemas) == [".knowledge.sources[].page"]


def test_the_page_knows_every_recorded_code() -> None:
    """What the real API refuses and reports by code has a text of the page."""
    problems = [recorded(name) for name in ("problem", "bad_name", "bad_query")]
    assert {entry["code"] for problem in problems for entry in problem["errors"]} <= set(FIELD_REASONS)
    failures = [document["failure_detail"] for document in recorded("documents")["documents"] if document["failure"]]
    assert failures and {failure["code"] for failure in failures} <= set(DOCUMENT_FAILURES)
    assert "problem.remove." + recorded("stays")["code"] in MESSAGES


def test_the_page_has_a_text_for_what_the_contract_names(schemas: dict[str, Any]) -> None:
    """Every state without a proposal, every signal and every step that may fail."""
    states = set(schemas["Setpoints"]["properties"]["state"]["enum"]) - {"found", "not_needed"}
    signals = set(schemas["Importance"]["properties"]["signals"]["items"]["required"]) - {"feature", "label", "labels"}
    steps = schemas["Degraded"]["properties"]["step"]["enum"]
    keys = [*(f"setpoints.{state}" for state in states), *(f"signals.{name}" for name in signals),
            *(f"step.{step}" for step in steps)]
    assert len(keys) == 12 and not set(keys) - set(MESSAGES)
    assert set(DEGRADED_STEPS) == {f"{step}_failed" for step in steps}
