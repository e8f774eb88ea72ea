"""Record the exact time of every successful request, and the reason of every failed one.

Locust rounds response times (to whole milliseconds below 100 ms, tens below 1 s, hundreds above), so its own P99 of
204 ms reads 200 and one of 955 ms reads 960. That is too coarse to compare with a target. Here every time is stored as
Locust measured it (8 bytes a request), and a percentile is one of these times, by nearest rank: the shortest time
within which that share of the requests was answered. Of fewer than 100 requests, P99 is therefore the slowest.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Figures of one endpoint over the measured time.

    Times and throughput are those of successful requests, so that failing fast does not look like speed.

    Attributes
    ----------
    requests, failures : int
        Number of requests, and of those that failed.
    p50_ms, p99_ms : float or None
        Percentiles of the time of successful requests; None if there were none.
    requests_per_second : float
        Successful requests per second of the measured time.
    error_rate : float or None
        Share of the requests that failed; None if there were none.
    """

    requests: int
    failures: int
    p50_ms: float | None
    p99_ms: float | None
    requests_per_second: float
    error_rate: float | None

    @classmethod
    def of(cls, times_ms: Sequence[float], *, failures: int, seconds: float) -> Figures:
        """Compute the figures from the times of successful requests and the number of failed ones."""
        requests = len(times_ms) + failures
        ordered = sorted(times_ms)
        return cls(requests, failures, percentile(ordered, 50), percentile(ordered, 99),
                   len(ordered) / seconds, failures / requests if requests else None)


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the nearest-rank percentile (1 to 100) of ascending values; None if there are none."""
    # Integer arithmetic, rounded up: a float product slightly above a whole rank would give the next rank.
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


class Recorder:
    """Records the requests of a run that started within the measured time.

    A request that is under way when the warm-up ends belongs to the warm-up. One that is under way at the end is waited
    for and counts; otherwise slow requests would be lost. All points in time are seconds since the epoch.
    """

    def __init__(self) -> None:
        self._times: dict[str, array[float]] = {}
        self._failures: dict[str, Counter[str]] = {}
        self._start = self._end = math.inf

    def start(self, now: float) -> None:
        """Measure from now on: the warm-up is over."""
        self._start = now

    def stop(self, now: float) -> None:
        """Ignore requests that start from now on."""
        self._end = now

    def record(self, endpoint: str, started: float, response_ms: float, failure: str | None) -> None:
        """Record one request; `failure` is the reason if it failed."""
        if not self._start <= started < self._end:
            return
        times = self._times.setdefault(endpoint, array("d"))
        failures = self._failures.setdefault(endpoint, Counter())
        if failure is None:
            times.append(response_ms)
        else:
            failures[failure] += 1

    def figures(self) -> dict[str, Figures]:
        """Return the figures of every endpoint that had a request."""
        seconds = self._end - self._start
        return {endpoint: Figures.of(times, failures=self._failures[endpoint].total(), seconds=seconds)
                for endpoint, times in self._times.items()}

    def failures(self) -> dict[str, Counter[str]]:
        """Return endpoint → reason → number of requests that failed for it."""
        return {endpoint: reasons for endpoint, reasons in self._failures.items() if reasons}
