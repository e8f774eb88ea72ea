"""What every command writes: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def fail(message: str, status: int) -> int:
    """Say what is wrong and hand the exit status back."""
    print(f"shotwise: {message}", file=sys.stderr)
    return status


def note(text: str) -> None:
    """Tell how far things are."""
    print(text, file=sys.stderr)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal, a line a step elsewhere; tell it the steps done, all steps, and what is done now."""
    from tqdm import tqdm

    with tqdm(total=0, disable=None, leave=False, bar_format="{n_fmt}/{total_fmt} {bar:24} {elapsed} {desc}") as bar:
        def show(done: int, steps: int, what: str) -> None:
            if bar.disable:
                note(f"{done}/{steps} {what}")
            else:
                bar.total, bar.n = steps, done
                bar.set_description_str(what)

        yield show


def print_json(content: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(content, ensure_ascii=False, indent=2))
