"""The harness itself: what it counts, what it fails for, and the page that it writes."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .client import Answer, Load, percentile
from .harness import DEGRADED, RIGHT, Ledger, Scenario, Tally, Verdict, lost, wrong
from .judge import CODES, PROBLEM, difference, judge_error, judge_shed, problem_flaw, steady
from .report import report

VERDICTS = {"right": RIGHT, "degraded": DEGRADED, "wrong": wrong("other digits"), "lost": lost("no answer")}


@contextmanager
def broken(_: int) -> Iterator[str]:
    """A fault that lasts for a block."""
    yield "broken"


def run(ledger: Ledger, *outcomes: str, times: int = 1) -> Tally:
    """Run a scenario whose answers have these outcomes; returns its tally even if it fails."""
    with ledger.scenario("plan", "a planted fault") as tally:
        Scenario(broken, lambda number, fault: outcomes, lambda outcome: VERDICTS[outcome]).run(times, tally)
    return tally


def test_answers_are_counted() -> None:
    """Every injection and every answer counts."""
    tally = run(Ledger(), "right", "degraded", times=3)
    assert tally.injections == 3 and dict(tally.outcomes) == {"right": 3, "degraded": 3}


@pytest.mark.parametrize("outcomes", [("right", "wrong"), ("right", "lost"), ()])
def test_a_flaw_fails_and_is_reported(outcomes: tuple[str, ...]) -> None:
    """A wrong answer, a lost one and no answer at all fail the scenario, and the page shows it."""
    ledger = Ledger()
    with pytest.raises(AssertionError, match="plan"):
        run(ledger, *outcomes)
    assert len(ledger.tallies) == 1 and "| plan | a planted fault | 1 |" in report(ledger.tallies)


def test_a_scenario_without_a_fault_fails() -> None:
    """Nothing was injected, so nothing was shown."""
    with pytest.raises(AssertionError, match="0 injected"):
        run(Ledger(), "right", times=0)


def test_a_missed_limit_fails() -> None:
    """A figure over its limit fails the scenario; one without a limit is shown."""
    ledger = Ledger()
    for value, limit in ((1.0, None), (1.0, 1.0)):
        with ledger.scenario("plan", "fault") as tally:
            tally.injections += 1
            tally.count(RIGHT)
            tally.measure("time", value, "s", limit)
    with pytest.raises(AssertionError, match="time: 2 s"), ledger.scenario("plan", "fault") as tally:
        tally.injections += 1
        tally.count(RIGHT)
        tally.measure("time", 2.0, "s", 1.0)
    assert "**missed**" in report(ledger.tallies)


def test_a_scenario_that_breaks_off_is_in_the_page() -> None:
    """It is named with the kind of its error, whatever it had counted before."""
    ledger = Ledger()
    with pytest.raises(OSError), ledger.scenario("plan", "fault") as tally:
        tally.count(RIGHT)
        raise OSError
    assert "plan: did not complete (OSError)" in report(ledger.tallies)


def test_the_page_adds_up_and_names_no_machine() -> None:
    """Its last row is the sum of the others; there is neither a path nor the name of the machine in it."""
    ledger = Ledger()
    run(ledger, "right", times=2)
    run(ledger, "right", "degraded", times=5)
    page = report(ledger.tallies)
    assert "| **all** | 2 kinds of faults | 7 | **7** | **5** | **0** | **0** |" in page
    assert str(Path.home()) not in page and str(Path(__file__).parents[2]) not in page
    assert not platform.node() or platform.node() not in page


def problem(status: int, code: str, **headers: str) -> Answer:
    """An answer with a problem document."""
    body = json.dumps({"type": "about:blank", "title": "t", "status": status, "code": code, "detail": "d"}).encode()
    return Answer(status, {"content-type": PROBLEM, **headers}, body)


@pytest.mark.parametrize(("answer", "flaw"), [
    (problem(400, "invalid_input"), ""), (problem(503, "store_unavailable"), ""),
    (problem(404, "moon"), "without a documented code"), (problem(429, "too_many_requests"), ""),
    (Answer(500, {"content-type": "text/plain"}, b"Internal Server Error"), "500 as text/plain"),
    (Answer(500, {"content-type": PROBLEM}, b"{"), "not JSON"),
    (Answer(400, {"content-type": PROBLEM}, problem(404, "not_found").body), "a problem of 404")])
def test_a_flaw_of_an_error_is_seen(answer: Answer, flaw: str) -> None:
    """An error has to be a problem document of its status with a code that the API description lists."""
    assert flaw in problem_flaw(answer) and bool(flaw) == bool(problem_flaw(answer))


def test_overload_has_to_say_when_to_try_again() -> None:
    """A 503 of the gateway without Retry-After is wrong, with it degraded; other errors are wrong, silence is lost."""
    later = {"retry-after": "1"}
    assert judge_shed(problem(503, "too_many_requests", **later)).outcome == "degraded"
    assert judge_shed(problem(503, "too_many_requests")).outcome == "wrong"
    assert judge_shed(problem(500, "internal_error")).outcome == "wrong"
    assert judge_shed(Answer(0, error="reset")).outcome == "lost"


@pytest.mark.parametrize(("judge", "answer", "outcome"), [
    (judge_error, problem(400, "invalid_input"), "right"), (judge_error, problem(404, "not_found"), "wrong"),
    (judge_error, Answer(0), "lost")])
def test_an_expected_error_is_judged(judge: Callable[..., Verdict], answer: Answer, outcome: str) -> None:
    """Another status than the expected one is wrong."""
    assert judge(answer, 400).outcome == outcome


def test_replies_are_compared_to_the_last_digit() -> None:
    """What differs from call to call is left out; the first other difference is named with its place."""
    first = {"prediction": {"probability": 0.25, "prediction_id": "a"}, "sources": [{"page": 1}]}
    second = {"prediction": {"probability": 0.25000001, "prediction_id": "b"}, "sources": [{"page": 1}]}
    assert steady(first) != steady(second)
    assert difference(steady(first), steady(second)) == "prediction.probability: 0.25 for 0.25000001"
    assert steady({**first, "prediction": {}}) == steady({**second, "prediction": {"prediction_id": "c"}})


def test_every_code_is_read_from_the_description() -> None:
    """The list has the codes that handlers and gateway send."""
    assert {"invalid_input", "internal_error", "store_unavailable", "refused"} <= CODES and "moon" not in CODES


def test_a_load_asks_until_it_is_lifted() -> None:
    """Every client asks at least once, and no answer is dropped; a percentile of no answers meets no limit."""
    with Load(lambda number: Answer(200, question=number), clients=3, pause_s=0.01) as load:
        while len(load.answers) < 10:
            pass
    assert sorted(answer.question for answer in load.answers) == list(range(len(load.answers)))
    assert percentile([], 99) == float("inf") and percentile([1, 2, 3], 99) == 3
