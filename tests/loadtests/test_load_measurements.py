"""Measurements: percentiles are exact, and only the measured time counts."""

from __future__ import annotations

import pytest

from loadtests.measurements import Figures, Recorder, percentile


def test_a_percentile_is_the_time_within_which_that_share_was_answered() -> None:
    """Nearest rank: of 1 to 100 the P50 is 50 and the P99 is 99, not a neighbour and not an average."""
    hundred = [float(value) for value in range(1, 101)]
    assert (percentile(hundred, 50), percentile(hundred, 99), percentile(hundred, 100)) == (50, 99, 100)


def test_a_percentile_covers_its_share_and_no_smaller_value_does() -> None:
    """For every number of requests, at least 99 in 100 lie within P99 and fewer within the value below."""
    for count in range(1, 3000):
        p99 = percentile(range(count), 99)
        assert p99 is not None
        assert (p99 + 1) * 100 >= 99 * count > p99 * 100


def test_times_are_not_rounded() -> None:
    """204 ms stay 204 ms, which Locust's buckets would make 200."""
    figures = Figures.of([204.4] * 10, failures=0, seconds=2)
    assert (figures.p50_ms, figures.p99_ms, figures.requests_per_second) == (204.4, 204.4, 5)


def test_failures_count_as_errors_and_not_as_speed() -> None:
    """A fast failure lowers neither the median nor raises the throughput."""
    figures = Figures.of([100.0, 100.0], failures=2, seconds=1)
    assert (figures.requests, figures.p50_ms, figures.requests_per_second, figures.error_rate) == (4, 100, 2, 0.5)


def test_only_requests_that_start_in_the_measured_time_count() -> None:
    """Neither warm-up nor what starts after the end; one that ends after the end does count."""
    recorder = Recorder()
    recorder.record("predict", 5.0, 1.0, None)
    recorder.start(10.0)
    recorder.record("predict", 9.9, 500.0, None)
    recorder.record("predict", 10.0, 2.0, None)
    recorder.record("predict", 19.9, 900.0, None)
    recorder.record("predict", 15.0, 3.0, "status 500")
    recorder.stop(20.0)
    recorder.record("predict", 19.8, 700.0, None)
    recorder.record("predict", 20.0, 4.0, None)
    figures = recorder.figures()["predict"]
    assert (figures.requests, figures.failures, figures.p99_ms) == (4, 1, 900)
    assert figures.requests_per_second == pytest.approx(0.3)
    assert recorder.failures() == {"predict": {"status 500": 1}}


def test_a_recorder_that_was_never_started_has_nothing() -> None:
    """Without a measured time there are no figures, so every target is missed."""
    recorder = Recorder()
    recorder.record("predict", 5.0, 1.0, None)
    assert recorder.figures() == {}
