"""Print the output of commands: the outcome on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ReportProgress = Callable[[int, int, str], None]


def fail(message: str, status: int) -> int:
    """Print an error and return the exit status."""
    print(f"shotwise: {message}", file=sys.stderr)
    return status


def note(text: str) -> None:
    """Print a line about the progress of a command."""
    print(text, file=sys.stderr)


@contextmanager
def progress_bar() -> Iterator[ReportProgress]:
    """Show the progress of long work: a bar on a terminal, one line per step elsewhere.

    Yields
    ------
    callable
        Takes the number of steps done, the number of all steps, and the name of the current step.
    """
    from tqdm import tqdm

    with tqdm(total=0, disable=None, leave=False, bar_format="{n_fmt}/{total_fmt} {bar:24} {elapsed} {desc}") as bar:
        def show(done: int, steps: int, step: str) -> None:
            if bar.disable:
                note(f"{done}/{steps} {step}")
            else:
                bar.total, bar.n = steps, done
                bar.set_description_str(step)

        yield show


def print_json(content: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(content, ensure_ascii=False, indent=2))
