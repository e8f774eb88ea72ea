"""Sixteen clients that ask different questions on five routes at once: every client gets its own answer."""

from __future__ import annotations

import json
import random
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sizes import sizes
from slow.running import Stack

from .client import Answer, call, many
from .harness import Ledger, Scenario, Verdict
from .judge import Reference
from .stacks import served

CLIENTS, SEED = 16, 15
ROUTES = ("/predict", "/predict", "/importance", "/rag-query", "/diagnose", "/query")
QUESTIONS = ("비스킷 두께가 얇으면 어떤 결함이 생기나요?", "공장 습도가 낮으면 무엇이 문제인가요?",
             "이형제를 너무 많이 뿌리면?",
             "노즐은 얼마나 자주 청소하나요?", "What happens if the biscuit is too thin?", "점심 메뉴는 무엇인가요?")


def questions(reference: Reference) -> list[tuple[str, bytes]]:
    """Every route with every shot, or with every question to the documents."""
    shots = [json.dumps({"features": shot}).encode() for shot in reference.shots]
    texts = [json.dumps({"query": text}).encode() for text in QUESTIONS]
    return [(route, body) for route in ROUTES for body in (texts if route in ("/rag-query", "/query") else shots)]


@sizes(short=150, long=3000)
def test_no_answer_is_swapped(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Every answer is the undisturbed one to its own question."""
    different = questions(reference)
    for path, body in different:
        reference.reply(path, body)
    dice = random.Random(SEED)

    def inject(_: int) -> AbstractContextManager[Stack]:
        return served(tmp_path / "home")

    def ask(_: int, running: Stack) -> Any:
        return many(lambda question: call(running.api, *question, question=question),
                    [dice.choice(different) for _ in range(times)], CLIENTS)

    def judge(answer: Answer) -> Verdict:
        return reference.judge(*answer.question, answer)

    with ledger.scenario("mixed questions", f"{CLIENTS} clients on five routes with {len(set(different))} different "
                                            "questions at once") as tally:
        Scenario(inject, ask, judge).run(1, tally)


@pytest.mark.slow
def test_a_swapped_answer_is_seen(reference: Reference) -> None:
    """The answer to another shot, an empty body and a reply without its sum are wrong."""
    first, second = (json.dumps({"features": shot}).encode() for shot in reference.shots[:2])
    reply = reference.reply("/predict", first)
    answer = Answer(200, {"content-type": "application/json"}, json.dumps(reply).encode())
    assert reference.judge("/predict", first, answer).outcome == "right"
    assert reference.judge("/predict", second, answer).outcome == "wrong"
    assert reference.judge("/predict", first, Answer(200, answer.headers, b"null")).outcome == "wrong"
    assert reference.judge("/predict", first, Answer(503, answer.headers, b"{}")).outcome == "wrong"
    assert reference.judge("/predict", first, Answer(0)).outcome == "lost"
