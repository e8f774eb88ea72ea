"""Report figures and targets: as a table for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loadtests.measurements import Recorder
from loadtests.targets import Check, Profile

# measure → (name in the table, unit, direction of the target, factor, decimals)
COLUMNS = {
    "p50_ms": ("P50", "ms", "≤", 1, 1), "p99_ms": ("P99", "ms", "≤", 1, 1),
    "requests_per_second": ("throughput", "req/s", "≥", 1, 2), "error_rate": ("errors", "%", "≤", 100, 2),
    "requests": ("requests", "", "≥", 1, 0),
}


def text_table(checks: Sequence[Check], recorder: Recorder) -> str:
    """Write a line for each target, then a line for each reason why requests failed."""
    lines = [f"{'endpoint':<10}{'measure':<12}{'measured':>12}{'target':>14}"]
    lines += [_line(check) for check in checks]
    lines += [f"{endpoint}: {count} × {reason}" for endpoint, reasons in recorder.failures().items()
              for reason, count in reasons.most_common()]
    missed = sum(not check.met for check in checks)
    return "\n".join([*lines, f"{missed} of {len(checks)} targets missed" if missed else "all targets met"])


def json_report(profile: Profile, host: str, checks: Sequence[Check], recorder: Recorder) -> dict[str, Any]:
    """Return figures and missed targets for JSON, with the profile that they were measured under."""
    return {
        "met": all(check.met for check in checks), "host": host, "profile": asdict(profile),
        "figures": {endpoint: asdict(figures) for endpoint, figures in recorder.figures().items()},
        "failures": {endpoint: dict(reasons) for endpoint, reasons in recorder.failures().items()},
        "missed": [asdict(check) for check in checks if not check.met],
    }


def _line(check: Check) -> str:
    name, unit, direction, factor, decimals = COLUMNS[check.measure]
    measured = "none" if check.measured is None else f"{check.measured * factor:.{decimals}f} {unit}".rstrip()
    target = f"{direction} {check.target * factor:g} {unit}".rstrip()
    return f"{check.endpoint:<10}{name:<12}{measured:>12}{target:>14}  {'ok' if check.met else 'MISSED'}"
