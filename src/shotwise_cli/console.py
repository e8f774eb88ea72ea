"""Print the output of commands: the outcome on standard output, everything else on standard error.

Nothing else of the command line prints, because what is printed comes from outside in part (names of files, keys of
JSON, cells of tables, text of documents): only here it is made harmless for a terminal.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from shotwise.hidden_characters import hidden_characters, visible, visible_lines

ReportProgress = Callable[[int, int, str], None]


def show(text: str, *, end: str = "\n") -> None:
    """Print the outcome of a command for people. Line ends stay, other hidden characters become visible escapes."""
    _print(visible_lines(text) + end, sys.stdout)


def fail(message: str, status: int, details: Sequence[str] = ()) -> int:
    """Print an error, a line for it and for each of its details, and return the exit status."""
    for line in (f"shotwise: {message}", *details):
        note(line)
    return status


def note(text: str) -> None:
    """Print a line about the progress of a command."""
    _print(visible(text) + "\n", sys.stderr)


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
        def show_step(done: int, steps: int, step: str) -> None:
            if bar.disable:
                note(f"{done}/{steps} {step}")
            else:
                bar.total, bar.n = steps, done
                bar.set_description_str(visible(step))

        yield show_step


def print_json(content: Any) -> None:
    """Print one JSON document. Hidden characters, and those that the output's encoding lacks, are escapes of JSON."""
    text = json.dumps(content, ensure_ascii=False, indent=2)
    if not _encodable(text, sys.stdout):
        text = json.dumps(content, indent=2)
    _print("\n".join(_json_visible(line) for line in text.split("\n")) + "\n", sys.stdout)


def _json_visible(line: str) -> str:
    """Escape the hidden characters of a line of JSON, which are all within its strings."""
    hidden = {position for position, _ in hidden_characters(line)}
    return "".join(json.dumps(character)[1:-1] if position in hidden else character
                   for position, character in enumerate(line)) if hidden else line


def _encodable(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _print(text: str, stream: TextIO) -> None:
    """Write a text; characters that the stream's encoding lacks become escapes."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
        stream.reconfigure(errors="backslashreplace")
    stream.write(text)
