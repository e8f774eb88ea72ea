"""Profiles of targets.toml, and which of their targets measured figures miss."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from loadtests.measurements import Figures

SHIPPED = Path(__file__).parent / "targets.toml"
ENDPOINTS = ("predict", "diagnose")


class TargetsError(Exception):
    """The targets file or the profile asked for is at fault; the message says where."""


@dataclass(frozen=True)
class Target:
    """What one endpoint has to reach. p50_ms, p99_ms: at most, of successful requests; requests_per_second: at least,
    successful ones; error_rate: at most, a share of all requests."""

    p50_ms: float
    p99_ms: float
    requests_per_second: float
    error_rate: float


@dataclass(frozen=True)
class Profile:
    """One kind of load. spawn_rate: users per second; mix: endpoint → weight among the users; pace_seconds: endpoint →
    a user starts a request this often on average, or at once where the last took longer."""

    name: str
    users: int
    spawn_rate: float
    warmup_seconds: float
    seconds: float
    mix: Mapping[str, float]
    pace_seconds: Mapping[str, float]
    targets: Mapping[str, Target]


@dataclass(frozen=True)
class Check:
    """One target beside what was measured; measured is None where nothing could be measured."""

    endpoint: str
    measure: str
    measured: float | None
    target: float
    met: bool


def read_profile(path: Path, name: str) -> Profile:
    """The named profile. Raises TargetsError naming the profile or key that is unknown, missing or out of range."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetsError(f"{path} cannot be read: {error}") from None
    if name not in document:
        raise TargetsError(f"there is no profile {name!r} in {path}; there is {', '.join(document) or 'none'}")
    where = f"{path}: {name}"
    table = _table(document[name], [field.name for field in fields(Profile) if field.name != "name"], where)
    mix = {key: _number(weight, f"{where}.mix.{key}", above=0)
           for key, weight in _endpoints(table["mix"], ENDPOINTS, f"{where}.mix").items()}
    paces = _endpoints(table["pace_seconds"], tuple(mix), f"{where}.pace_seconds", all_of_them=True)
    targets = _endpoints(table["targets"], tuple(mix), f"{where}.targets", all_of_them=True)
    profile = Profile(
        name, users=_whole(table["users"], f"{where}.users"),
        spawn_rate=_number(table["spawn_rate"], f"{where}.spawn_rate", above=0),
        warmup_seconds=_number(table["warmup_seconds"], f"{where}.warmup_seconds"),
        seconds=_number(table["seconds"], f"{where}.seconds", above=0), mix=mix,
        pace_seconds={key: _number(pace, f"{where}.pace_seconds.{key}") for key, pace in paces.items()},
        targets={key: _target(target, f"{where}.targets.{key}") for key, target in targets.items()})
    _check_sense(profile, where)
    return profile


def compare(measured: Mapping[str, Figures], targets: Mapping[str, Target]) -> list[Check]:
    """Every target beside its figure. What could not be measured is missed: silence is no success."""
    nothing = Figures.of([], failures=0, seconds=1)
    checks = []
    for endpoint, target in targets.items():
        figures = measured.get(endpoint, nothing)
        for field in fields(Target):
            found: float | None = getattr(figures, field.name)
            wanted: float = getattr(target, field.name)
            checks.append(Check(endpoint, field.name, found, wanted, _met(field.name, found, wanted)))
        checks.append(Check(endpoint, "requests", figures.requests, 1, figures.requests >= 1))
    return checks


def _met(measure: str, found: float | None, wanted: float) -> bool:
    if found is None:
        return False
    return found >= wanted if measure == "requests_per_second" else found <= wanted


def _target(given: Any, where: str) -> Target:
    table = _table(given, [field.name for field in fields(Target)], where)
    rate = _number(table["error_rate"], f"{where}.error_rate")
    if rate > 1:
        raise TargetsError(f"{where}.error_rate is a share: at most 1, not {rate}")
    return Target(_number(table["p50_ms"], f"{where}.p50_ms", above=0),
                  _number(table["p99_ms"], f"{where}.p99_ms", above=0),
                  _number(table["requests_per_second"], f"{where}.requests_per_second"), rate)


def _check_sense(profile: Profile, where: str) -> None:
    if profile.users < len(profile.mix):
        raise TargetsError(f"{where}.users: {profile.users} cannot be shared among {len(profile.mix)} endpoints")
    if profile.warmup_seconds < profile.users / profile.spawn_rate:
        raise TargetsError(f"{where}.warmup_seconds ends before all users are there "
                           f"({profile.users} at {profile.spawn_rate} a second)")


def _table(given: Any, keys: list[str], where: str) -> dict[str, Any]:
    """A table with exactly these keys."""
    if not isinstance(given, dict):
        raise TargetsError(f"{where} must be a table")
    for key in given:
        if key not in keys:
            raise TargetsError(f"{where}.{key} is not known; known are {', '.join(keys)}")
    for key in keys:
        if key not in given:
            raise TargetsError(f"{where}.{key} is missing")
    return given


def _endpoints(given: Any, known: tuple[str, ...], where: str, *, all_of_them: bool = False) -> dict[str, Any]:
    """A table by endpoint, in which none is unknown."""
    wanted = [key for key in known if all_of_them or not isinstance(given, dict) or key in given]
    if isinstance(given, dict) and not given:
        raise TargetsError(f"{where} names no endpoint; known are {', '.join(known)}")
    unknown = [key for key in given if key not in known] if isinstance(given, dict) else []
    if unknown:
        raise TargetsError(f"{where}.{unknown[0]} is not known; known are {', '.join(known)}")
    return _table(given, wanted, where)


def _number(given: Any, where: str, *, above: float | None = None) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given) or given < 0:
        raise TargetsError(f"{where} must be a number from 0 on, not {given!r}")
    if above is not None and given <= above:
        raise TargetsError(f"{where} must be above {above}, not {given!r}")
    return float(given)


def _whole(given: Any, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise TargetsError(f"{where} must be a whole number from 1 on, not {given!r}")
    return given
