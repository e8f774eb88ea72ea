"""`make smoke` against the running stack: it passes there, and it fails when something is wrong."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import ROOT, Stack, ask, stack

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "shotwise_tools.smoke"]
STEPS = ["api", "closed", "upload", "read", "ask", "open", "diagnose", "chart", "remove", "logs"]


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose documents change."""
    with stack(tmp_path_factory.mktemp("smoke") / "home") as opened:
        yield opened


def smoke(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the smoke test to its end."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False,
                          cwd=ROOT)


def left(own_stack: Stack) -> list[str]:
    """Return the documents that a smoke test has left."""
    documents = ask(f"{own_stack.api}/documents").json()["documents"]
    return [document["name"] for document in documents if document["name"].startswith("shotwise-smoke-")]


def test_the_local_stack_passes(own_stack: Stack, record_property: pytest.TestReport) -> None:
    """By `make smoke`: every step with its seconds, status 0, no document left."""
    done = subprocess.run(["make", "--no-print-directory", "smoke", f"URL={own_stack.api}",
                           f"LOGS={own_stack.home / 'logs/api.log'}"],
                          cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^smoke: (\w+) +[\d.]+ s  (?!FAILED)", done.stdout, re.M) == STEPS
    assert "page 2" in done.stdout and left(own_stack) == []
    print(f"\n{done.stdout}")


def test_several_at_once_do_not_disturb_each_other(own_stack: Stack) -> None:
    """Each asks about words of its own."""
    running = [subprocess.Popen([*COMMAND, "--url", own_stack.api], stdout=subprocess.PIPE, text=True, cwd=ROOT)
               for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert left(own_stack) == []


def test_an_error_in_the_log_is_a_failure(own_stack: Stack, tmp_path: Path) -> None:
    """One that comes while it runs; one from before is none of its business."""
    log = tmp_path / "api.log"
    error = json.dumps({"level": "ERROR", "message": "failed"})
    log.write_text(f"{error}\n", "utf-8")
    with subprocess.Popen([*COMMAND, "--url", own_stack.api, "--logs", str(log)], stdout=subprocess.PIPE, text=True,
                          cwd=ROOT) as run:
        assert run.stdout and run.stdout.readline().startswith("smoke: api")
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{error}\n")
        output = run.stdout.read()
    assert run.returncode == 1 and "FAILED: 1 lines report an error" in output and error in output
    assert left(own_stack) == []


def test_a_terminated_run_leaves_no_document(own_stack: Stack) -> None:
    """SIGTERM, as a cancelled pipeline sends it, in the middle of it."""
    with subprocess.Popen([*COMMAND, "--url", own_stack.api], stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout
        while not run.stdout.readline().startswith("smoke: upload"):
            assert run.poll() is None
        run.send_signal(signal.SIGTERM)
        output = run.stdout.read()
    assert run.returncode == 143 and "is removed" in output
    end = time.monotonic() + 30
    while left(own_stack):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_api_that_is_away_and_bad_input_have_different_statuses(tmp_path: Path) -> None:
    """Status 1 and 2, neither with a traceback."""
    away = smoke("--url", "http://127.0.0.1:9")
    assert away.returncode == 1 and "no answer" in away.stdout
    bad = smoke("--url", "http://127.0.0.1:9", "--logs", str(tmp_path / "absent.log"))
    assert bad.returncode == 2 and "absent.log cannot be read" in bad.stderr
    assert smoke().returncode == 2
    assert "Traceback" not in away.stderr + bad.stderr
