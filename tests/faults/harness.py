"""Run a scenario of a fault and count what became of its answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_FLAWS = 5  # different flaws that a failed scenario prints


class Outcome(StrEnum):
    """What became of one answer, or of one piece of acknowledged work.

    RIGHT is what an undisturbed stack answers. DEGRADED is less, in the way that the API description specifies: 503
    with Retry-After, or a reply that names the step that failed. WRONG is any other answer. LOST is no answer, or
    something that was acknowledged and is not there afterwards.
    """

    RIGHT = "right"
    DEGRADED = "degraded"
    WRONG = "wrong"
    LOST = "lost"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one answer, and what is wrong with it."""

    outcome: Outcome
    flaw: str = ""


RIGHT, DEGRADED = Verdict(Outcome.RIGHT), Verdict(Outcome.DEGRADED)


def wrong(flaw: str) -> Verdict:
    """An answer that nothing specifies."""
    return Verdict(Outcome.WRONG, flaw)


def lost(flaw: str) -> Verdict:
    """No answer, or acknowledged work that is gone."""
    return Verdict(Outcome.LOST, flaw)


@dataclass(frozen=True)
class Figure:
    """A measured figure with its limit; `met` is None where it is shown without a limit."""

    name: str
    value: str
    limit: str = ""
    met: bool | None = None


@dataclass
class Tally:
    """What was injected in a scenario, how often, and what became of the answers.

    Attributes
    ----------
    name, fault : str
        The scenario, and what it injects, as the report words them.
    injections : int
        How often the fault was injected.
    outcomes : Counter of Outcome
        How many answers had which outcome.
    flaws : Counter of str
        What was wrong, and how often.
    figures : list of Figure
        What was measured beside.
    seconds : float
        How long the scenario took.
    error : str
        Why the scenario did not complete; empty if it did.
    """

    name: str
    fault: str
    injections: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    flaws: Counter[str] = field(default_factory=Counter)
    figures: list[Figure] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    def count(self, verdict: Verdict) -> None:
        """Count one answer."""
        self.outcomes[verdict.outcome] += 1
        if verdict.flaw:
            self.flaws[f"{verdict.outcome}: {verdict.flaw}"] += 1

    def measure(self, name: str, value: float, unit: str, max_value: float | None = None) -> None:
        """Add a figure; it is missed if it exceeds `max_value`."""
        limit = "" if max_value is None else f"≤ {max_value:g} {unit}".rstrip()
        self.figures.append(Figure(name, f"{value:.4g} {unit}".rstrip(), limit,
                                   None if max_value is None else value <= max_value))

    @property
    def flawless(self) -> bool:
        """Whether the fault was injected, was answered, and nothing was wrong, lost, missed or left out."""
        answered = self.outcomes[Outcome.RIGHT] + self.outcomes[Outcome.DEGRADED]
        return bool(self.injections and answered and not self.error and not self.outcomes[Outcome.WRONG]
                    and not self.outcomes[Outcome.LOST] and all(figure.met is not False for figure in self.figures))

    def __str__(self) -> str:
        counts = ", ".join(f"{outcome} {self.outcomes[outcome]}" for outcome in Outcome)
        lines = [f"{self.name}: {self.injections} injected; {counts}; {self.seconds:.0f} s"]
        lines += [f"  {figure.name}: {figure.value} ({figure.limit or 'no limit'})" for figure in self.figures]
        lines += [f"  {count} × {flaw}" for flaw, count in self.flaws.most_common(MAX_FLAWS)]
        return "\n".join([*lines, *([f"  did not complete: {self.error}"] if self.error else [])])


class Ledger:
    """The tallies of a run, in order."""

    def __init__(self) -> None:
        self.tallies: list[Tally] = []

    @contextmanager
    def scenario(self, name: str, fault: str) -> Iterator[Tally]:
        """Tally a scenario; it fails at the end unless its tally is flawless, and is in the report either way."""
        tally = Tally(name, fault)
        self.tallies.append(tally)
        started = time.monotonic()
        try:
            yield tally
        except BaseException as error:
            tally.error = type(error).__name__
            raise
        finally:
            tally.seconds = time.monotonic() - started
            print(f"\n{tally}")
        assert tally.flawless, f"\n{tally}"


@dataclass(frozen=True)
class Scenario:
    """A fault, a question and a judgement.

    Attributes
    ----------
    inject : callable
        Takes the number of the injection and returns a context manager: the fault lasts while it is open.
    ask : callable
        Takes that number and what the context manager gave, and yields answers.
    judge : callable
        Takes an answer and returns its Verdict.
    """

    inject: Callable[[int], AbstractContextManager[Any]]
    ask: Callable[[int, Any], Iterable[Any]]
    judge: Callable[[Any], Verdict]

    def run(self, times: int, tally: Tally) -> None:
        """Inject the fault so many times, and count every answer."""
        for number in range(times):
            with self.inject(number) as broken:
                tally.injections += 1
                for answer in self.ask(number, broken):
                    tally.count(self.judge(answer))
