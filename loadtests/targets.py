"""Read the profiles of targets.toml, and compare measured figures with their targets."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from loadtests.measurements import Figures

SHIPPED_TARGETS = Path(__file__).parent / "targets.toml"
ENDPOINTS = ("predict", "diagnose")


class TargetsError(Exception):
    """The targets file or the named profile cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Target:
    """The targets of one endpoint.

    Attributes
    ----------
    p50_ms, p99_ms : float
        Upper limits of the percentiles of the time of successful requests.
    requests_per_second : float
        Lower limit of successful requests per second.
    error_rate : float
        Upper limit of the share of requests that fail.
    """

    p50_ms: float
    p99_ms: float
    requests_per_second: float
    error_rate: float


@dataclass(frozen=True)
class Profile:
    """One kind of load, with its targets.

    Attributes
    ----------
    name : str
        Name in the file.
    users : int
        Concurrent users.
    spawn_rate : float
        Users started per second.
    warmup_seconds, seconds : float
        How long requests are sent before they are measured, and how long they are measured.
    mix : mapping of str to float
        Endpoint → its weight among the users.
    pace_seconds : mapping of str to float
        Endpoint → average seconds between the starts of a user's requests; after a request that took longer, the next
        one starts at once.
    targets : mapping of str to Target
        Endpoint → its targets.
    """

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
    """The comparison of one figure with its target.

    Attributes
    ----------
    endpoint : str
        The endpoint.
    measure : str
        A field of Target, or `requests`.
    measured : float or None
        The figure; None if it could not be measured.
    target : float
        Its upper or lower limit.
    met : bool
        Whether the figure is within the limit.
    """

    endpoint: str
    measure: str
    measured: float | None
    target: float
    met: bool


def read_profile(path: Path, name: str) -> Profile:
    """Read a profile. Raises TargetsError, which names what is unknown, missing or out of range."""
    try:
        profiles = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetsError(f"{path} cannot be read: {error}") from None
    if name not in profiles:
        raise TargetsError(f"there is no profile {name!r} in {path}; there is {', '.join(profiles) or 'none'}")
    where = f"{path}: {name}"
    table = _table(profiles[name], [field.name for field in fields(Profile) if field.name != "name"], where)
    mix = {key: _number(weight, f"{where}.mix.{key}", above=0)
           for key, weight in _endpoints(table["mix"], ENDPOINTS, f"{where}.mix").items()}
    paces = _endpoints(table["pace_seconds"], tuple(mix), f"{where}.pace_seconds", require_all=True)
    targets = _endpoints(table["targets"], tuple(mix), f"{where}.targets", require_all=True)
    profile = Profile(
        name, users=_positive_integer(table["users"], f"{where}.users"),
        spawn_rate=_number(table["spawn_rate"], f"{where}.spawn_rate", above=0),
        warmup_seconds=_number(table["warmup_seconds"], f"{where}.warmup_seconds"),
        seconds=_number(table["seconds"], f"{where}.seconds", above=0), mix=mix,
        pace_seconds={key: _number(pace, f"{where}.pace_seconds.{key}") for key, pace in paces.items()},
        targets={key: _target(target, f"{where}.targets.{key}") for key, target in targets.items()})
    _check_consistency(profile, where)
    return profile


def compare(figures_by_endpoint: Mapping[str, Figures], targets: Mapping[str, Target]) -> list[Check]:
    """Compare every figure with its target. A figure that could not be measured misses its target."""
    no_figures = Figures.of([], failures=0, seconds=1)
    checks = []
    for endpoint, target in targets.items():
        figures = figures_by_endpoint.get(endpoint, no_figures)
        for field in fields(Target):
            measured: float | None = getattr(figures, field.name)
            required: float = getattr(target, field.name)
            checks.append(Check(endpoint, field.name, measured, required, _met(field.name, measured, required)))
        checks.append(Check(endpoint, "requests", figures.requests, 1, figures.requests >= 1))
    return checks


def _met(measure: str, measured: float | None, required: float) -> bool:
    if measured is None:
        return False
    return measured >= required if measure == "requests_per_second" else measured <= required


def _target(entry: Any, where: str) -> Target:
    table = _table(entry, [field.name for field in fields(Target)], where)
    rate = _number(table["error_rate"], f"{where}.error_rate")
    if rate > 1:
        raise TargetsError(f"{where}.error_rate is a share: at most 1, not {rate}")
    return Target(_number(table["p50_ms"], f"{where}.p50_ms", above=0),
                  _number(table["p99_ms"], f"{where}.p99_ms", above=0),
                  _number(table["requests_per_second"], f"{where}.requests_per_second"), rate)


def _check_consistency(profile: Profile, where: str) -> None:
    if profile.users < len(profile.mix):
        raise TargetsError(f"{where}.users: {profile.users} cannot be shared among {len(profile.mix)} endpoints")
    if profile.warmup_seconds < profile.users / profile.spawn_rate:
        raise TargetsError(f"{where}.warmup_seconds ends before all users are there "
                           f"({profile.users} at {profile.spawn_rate} a second)")


def _table(entry: Any, keys: list[str], where: str) -> dict[str, Any]:
    """Check that an entry is a table with exactly these keys, and return it."""
    if not isinstance(entry, dict):
        raise TargetsError(f"{where} must be a table")
    for key in entry:
        if key not in keys:
            raise TargetsError(f"{where}.{key} is not known; known are {', '.join(keys)}")
    for key in keys:
        if key not in entry:
            raise TargetsError(f"{where}.{key} is missing")
    return entry


def _endpoints(entry: Any, allowed: tuple[str, ...], where: str, *, require_all: bool = False) -> dict[str, Any]:
    """Check that an entry is a table with endpoints as keys, and return it."""
    required = [key for key in allowed if require_all or not isinstance(entry, dict) or key in entry]
    if isinstance(entry, dict) and not entry:
        raise TargetsError(f"{where} names no endpoint; known are {', '.join(allowed)}")
    unknown = [key for key in entry if key not in allowed] if isinstance(entry, dict) else []
    if unknown:
        raise TargetsError(f"{where}.{unknown[0]} is not known; known are {', '.join(allowed)}")
    return _table(entry, required, where)


def _number(entry: Any, where: str, *, above: float | None = None) -> float:
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry) or entry < 0:
        raise TargetsError(f"{where} must be a number from 0 on, not {entry!r}")
    if above is not None and entry <= above:
        raise TargetsError(f"{where} must be above {above}, not {entry!r}")
    return float(entry)


def _positive_integer(entry: Any, where: str) -> int:
    if isinstance(entry, bool) or not isinstance(entry, int) or entry < 1:
        raise TargetsError(f"{where} must be a whole number from 1 on, not {entry!r}")
    return entry
