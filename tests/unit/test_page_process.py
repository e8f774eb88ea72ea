"""The supervision of the page's process, with small commands in its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shotwise.limits import MAX_LOG_BYTES
from shotwise_local.page_process import PageSupervisor

URL = "http://127.0.0.1:8501"
FOREVER = "import time; time.sleep(60)"
READY = f"shotwise: the page is ready at {URL} (Ctrl-C stops both)"


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until a condition is met; fail if it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not met in time"
        time.sleep(0.01)


class Watched:
    """A supervisor of a Python program, with what it reports, and the log that it writes."""

    def __init__(self, folder: Path, program: str, pauses: tuple[float, ...] = (0.0, 0.0), *,
                 command: list[str] | None = None) -> None:
        self.lines: list[str] = []
        self.log = folder / "logs/ui.log"
        self.starts = folder / "starts"
        folder.mkdir(exist_ok=True)
        program = f"import os; open({str(self.starts)!r}, 'a').write(f'{{os.getpid()}}\\n')\n{program}"
        self.supervisor = PageSupervisor(command or [sys.executable, "-S", "-c", program], os.environ, self.log,
                                         self.lines.append, url=URL, is_ready=lambda: True, pauses=pauses)

    def processes(self) -> list[int]:
        """The ids of the processes that were started, in order."""
        return [int(line) for line in self.starts.read_text().splitlines()] if self.starts.exists() else []


def is_alive(process: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    command = ["ps", "-o", "stat=", "-p", str(process)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_a_page_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """The terminal says that it stopped, why, and that it is back."""
    watched = Watched(tmp_path, FOREVER)
    with watched.supervisor:
        wait_until(lambda: READY in watched.lines)
        os.kill(watched.processes()[0], signal.SIGKILL)
        wait_until(lambda: len(watched.lines) == 3)
    assert watched.lines == [READY, "shotwise: the page stopped (SIGKILL) and is started again",
                             f"shotwise: the page is ready again at {URL}"]
    assert len(watched.processes()) == 2 and not any(map(is_alive, watched.processes()))


def test_a_page_that_cannot_start_is_given_up(tmp_path: Path) -> None:
    """After as many new starts as there are pauses it is left, and the terminal says where to look."""
    watched = Watched(tmp_path, "raise SystemExit(7)", pauses=(0.0, 0.0, 0.0))
    with watched.supervisor:
        wait_until(lambda: any("goes on without it" in line for line in watched.lines))
        time.sleep(0.2)
    assert watched.lines == ["shotwise: the page stopped (status 7) and is started again"] * 3 + [
        f"shotwise: the page stopped 4 times (status 7); the API goes on without it; see {watched.log}"]
    assert len(watched.processes()) == 4


def test_a_command_that_cannot_run_is_given_up(tmp_path: Path) -> None:
    """As where the machine has no process left."""
    watched = Watched(tmp_path, "", command=["/nowhere/python"])
    with watched.supervisor:
        wait_until(lambda: len(watched.lines) == 3)
    assert "stopped 3 times (No such file or directory)" in watched.lines[-1]


def test_the_pauses_are_kept(tmp_path: Path) -> None:
    """A page that stops at once does not take the machine's time."""
    watched, start = Watched(tmp_path, "raise SystemExit(1)", pauses=(0.5, 1.0)), time.monotonic()
    with watched.supervisor:
        wait_until(lambda: len(watched.lines) == 3)
    assert time.monotonic() - start >= 1.5


def test_the_end_of_the_context_ends_the_page(tmp_path: Path) -> None:
    """Nothing is started again, and nothing is reported as stopped."""
    watched = Watched(tmp_path, FOREVER)
    with watched.supervisor:
        wait_until(lambda: READY in watched.lines)
    assert watched.lines == [READY] and not is_alive(watched.processes()[0])


def test_the_end_does_not_wait_for_a_pause(tmp_path: Path) -> None:
    """Also while the page waits to be started again."""
    watched = Watched(tmp_path, "raise SystemExit(1)", pauses=(60.0,))
    with watched.supervisor:
        wait_until(lambda: len(watched.lines) == 1)
        start = time.monotonic()
    assert time.monotonic() - start < 1 and len(watched.processes()) == 1


@pytest.mark.slow
def test_a_page_that_does_not_heed_is_killed(tmp_path: Path) -> None:
    """Within 5 s it is gone, whatever it does with SIGTERM."""
    watched = Watched(tmp_path, f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}")
    with watched.supervisor:
        wait_until(lambda: READY in watched.lines)
        start = time.monotonic()
    assert time.monotonic() - start < 5 and not is_alive(watched.processes()[0])


def test_its_output_is_logged(tmp_path: Path) -> None:
    """Both streams, as lines of JSON, in any encoding."""
    program = "import os; os.write(1, '정상\\n'.encode()); os.write(2, b'\\xff broken\\n')\n" + FOREVER
    watched = Watched(tmp_path, program)
    with watched.supervisor:
        wait_until(lambda: watched.log.exists() and "broken" in watched.log.read_text("utf-8"))
    messages = "\n".join(json.loads(line)["message"] for line in watched.log.read_text("utf-8").splitlines())
    assert "정상" in messages and "\ufffd broken" in messages


def test_its_log_has_a_bound(tmp_path: Path) -> None:
    """What it writes without an end does not fill the disk."""
    program = f"import os\nfor _ in range(26): os.write(1, (b'x' * 1023 + b'\\n') * {MAX_LOG_BYTES // 1024 // 4})"
    watched = Watched(tmp_path, program, pauses=())
    with watched.supervisor:
        wait_until(lambda: bool(watched.lines) and "goes on" in watched.lines[-1], 60)
    assert watched.log.stat().st_size <= MAX_LOG_BYTES and watched.log.with_name("ui.log.1").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_does_not_stop_it(tmp_path: Path) -> None:
    """It goes on writing although nothing of it can be stored."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/ui.log").symlink_to("/dev/full")
    done = tmp_path / "done"
    watched = Watched(tmp_path, f"import os; [os.write(1, b'x' * 1000 + b'\\n') for _ in range(1000)]\n"
                                f"open({str(done)!r}, 'w'); {FOREVER}")
    with watched.supervisor:
        wait_until(done.exists)
        assert is_alive(watched.processes()[0])


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "shotwise_local.page_child", str(os.getpid()), "sleeper", "argument"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> dict[str, str]:
    """The environment with a module that says its arguments in a file and sleeps."""
    (tmp_path / "sleeper.py").write_text(
        f"import sys, time\nopen({str(tmp_path / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:]))\ntime.sleep(60)\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def test_a_child_ends_with_a_parent_that_is_killed(sleeper: dict[str, str], tmp_path: Path) -> None:
    """Within 5 s, and until then the module runs with its arguments."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=sleeper, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout:
        child = int(parent.stdout.readline())
    wait_until(lambda: (tmp_path / "arguments").exists() and (tmp_path / "arguments").read_text() == "argument")
    assert is_alive(child)
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(child), 5)


def test_a_child_of_another_parent_ends_at_once(sleeper: dict[str, str]) -> None:
    """As where its own was killed before the child could look."""
    command = [sys.executable, "-m", "shotwise_local.page_child", "1", "sleeper"]
    assert subprocess.run(command, env=sleeper, timeout=10, check=False).returncode == 1
