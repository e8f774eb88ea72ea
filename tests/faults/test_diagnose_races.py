"""Diagnoses while the interpreter switches threads as often as it can: no answer is empty, none is another's."""

from __future__ import annotations

import itertools
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sizes import sizes
from slow.running import Stack

from .client import Answer, call, many
from .harness import Ledger, Scenario, Verdict
from .judge import Reference, judge_error
from .stacks import SERVE_SWITCHING, served

CLIENTS = 4
FAULT = "`sys.setswitchinterval(1e-6)`: threads switch 5,000 times as often as by default"


def bad_bodies(shot: dict[str, Any]) -> list[bytes]:
    """Bodies of /diagnose that have to be refused, each for another reason."""
    name = next(name for name, value in shot.items() if isinstance(value, float))
    without = {key: value for key, value in shot.items() if key != name}
    bodies = [{}, {"features": {}}, {"features": without}, {"features": {**shot, name: "x"}},
              {"features": {**shot, name: 1e300}}, {"features": {**shot, "Moon": 1}}, {"features": shot, "moon": 1},
              {"features": shot, "language": "fr"}, {"features": shot, "always": ["moon"]},
              {"features": shot, "question": ""}]
    return [json.dumps(body).encode() for body in bodies]


@sizes(short=60, long=2000)
def test_no_diagnosis_is_empty(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Every one of 2,000 diagnoses by 4 clients is the undisturbed one."""
    bodies = [json.dumps({"features": shot}).encode() for shot in reference.shots]
    expected = [reference.reply("/diagnose", body) for body in bodies]
    assert len({json.dumps(reply) for reply in expected}) == len(bodies), "a swapped answer would not show"

    def inject(_: int) -> AbstractContextManager[Stack]:
        return served(tmp_path / "home", command=SERVE_SWITCHING)

    def ask(_: int, broken: Stack) -> Any:
        return many(lambda body: call(broken.api, "/diagnose", body, question=body),
                    list(itertools.islice(itertools.cycle(bodies), times)), CLIENTS)

    def judge(answer: Answer) -> Verdict:
        return reference.judge("/diagnose", answer.question, answer)

    with ledger.scenario("diagnoses under fast switching", FAULT) as tally:
        Scenario(inject, ask, judge).run(1, tally)


@sizes(short=60, long=625)
def test_bad_input_is_always_400(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Every one of 625 invalid bodies is refused as invalid input, never as an internal error."""
    bodies = bad_bodies(reference.shots[0])

    def inject(_: int) -> AbstractContextManager[Stack]:
        return served(tmp_path / "home", command=SERVE_SWITCHING)

    def ask(_: int, broken: Stack) -> Any:
        return many(lambda body: call(broken.api, "/diagnose", body),
                    list(itertools.islice(itertools.cycle(bodies), times)), CLIENTS)

    with ledger.scenario("invalid diagnoses under fast switching", FAULT) as tally:
        Scenario(inject, ask, lambda answer: judge_error(answer, 400)).run(1, tally)
