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
# A store or model that is away: nobody knows for how long.
UNTIMED = ("store_unavailable", "knowledge_unavailable")
SUM_TOLERANCE = 1e-4  # of base value + contributions = probability, by the contract


def documented_codes() -> frozenset[str]:
    """The codes of a problem that the API description lists, and the words between them."""
    schemas = load_yaml(ROOT / "api/openapi.yaml")["components"]["schemas"]
    return frozenset(re.findall(r"[a-z_]+", schemas["Problem"]["properties"]["code"]["description"]))


CODES = documented_codes()


def problem_flaw(answer: Answer) -> str:
    """What is wrong with an error: it has to be a problem document of its status; overload says when to try again."""
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
    if answer.status == 503 and problem["code"] not in UNTIMED and not answer.headers.get("retry-after", "").isdigit():
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


def steady(reply: Any, *ignored: str) -> Any:
    """A reply without what differs from call to call, at every level."""
    if isinstance(reply, dict):
        return {name: steady(value, *ignored) for name, value in reply.items()
                if name not in VOLATILE and name not in ignored}
    return [steady(entry, *ignored) for entry in reply] if isinstance(reply, list) else reply


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
        self._pages: dict[tuple[str, int], str] = {}
        self.shots = [dict(sample["features"]) for sample in call(api, "/samples").json()["samples"]]

    def reply(self, path: str, body: bytes) -> Any:
        """The undisturbed answer, which is checked for itself the first time."""
        if (path, body) not in self._replies:
            answer = call(self._api, path, body)
            assert answer.status == 200, answer
            reply = steady(answer.json())
            assert not reply.get("degraded"), reply
            self._check_sum(reply.get("importance"))
            assert self._quotes_stand_there((reply.get("knowledge") or reply).get("sources", ()))
            self._replies[path, body] = reply
        return self._replies[path, body]

    def judge(self, path: str, body: bytes, answer: Answer, *ignored: str) -> Verdict:
        """Judge a successful answer by the undisturbed one, and any other as an answer of a busy stack.

        `ignored` are members that need not be equal: `relevance` where the stack has documents that this one lacks.
        """
        if answer.status != 200:
            return judge_shed(answer)
        try:
            reply = answer.json()
        except ValueError:
            return wrong(f"{path}: 200 with a body that is not JSON")
        if not isinstance(reply, dict):
            return wrong(f"{path}: 200 with the body {str(reply)[:20]}")
        reply, expected = steady(reply, *ignored), steady(self.reply(path, body), *ignored)
        if reply == expected:
            return RIGHT
        if reply.get("degraded") and self._is_right_otherwise(reply, expected):
            return DEGRADED
        return wrong(f"{path}: another answer than undisturbed: {difference(reply, expected)}")

    def _is_right_otherwise(self, reply: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Whether a degraded reply has the same digits in all steps that did not fail, and quotes what stands there."""
        failed = {entry["step"] for entry in reply["degraded"]}
        for step in ("prediction", "importance"):
            if step in expected and step not in failed and _digits(reply[step]) != _digits(expected[step]):
                return False
        knowledge = reply.get("knowledge") if "knowledge" in expected else reply
        return "knowledge" in failed or self._quotes_stand_there((knowledge or {}).get("sources", ()))

    @staticmethod
    def _check_sum(importance: Any) -> None:
        if isinstance(importance, dict) and "base_value" in importance:
            total = importance["base_value"] + sum(importance["importance"].values())
            assert abs(total - importance["probability"]) <= SUM_TOLERANCE

    def _quotes_stand_there(self, sources: Any) -> bool:
        """Whether each quote stands on its page."""
        return all("".join(source["quote"].split()) in self._page(source["document"], source["page"])
                   for source in sources)

    def _page(self, name: str, page: int) -> str:
        """The text of a page without white space."""
        if (name, page) not in self._pages:
            content = call(self._api, f"/documents/{quote(name)}").body
            with pymupdf.open(stream=content, filetype="pdf") as document:
                self._pages[name, page] = "".join(document[page - 1].get_text().split())
        return self._pages[name, page]


def _digits(step: Any) -> Any:
    """A step without the list of its parts that failed."""
    return {name: value for name, value in step.items() if name != "degraded"} if isinstance(step, dict) else step


def difference(reply: Any, expected: Any, path: str = "") -> str:
    """The first place at which two replies differ."""
    if isinstance(reply, dict) and isinstance(expected, dict):
        names = [name for name in {**expected, **reply} if reply.get(name, ...) != expected.get(name, ...)]
        return difference(reply.get(names[0]), expected.get(names[0]), f"{path}.{names[0]}") if names else ""
    if isinstance(reply, list) and isinstance(expected, list) and len(reply) == len(expected):
        number = next(number for number, pair in enumerate(zip(reply, expected, strict=True)) if pair[0] != pair[1])
        return difference(reply[number], expected[number], f"{path}[{number}]")
    return (f"{path.lstrip('.')}: {json.dumps(reply, ensure_ascii=False)[:60]} for "
            f"{json.dumps(expected, ensure_ascii=False)[:60]}")
