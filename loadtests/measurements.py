"""What was measured: every successful request's time, unrounded, and what failed.

Locust keeps response times in buckets (whole milliseconds below 100 ms, tens below 1 s, hundreds above), so its own
P99 of 204 ms reads 200 and one of 955 ms reads 960. Against a target that is too coarse; here every time is kept as
Locust measured it (8 bytes a request), and a percentile is one of those times, taken by nearest rank: the smallest
time within which that share of the requests was answered. Under 100 requests P99 is therefore the slowest of them.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One endpoint over the measured time. requests, failures: counts; times and throughput are of successful requests,
    so that fast failures do not pass for speed; error_rate: a share of all. None: nothing to measure it on."""

    requests: int
    failures: int
    p50_ms: float | None
    p99_ms: float | None
    requests_per_second: float
    error_rate: float | None

    @classmethod
    def of(cls, times_ms: Sequence[float], *, failures: int, seconds: float) -> Figures:
        """The figures of the successful requests' times, the number of failed ones and the measured seconds."""
        requests = len(times_ms) + failures
        ordered = sorted(times_ms)
        return cls(requests, failures, percentile(ordered, 50), percentile(ordered, 99),
                   len(ordered) / seconds, failures / requests if requests else None)


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile (1 to 100) of ascending values; None of none."""
    # Whole numbers throughout, rounded up: a float product just above a whole rank would step one too far.
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


class Recorder:
    """Takes every request of a run and keeps those that started within the measured time.

    Started, not ended: a request under way when the warm-up ends belongs to the warm-up, and one under way at the end
    is waited for and counts, or slow requests would be the ones that get lost."""

    def __init__(self) -> None:
        self._times: dict[str, array[float]] = {}
        self._failures: dict[str, Counter[str]] = {}
        self._start = self._end = math.inf

    def open(self, now: float) -> None:
        """The warm-up is over. `now`: seconds since the epoch, as all times here that have no unit."""
        self._start = now

    def close(self, now: float) -> None:
        """No request that starts from now on counts."""
        self._end = now

    def record(self, endpoint: str, started: float, response_ms: float, failure: str | None) -> None:
        """Note one answered or failed request."""
        if not self._start <= started < self._end:
            return
        times = self._times.setdefault(endpoint, array("d"))
        failures = self._failures.setdefault(endpoint, Counter())
        if failure is None:
            times.append(response_ms)
        else:
            failures[failure] += 1

    def figures(self) -> dict[str, Figures]:
        """The figures of every endpoint that had a request."""
        seconds = self._end - self._start
        return {endpoint: Figures.of(times, failures=self._failures[endpoint].total(), seconds=seconds)
                for endpoint, times in self._times.items()}

    def failures(self) -> dict[str, Counter[str]]:
        """Per endpoint how often requests failed for which reason."""
        return {endpoint: found for endpoint, found in self._failures.items() if found}
