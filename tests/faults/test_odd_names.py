"""Folders with names and files that no document may have: the stack starts, names them, and serves the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sizes import sizes
from slow.running import Stack

from .client import call
from .harness import RIGHT, Ledger, Scenario, Verdict, lost, wrong
from .judge import Reference
from .pdfs import marked
from .stacks import documents, served, wait_until

ODD: dict[str, Callable[[Path], None]] = {
    "a name in CP949": lambda folder: _write(folder, "작업표준.pdf".encode("cp949")),
    "a FIFO": lambda folder: os.mkfifo(folder / "pipe.pdf"),
    "a right-to-left override": lambda folder: _write(folder, "plan\u202efdp.pdf".encode()),
    "an escape sequence": lambda folder: _write(folder, b"red\x1b[31m.pdf"),
    "a line break": lambda folder: _write(folder, b"two\nlines.pdf"),
    "a folder": lambda folder: (folder / "folder.pdf").mkdir(),
    "a link to nothing": lambda folder: (folder / "dangling.pdf").symlink_to("nowhere.pdf"),
    "a link to itself": lambda folder: (folder / "loop.pdf").symlink_to("loop.pdf"),
    "a device": lambda folder: (folder / "zero.pdf").symlink_to("/dev/zero"),
    "an empty file": lambda folder: _write(folder, b"empty.pdf", b""),
    "a file that nobody may read": lambda folder: (_write(folder, b"closed.pdf"), (folder / "closed.pdf").chmod(0)),
    "a long name": lambda folder: _write(folder, ("가" * 83 + ".pdf").encode())}
MARKS = {"a name in CP949": "not UTF-8", "a FIFO": "pipe.pdf", "a right-to-left override": "fdp.pdf",
         "an escape sequence": "31m.pdf", "a line break": "lines.pdf", "an empty file": "empty.pdf",
         "a long name": "가가가", "a device": "zero.pdf"}


def _write(folder: Path, name: bytes, content: bytes | None = None) -> None:
    path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118  # pathlib takes no bytes
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(marked("odd") if content is None else content)


@sizes(short=12, long=24)
def test_odd_files_stop_nothing(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """Each of them alone in a folder, and all of them together: a good document beside them is searched."""
    body = json.dumps({"features": reference.shots[0]}).encode()
    kinds = list(ODD)

    @contextmanager
    def inject(number: int) -> Iterator[tuple[Stack, list[str]]]:
        odd = [kinds[number // 2]] if times > len(kinds) and number % 2 else kinds
        folder = tmp_path / f"home{number}/documents"
        folder.mkdir(parents=True)
        for kind in odd:
            ODD[kind](folder)
        (folder / "good.pdf").write_bytes(marked("good"))
        with served(folder.parent) as opened:
            yield opened, odd

    def ask(_: int, broken: tuple[Stack, list[str]]) -> Iterator[Any]:
        opened, odd = broken
        searched = wait_until(lambda: documents(opened.api).get("good.pdf", {}).get("version"), 30) < 30
        yield RIGHT if searched else lost("a good document beside it is not searched")
        yield reference.judge("/predict", body, call(opened.api, "/predict", body))
        marked_kinds = [kind for kind in odd if kind in MARKS]
        # A good document may be searched before the odd ones beside it have been looked at.
        wait_until(lambda: all(MARKS[kind] in _told(opened) for kind in marked_kinds), 30)
        for kind in marked_kinds:
            yield RIGHT if MARKS[kind] in _told(opened) else wrong(f"{kind} is not named")
        printed = opened.console.read_text("utf-8", "backslashreplace")
        yield wrong("the terminal was sent an escape sequence") if "\x1b[31m" in printed else RIGHT

    with ledger.scenario("odd names", f"files in the folder at the start: {', '.join(kinds)}") as tally:
        Scenario(inject, ask, _as_it_is).run(1 if times == len(kinds) else times, tally)


def _told(opened: Stack) -> str:
    """What the terminal and the list of documents tell."""
    listed = "".join(f"{name} {entry['failure']}" for name, entry in documents(opened.api).items())
    return opened.console.read_text("utf-8", "backslashreplace") + listed


@pytest.mark.slow
def test_ingest_does_not_stop_at_them(tmp_path: Path) -> None:
    """`shotwise ingest` of a folder with all of them ends, with status 1, and has added the good document."""
    folder = tmp_path / "new"
    folder.mkdir()
    for write in ODD.values():
        write(folder)
    (folder / "good.pdf").write_bytes(marked("good"))
    process = subprocess.run([sys.executable, "-m", "shotwise_cli.main", "ingest", str(folder), "--json"],
                             cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False,
                             env={**os.environ, "SHOTWISE_HOME": str(tmp_path / "home")})
    outcomes = {outcome["name"]: outcome["state"] for outcome in json.loads(process.stdout)}
    assert process.returncode == 1 and outcomes["good.pdf"] == "added", process.stderr
    assert outcomes["pipe.pdf"] == "failed" and b"\x1b" not in process.stderr and b"Traceback" not in process.stderr


def _as_it_is(verdict: Verdict) -> Verdict:
    return verdict
