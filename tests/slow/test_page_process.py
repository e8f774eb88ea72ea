"""The page of a running stack when it, or the stack, is killed or cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .running import ROOT, Stack, ask, free_port, stack, stop, wait_for
from .test_page import listens

pytestmark = pytest.mark.slow

SERVE = [sys.executable, "-m", "shotwise_cli.main", "serve", "--ui"]


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait until a condition is met, and return the seconds that took; fail if it takes too long."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not met within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - start


def page_process(parent: int) -> int:
    """The id of the page's process."""
    table = subprocess.run(["ps", "-axwwo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    (process,) = [int(row[0]) for row in rows if int(row[1]) == parent and "streamlit" in row[2]]
    return process


def says(running: Stack, text: str) -> bool:
    """Whether the terminal shows this."""
    return text in running.console.read_text("utf-8")


def test_the_page_ends_with_a_stack_that_is_killed(tmp_path: Path) -> None:
    """Its port is free within 5 s, and the next start on it works."""
    with stack(tmp_path / "home", ui=True) as running:
        wait_for(f"{running.ui}/_stcore/health", running.process)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
        port = urlsplit(running.ui).port
        print(f"\nport free after {wait_until(lambda: not listens(port), 5):.1f} s")
    with stack(tmp_path / "next", command=["env", f"SHOTWISE_UI_PORT={port}", *SERVE]) as again:
        wait_for(f"{running.ui}/_stcore/health", again.process)
        wait_until(lambda: says(again, f"the page is ready at {running.ui}"), 5)


def test_a_page_that_is_killed_comes_back(tmp_path: Path) -> None:
    """Within 15 s, with what happened on the terminal, and the API goes on meanwhile."""
    with stack(tmp_path / "home", ui=True) as running:
        wait_until(lambda: says(running, "the page is ready at"), 60)
        for repeat in (1, 2):
            os.kill(page_process(running.process.pid), signal.SIGKILL)
            wait_until(lambda: says(running, "the page stopped (SIGKILL) and is started again"), 5)
            assert ask(f"{running.api}/health").status == 200
            again = f"the page is ready again at {running.ui}"
            seconds = wait_until(lambda: running.console.read_text("utf-8").count(again) == repeat, 15)  # noqa: B023
            print(f"\npage back after {seconds:.1f} s")
            assert ask(f"{running.ui}/_stcore/health").status == 200


def test_a_terminal_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    """API and page start, a killed page comes back, and SIGTERM ends both with status 0."""
    api_port, ui_port = free_port(), free_port()
    environ = {**os.environ, "SHOTWISE_HOME": str(tmp_path / "home"), "SHOTWISE_API_PORT": str(api_port),
               "SHOTWISE_UI_PORT": str(ui_port)}
    reading, writing = os.pipe()
    process = subprocess.Popen(SERVE, cwd=ROOT, env=environ, stdout=writing, stderr=writing, start_new_session=True)
    os.close(reading)
    os.close(writing)
    try:
        api, page = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{ui_port}"
        wait_for(f"{page}/_stcore/health", process)
        os.kill(page_process(process.pid), signal.SIGKILL)
        wait_until(lambda: not listens(ui_port), 5)
        wait_until(lambda: listens(ui_port), 15)
        assert ask(f"{page}/_stcore/health").status == ask(f"{api}/health").status == 200
    finally:
        stop(process)
    assert process.returncode == 0


def test_a_page_that_cannot_start_leaves_the_api_alone(tmp_path: Path) -> None:
    """After three more tries it is given up, the terminal and ui.log say why, and the API goes on until SIGTERM."""
    with stack(tmp_path / "home", command=["env", "SHOTWISE_ALLOWED_HOSTS=https://page", *SERVE]) as running:
        wait_until(lambda: says(running, "the page stopped 4 times (status 1); the API goes on without it"), 60)
        assert running.console.read_text("utf-8").count("is started again") == 3
        assert ask(f"{running.api}/health").status == 200
        assert "SHOTWISE_ALLOWED_HOSTS has 'https://page'" in (running.home / "logs/ui.log").read_text("utf-8")
    assert running.process.returncode == 0
