"""Targets: the file is read strictly, and every kind of miss is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.measurements import Figures
from loadtests.targets import SHIPPED_TARGETS, Target, TargetsError, compare, read_profile

TARGET = Target(p50_ms=10, p99_ms=50, requests_per_second=5, error_rate=0.01)
EXACTLY = Figures(100, 1, p50_ms=10, p99_ms=50, requests_per_second=5, error_rate=0.01)


def missed(figures: Figures | None) -> list[str]:
    """Return the measures that these figures miss."""
    measured = {} if figures is None else {"predict": figures}
    return [check.measure for check in compare(measured, {"predict": TARGET}) if not check.met]


def test_figures_exactly_on_target_meet_it() -> None:
    """A target is the last value that is still good, in either direction."""
    assert missed(EXACTLY) == []


@pytest.mark.parametrize(("measure", "value"), [
    ("p50_ms", 10.001), ("p99_ms", 50.001), ("requests_per_second", 4.999), ("error_rate", 0.0101)])
def test_each_measure_is_missed_alone(measure: str, value: float) -> None:
    """A figure just beyond its target is named, and only that one."""
    assert missed(replace(EXACTLY, **{measure: value})) == [measure]


def test_no_request_at_all_misses_everything() -> None:
    """An endpoint that nobody called has met nothing, not even its error rate."""
    everything = ["p50_ms", "p99_ms", "requests_per_second", "error_rate", "requests"]
    assert missed(None) == everything
    assert missed(Figures.of([], failures=0, seconds=20)) == everything


def test_no_request_misses_even_targets_of_zero() -> None:
    """Where nothing is demanded of throughput, the absence of requests is still a miss."""
    checks = compare({}, {"predict": replace(TARGET, requests_per_second=0)})
    assert "requests" in [check.measure for check in checks if not check.met]


def test_only_failures_miss_the_times_too() -> None:
    """Where every request failed there is no time to hold against a target."""
    assert missed(Figures.of([], failures=9, seconds=1)) == ["p50_ms", "p99_ms", "requests_per_second", "error_rate"]


def test_the_shipped_smoke_profile_is_complete() -> None:
    """smoke can be read, covers both endpoints, and holds /diagnose to the promised 300 ms."""
    profile = read_profile(SHIPPED_TARGETS, "smoke")
    assert set(profile.targets) == {"predict", "diagnose"}
    assert profile.targets["diagnose"].p50_ms <= 300
    assert profile.warmup_seconds + profile.seconds <= 30


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    """The error says what was asked for and what could be."""
    with pytest.raises(TargetsError, match=r"no profile 'rush'.*smoke"):
        read_profile(SHIPPED_TARGETS, "rush")


@pytest.mark.parametrize(("old", "new", "named"), [
    ("users = 4", "usres = 4", r"smoke\.usres is not known"),
    ("users = 4", "", r"smoke\.users is missing"),
    ("users = 4", "users = 0", r"smoke\.users must be a whole number"),
    ("users = 4", "users = true", r"smoke\.users must be a whole number"),
    ("users = 4", "users = 1", r"smoke\.users: 1 cannot be shared among 2"),
    ("spawn_rate = 4", "spawn_rate = 0", r"smoke\.spawn_rate must be above 0"),
    ("spawn_rate = 4", "spawn_rate = 0.5", r"smoke\.warmup_seconds ends before all users are there"),
    ("predict = 3", "forecast = 3", r"smoke\.mix\.forecast is not known; known are predict, diagnose"),
    ("predict = 3, diagnose = 1", "", r"smoke\.mix names no endpoint"),
    (", diagnose = 0.5", "", r"smoke\.pace_seconds\.diagnose is missing"),
    ("p99_ms = 250", "p98_ms = 250", r"smoke\.targets\.predict\.p98_ms is not known"),
    ("p99_ms = 250", "", r"smoke\.targets\.predict\.p99_ms is missing"),
    ("p99_ms = 250", "p99_ms = nan", r"smoke\.targets\.predict\.p99_ms must be a number"),
    ("p99_ms = 250", "p99_ms = 'fast'", r"smoke\.targets\.predict\.p99_ms must be a number"),
    ("error_rate = 0", "error_rate = 2", r"smoke\.targets\.predict\.error_rate is a share"),
    ("[smoke.targets.predict]", "[smoke.targets.forecast]", r"smoke\.targets\.forecast is not known"),
    ("[smoke]", "[smoke", "cannot be read"),
])
def test_a_faulty_file_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    """What is unknown, missing or out of range is an error that says where."""
    text = "\n".join(line.partition("#")[0] for line in SHIPPED_TARGETS.read_text("utf-8").splitlines())
    assert old in text
    file = tmp_path / "targets.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(TargetsError, match=named):
        read_profile(file, "smoke")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong --targets is bad input, not a crash."""
    with pytest.raises(TargetsError, match=r"nowhere\.toml cannot be read"):
        read_profile(tmp_path / "nowhere.toml", "smoke")
