"""The stack, and commands that write documents, are killed at any moment: what was acknowledged is there afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sizes import sizes
from slow.running import Stack

from .client import Load, call
from .harness import RIGHT, Ledger, Scenario, Tally, Verdict, lost
from .pdfs import heavy, marked
from .stacks import documents, kill, served, upload, wait_until

ROOT = Path(__file__).parents[2]
SHOTWISE = (sys.executable, "-m", "shotwise_cli.main")
SEED, UPLOADERS, MAX_KILL_S = 2026, 2, 0.6


@sizes(short=2, long=40)
def test_acknowledged_uploads_survive(ledger: Ledger, tmp_path: Path, times: int) -> None:
    """Each upload that was answered with 200 before a SIGKILL is listed with its version, and its file is whole."""
    dice, acknowledged, uploads = random.Random(SEED), {}, 0
    with ledger.scenario("kill during uploads", "SIGKILL of the stack while two clients upload documents") as tally:
        for number in range(times):
            with served(tmp_path / "home") as opened:
                look(opened, acknowledged, tally)
                acknowledged, sent = upload_until_killed(opened, number, dice.uniform(0.05, MAX_KILL_S))
                tally.injections += 1
                uploads += sent
        with served(tmp_path / "home") as opened:
            look(opened, acknowledged, tally)
            names = set(documents(opened.api))
        tally.measure("uploads that the kill cut off", uploads - tally.outcomes["right"], "")
        assert uploads > tally.outcomes["right"], "no kill came in the middle of an upload"
        assert len([name for name in names if name.startswith("kill")]) >= tally.outcomes["right"]


def upload_until_killed(opened: Stack, number: int, seconds: float) -> tuple[dict[str, bytes], int]:
    """Upload documents until the stack is killed. Returns those acknowledged, and how many were sent."""
    contents: dict[str, bytes] = {}

    def send(count: int) -> Any:
        name = f"kill {number} {count}.pdf"
        contents[name] = marked(f"valve{number}x{count}")
        return upload(opened.api, name, contents[name])

    with Load(send, UPLOADERS, pause_s=0.03) as load:
        time.sleep(seconds)
        kill(opened)
    acknowledged = {answer.question for answer in load.answers if answer.status == 200}
    cut_off = [answer for answer in load.answers if answer.status == 0][:UPLOADERS]  # later ones met no stack at all
    return {name: contents[name] for name in acknowledged}, len(acknowledged) + len(cut_off)


def look(opened: Stack, acknowledged: dict[str, bytes], tally: Tally) -> None:
    """Count which of the acknowledged documents are there."""
    wait_until(lambda: all(documents(opened.api).get(name, {}).get("version") for name in acknowledged), 60)
    entries = documents(opened.api)
    for name, content in acknowledged.items():
        file = call(opened.api, f"/documents/{name.replace(' ', '%20')}")
        if not entries.get(name, {}).get("version"):
            tally.count(lost(f"not listed after the restart: {entries.get(name)}"))
        else:
            tally.count(RIGHT if file.body == content else lost(f"another file after the restart: {file.status}"))


def shotwise(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command with a home of its own; its reports can be read line by line."""
    return subprocess.Popen([*SHOTWISE, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True,
                            env={**os.environ, "SHOTWISE_HOME": str(home), "PYTHONUNBUFFERED": "1"})


def listed(home: Path) -> dict[str, dict[str, Any]]:
    """What `shotwise documents` lists."""
    process = subprocess.run([*SHOTWISE, "documents", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                             check=True, env={**os.environ, "SHOTWISE_HOME": str(home)})
    return {entry["name"]: entry for entry in json.loads(process.stdout)["documents"]}


@sizes(short=2, long=15)
def test_added_documents_survive(ledger: Ledger, tmp_path: Path, times: int) -> None:
    """Each document that `ingest` named as added before a SIGKILL is listed, and its file is kept whole."""
    dice, folder = random.Random(SEED), tmp_path / "new"
    folder.mkdir()
    for number in range(5):
        (folder / f"heavy {number}.pdf").write_bytes(heavy(f"pump{number}"))

    @contextmanager
    def inject(number: int) -> Iterator[tuple[Path, list[str]]]:
        home, lines = tmp_path / f"home {number}", dice.randint(1, 4)
        yield home, names_added_until_killed(shotwise(home, "ingest", str(folder)), lines)

    def ask(_: int, broken: tuple[Path, list[str]]) -> Iterator[tuple[str, Path, Any]]:
        home, names = broken
        assert 0 < len(names) < 5, "the kill did not come in the middle"
        entries = listed(home)
        return ((name, home / "documents" / name, entries.get(name)) for name in names)

    def judge(answer: tuple[str, Path, Any]) -> Verdict:
        name, path, entry = answer
        if not path.is_file() or path.read_bytes() != (folder / name).read_bytes():
            return lost("named as added, but its file was not kept")
        return RIGHT if entry and entry["version"] else lost(f"named as added, but not listed: {entry}")

    with ledger.scenario("kill during ingest", "SIGKILL of `shotwise ingest` right after it named a document") as tally:
        Scenario(inject, ask, judge).run(times, tally)


def names_added_until_killed(process: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill an ingest as soon as it has named so many documents as added; returns their names."""
    names: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        if "heavy" in line and "added" in line:
            names.append(line[line.index("heavy"):line.index(".pdf") + 4])
            if len(names) == lines:
                os.killpg(process.pid, signal.SIGKILL)
                break
    process.stdout.close()
    process.wait()
    return names


@sizes(short=1, long=6)
def test_reading_commands_drop_nothing(ledger: Ledger, tmp_path: Path, times: int) -> None:
    """After an ingest with `shotwise documents` and `ask` beside it, every document that it added is listed."""
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(8):
        (folder / f"heavy {number}.pdf").write_bytes(heavy(f"pump{number}", 1))

    @contextmanager
    def inject(number: int) -> Iterator[tuple[Path, list[str]]]:
        home = tmp_path / f"home {number}"
        listed(home)
        ingest = shotwise(home, "ingest", str(folder))
        while ingest.poll() is None:
            for process in (shotwise(home, "documents", "--json"), shotwise(home, "ask", "비스킷 두께는?")):
                process.communicate(timeout=120)
        assert ingest.stdout is not None and ingest.returncode == 0, ingest.stdout and ingest.stdout.read()
        ingest.stdout.close()
        yield home, sorted(path.name for path in folder.iterdir())

    def ask(_: int, broken: tuple[Path, list[str]]) -> Iterator[Any]:
        entries = listed(broken[0])
        return (entries.get(name) for name in broken[1])

    with ledger.scenario("reading during ingest", "`shotwise documents` and `ask` beside `shotwise ingest`") as tally:
        Scenario(inject, ask, lambda entry: RIGHT if entry and entry["version"] else lost("not listed")).run(
            times, tally)
