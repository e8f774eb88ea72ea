"""Judge an answer: what an undisturbed stack answers, degraded as specified, wrong, or lost."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymupdf

from shotwise_local.template import load_yaml

from .client import Answer, call
from .harness import DEGRADED, RIGHT, Verdict, lost, wrong

ROOT = Path(__file__).parents[2]
PROBLEM = "application/problem+json"
# What differs from call to call of the same question.
VOLATILE = {"prediction_id", "processing_time_ms", "visualization_url", "timings_ms"}
SHED = (503, 504)
SUM_TOLERANCE = 1e-4  # of base value + contributions = probability, by the contract


def documented_codes() -> frozenset[str]:
    """The codes of a problem that the API description lists."""
    schemas = load_yaml(ROOT / "api/openapi.yaml")["components"]["schemas"]
    return frozenset(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\brefused\b",
                                schemas["Problem"]["properties"]["code"]["description"]))


CODES = documented_codes()


def problem_flaw(answer: Answer) -> str:
    """What is wrong with an error: it has to be a problem document of its status; a 503 says when to try again."""
    if answer.content_type != PROBLEM:
        return f"{answer.status} as {answer.content_type or 'no content type'}"
    try:
        problem = answer.json()
    except ValueError:
        return f"{answer.status} with a body that is not JSON"
    if not isinstance(problem, dict) or problem.get("code") not in CODES:
        return f"{answer.status} without a documented code: {str(problem)[:80]}"
    if problem.get("status", answer.status) != answer.status:
        return f"{answer.status} with a problem of {problem['status']}"
    if answer.status == 503 and not answer.headers.get("retry-after", "").isdigit():
        return "503 without Retry-After"
    return ""


def judge_error(answer: Answer, *statuses: int) -> Verdict:
    """Judge an answer that has to be an error of one of these statuses."""
    if answer.status == 0:
        return lost(f"no answer: {answer.error}")
    if answer.status not in statuses:
        return wrong(f"{answer.status} for {' or '.join(map(str, statuses))}")
    flaw = problem_flaw(answer)
    return wrong(flaw) if flaw else RIGHT


def judge_shed(answer: Answer) -> Verdict:
    """Judge an answer that is no success: a 503 with Retry-After or a 504 is specified, anything else is wrong."""
    if answer.status == 0:
        return lost(f"no answer: {answer.error}")
    flaw = problem_flaw(answer)
    if answer.status not in SHED or flaw:
        return wrong(flaw or f"status {answer.status}, {answer.json()['code']}")
    return DEGRADED


def steady(reply: Any) -> Any:
    """A reply without what differs from call to call, at every level."""
    if isinstance(reply, dict):
        return {name: steady(value) for name, value in reply.items() if name not in VOLATILE}
    return [steady(entry) for entry in reply] if isinstance(reply, list) else reply


class Reference:
    """What an undisturbed stack answers to each question.

    Parameters
    ----------
    api : str
        Address of that stack.
    """

    def __init__(self, api: str) -> None:
        self._api = api
        self._replies: dict[tuple[str, bytes], Any] = {}
        self.shots = [dict(sample["features"]) for sample in call(api, "/samples").json()["samples"]]

    def reply(self, path: str, body: bytes) -> Any:
        """The undisturbed answer, which is checked for itself the first time."""
        if (path, body) not in self._replies:
            answer = call(self._api, path, body)
            assert answer.status == 200, answer
            reply = steady(answer.json())
            assert not reply.get("degraded"), reply
            self._check_sum(reply.get("importance"))
            self._check_quotes((reply.get("knowledge") or reply).get("sources", ()))
            self._replies[path, body] = reply
        return self._replies[path, body]

    def judge(self, path: str, body: bytes, answer: Answer) -> Verdict:
        """Judge a successful answer by the undisturbed one, and any other as an answer of a busy stack."""
        if answer.status != 200:
            return judge_shed(answer)
        try:
            reply = answer.json()
        except ValueError:
            return wrong(f"{path}: 200 with a body that is not JSON")
        if not isinstance(reply, dict):
            return wrong(f"{path}: 200 with the body {str(reply)[:20]}")
        expected = self.reply(path, body)
        if steady(reply) == expected:
            return RIGHT
        if reply.get("degraded") and self._is_part(steady(reply), expected):
            return DEGRADED
        return wrong(f"{path}: another answer than undisturbed: {difference(steady(reply), expected)}")

    @staticmethod
    def _is_part(reply: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Whether a degraded reply has the same digits: its prediction, or its contributions, or its sources."""
        names = ("prediction",) if "prediction" in expected else ("importance", "base_value", "probability")
        return all(reply.get(name) == expected[name] for name in names if name in expected)

    @staticmethod
    def _check_sum(importance: Any) -> None:
        if isinstance(importance, dict) and "base_value" in importance:
            total = importance["base_value"] + sum(importance["importance"].values())
            assert abs(total - importance["probability"]) <= SUM_TOLERANCE

    def _check_quotes(self, sources: Any) -> None:
        """Each quote stands on its page."""
        for source in sources:
            content = call(self._api, f"/documents/{quote(source['document'])}").body
            with pymupdf.open(stream=content, filetype="pdf") as document:
                text = "".join(document[source["page"] - 1].get_text().split())
            assert "".join(source["quote"].split()) in text


def difference(reply: Any, expected: Any, path: str = "") -> str:
    """The first place at which two replies differ."""
    if isinstance(reply, dict) and isinstance(expected, dict):
        names = [name for name in {**expected, **reply} if reply.get(name, ...) != expected.get(name, ...)]
        return difference(reply.get(names[0]), expected.get(names[0]), f"{path}.{names[0]}") if names else ""
    return f"{path.lstrip('.')}: {json.dumps(reply, ensure_ascii=False)[:60]}"
