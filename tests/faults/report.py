"""Write docs/reliability.md from the tallies of a run."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .harness import Outcome, Tally

ROOT = Path(__file__).parents[2]
INTRODUCTION = """\
# Reliability

Made by `make test-long`; do not edit. Each scenario of `tests/faults` starts a stack, breaks one part of it, asks, and
judges every answer:

- right: what an undisturbed stack answers, to the last digit;
- degraded: less, in the way that the API description specifies: 503 with `Retry-After`, 504, or a reply that names the
  step that failed and is right in all other parts;
- wrong: any other answer;
- lost: no answer at all, or something that was acknowledged and is not there afterwards.
"""


def report(tallies: Sequence[Tally]) -> str:
    """The page as Markdown."""
    seconds = sum(tally.seconds for tally in tallies)
    head = (f"Run on {datetime.now(UTC):%Y-%m-%d} at commit `{commit()}`, in {seconds / 60:.0f} minutes, on "
            f"{os.cpu_count()} cores with {platform.system()} and Python {platform.python_version()}.")
    parts = [INTRODUCTION, head, "## Answers", "\n".join(_answers(tallies)), "## Figures", "\n".join(_figures(tallies))]
    flaws = [f"- {tally.name}: {count} × {flaw}" for tally in tallies for flaw, count in tally.flaws.most_common()]
    flaws += [f"- {tally.name}: did not complete ({tally.error})" for tally in tallies if tally.error]
    if flaws:
        parts += ["## What was wrong", "\n".join(flaws)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _answers(tallies: Sequence[Tally]) -> list[str]:
    lines = [f"| scenario | injected | times | {' | '.join(Outcome)} | seconds |", "|---|---|---|---|---|---|---|---|"]
    for tally in tallies:
        counts = " | ".join(f"{tally.outcomes[outcome]:,}" for outcome in Outcome)
        lines.append(f"| {tally.name} | {tally.fault} | {tally.injections:,} | {counts} | {tally.seconds:.0f} |")
    totals = [f"**{sum(tally.outcomes[outcome] for tally in tallies):,}**" for outcome in Outcome]
    return [*lines, f"| **all** | {len(tallies)} kinds of faults | "
                    f"{sum(tally.injections for tally in tallies):,} | {' | '.join(totals)} | "
                    f"{sum(tally.seconds for tally in tallies):.0f} |"]


def _figures(tallies: Sequence[Tally]) -> list[str]:
    verdicts = {True: "met", False: "**missed**", None: "shown only"}
    return ["| scenario | measured | value | limit | |", "|---|---|---|---|---|",
            *(f"| {tally.name} | {figure.name} | {figure.value} | {figure.limit or 'none'} | {verdicts[figure.met]} |"
              for tally in tallies for figure in tally.figures)]


def commit() -> str:
    """The commit of the checkout, with a plus if tracked files of the code differ from it."""
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/reliability.md")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")
