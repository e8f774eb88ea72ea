"""Codes are the contract and texts are not: every code has a text, and a reworded text changes nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from shotwise.errors import FieldError, InvalidInput
from shotwise.handlers.problem import STATUSES, problem
from shotwise.messages import DOCUMENT_FAILURES, DOCUMENT_NOTES, FIELD_REASONS, Message, text_of
from shotwise_local.gateway import Gateway

from .client import call

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "src/shotwise", ROOT / "src/shotwise_local", ROOT / "src/shotwise_cli")
# Where a call of a class or function has its code, and from where on its parameters are.
CODE_POSITION = {"FieldError": 1, "DocumentError": 1, "Message": 0, "_invalid": 0}
TABLES = {"FieldError": (FIELD_REASONS,), "_invalid": (FIELD_REASONS,), "DocumentError": (DOCUMENT_FAILURES,),
          "Message": (FIELD_REASONS, DOCUMENT_FAILURES, DOCUMENT_NOTES)}


def codes_in(source: str) -> Iterator[tuple[str, str, set[str] | None]]:
    """The calls in a source that have a literal code: (called name, code, names of its parameters).

    The names are None if the call computes them.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in CODE_POSITION:
            continue
        position = CODE_POSITION[node.func.id]
        arguments = node.args[position:]
        if arguments and isinstance(arguments[0], ast.Constant):
            yield node.func.id, arguments[0].value, _param_names(arguments[1:], node.keywords)


def _param_names(arguments: list[ast.expr], keywords: list[ast.keyword]) -> set[str] | None:
    if not arguments:
        return None if any(keyword.arg is None for keyword in keywords) else {str(word.arg) for word in keywords}
    if not isinstance(arguments[0], ast.Dict):
        return None
    keys = arguments[0].keys
    return {key.value for key in keys if isinstance(key, ast.Constant)} if all(keys) else None


def fields_of(text: str) -> set[str]:
    """The parameters that a text names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def sources() -> Iterator[Path]:
    """The files that may raise errors with codes."""
    return (path for package in PACKAGES for path in package.rglob("*.py"))


def flaws(source: str) -> list[str]:
    """The codes of a source that no table has, or that lack a parameter of their text."""
    messages = []
    for called, code, names in codes_in(source):
        texts = [table[code] for table in TABLES[called] if code in table]
        if not texts:
            messages.append(f"{called}: {code} is in no table")
        elif names is not None and not any(fields_of(text) <= names for text in texts):
            messages.append(f"{called}: {code} lacks parameters")
    return messages


def test_every_code_that_is_raised_has_a_text_with_its_parameters() -> None:
    """So no error can fail while it is being worded."""
    assert {str(path.relative_to(ROOT)): messages for path in sources()
            if (messages := flaws(path.read_text("utf-8")))} == {}


def test_an_unknown_code_and_a_forgotten_parameter_would_be_noticed() -> None:
    """The search above can fail."""
    assert flaws('FieldError("body", "no_such_code")') == ["FieldError: no_such_code is in no table"]
    assert flaws('FieldError("body", "body_too_large", {"max": 1})') == ["FieldError: body_too_large lacks parameters"]
    assert flaws('FieldError("body", "body_too_large", {"max_kib": 1})') == []
    handlers = [entry for path in (ROOT / "src/shotwise/handlers").glob("*.py")
                for entry in codes_in(path.read_text("utf-8"))]
    assert len(handlers) >= 20, "the search finds nothing"


def test_every_code_of_the_table_is_used() -> None:
    """A code that nothing raises is dead, and clients would translate it for nothing."""
    used = "".join(path.read_text("utf-8") for path in [*sources(), ROOT / "api/openapi.yaml"]
                   if path.name != "messages.py")
    assert [code for code in FIELD_REASONS if f'"{code}"' not in used] == []


def test_codes_are_snake_case() -> None:
    """One form for all of them."""
    codes = [*FIELD_REASONS, *DOCUMENT_FAILURES, *DOCUMENT_NOTES, *(code for _, _, code, _ in STATUSES)]
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)] == []


def problems_of_the_gateway(api: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The problems that the API description itself contains."""
    for text in re.findall(r'\{\\"type\\":\\"about:blank\\".*?\}(?=[\s"\\])', json.dumps(api)):
        text = json.loads(f'"{text}"').replace("$context.error.messageString", '"x"')
        yield json.loads(text)


def test_problems_of_the_gateway_read_as_those_of_the_handlers(api: dict[str, Any]) -> None:
    """Their reasons are the texts of their codes, and their titles and codes belong to their statuses."""
    problems = list(problems_of_the_gateway(api))
    known = {code: (status, title) for _, status, code, title in STATUSES}
    assert len(problems) >= 15, "the search finds nothing"
    for content in problems:
        if content["code"] in known:
            assert (content["status"], content["title"]) == known[content["code"]]
        for entry in content.get("errors", ()):
            assert entry["reason"] == text_of(FIELD_REASONS, Message(entry["code"], entry["params"]))


def test_the_description_lists_every_code_of_a_problem(api: dict[str, Any]) -> None:
    """A client finds there which codes it may meet."""
    described = api["components"]["schemas"]["Problem"]["properties"]["code"]["description"]
    codes = {code for _, _, code, _ in STATUSES} | {"internal_error"}
    codes |= {content["code"] for content in problems_of_the_gateway(api)}
    assert [code for code in codes if not re.search(rf"\b{code}\b", described)] == []


def essence(gateway: Gateway, method: str, path: str, body: Any, query: str = "") -> Any:
    """What a client may rely on of a problem: status, code, and field, code and params of each error."""
    response = call(gateway, method, path, body, query=query)
    content = json.loads(response.body)
    return (response.status, content["status"], content["code"],
            [(error["field"], error["code"], error["params"]) for error in content.get("errors", ())])


def test_a_reworded_text_changes_no_status_code_or_field(gateway: Gateway, features: dict[str, Any],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bad requests give the same problems but for their reasons, whatever the texts are."""
    bad_shot = {**features, "Shot": "x", "Spray_Time": None, "Clamping_Force": 1e9, "unknown": 1}
    requests = [("POST", path, body, "") for path in ("/predict", "/importance", "/diagnose") for body in (
        "{}", '{"features": 1}', '{"a": 1, "a": 2}', {"features": bad_shot, "language": "fr", "more": 0})]
    requests += [
        ("POST", "/predict", {"shots": [5, {"features": bad_shot}]}, ""),
        ("POST", "/predict", {"features": features, "history": [{"features": {}, "outcome": "bad"}]}, ""),
        ("POST", "/importance", {"features": features, "include": ["x"], "prediction_id": "x"}, ""),
        ("POST", "/diagnose", {"features": features, "always": ["x"], "question": "?" * 2001}, ""),
        ("POST", "/rag-query", {"query": 5, "context": {"limits": 5}}, ""),
        ("POST", "/documents", {"name": "a/b.pdf", "size": 1}, ""), ("GET", "/search", None, "limit=0"),
        ("GET", "/documents/unknown.pdf", None, "")]
    before = [essence(gateway, *request) for request in requests]
    for code in FIELD_REASONS:
        monkeypatch.setitem(FIELD_REASONS, code, "reworded")  # type: ignore[arg-type]
    assert problem(InvalidInput([FieldError("body", "not_utf8")]))["errors"][0]["reason"] == "reworded"
    assert [essence(gateway, *request) for request in requests] == before
    assert all(status in (400, 404) and status == in_body for status, in_body, _, _ in before)
