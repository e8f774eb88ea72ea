"""The page, or the process that serves it, is killed: the page comes back, and no port stays taken."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sizes import only_long
from slow.running import Stack, ask

from .harness import DEGRADED, RIGHT, Ledger, Scenario, Verdict, lost, wrong
from .stacks import SERVE, command_of, is_free, is_running, process_tree, served, wait_until

UI = (*SERVE, "--ui")
MAX_BACK_S, MAX_FREE_S = 20, 5


def is_page_up(opened: Stack) -> bool:
    """Whether the page answers."""
    try:
        return ask(f"{opened.ui}/_stcore/health", seconds=2).status == 200
    except OSError:
        return False


def page_pid(opened: Stack) -> int:
    """The process of Streamlit."""
    for pid in process_tree(opened.process.pid):
        if "streamlit" in command_of(pid):
            return pid
    raise AssertionError("there is no page to kill")


@only_long(3)
def test_a_killed_page_comes_back(ledger: Ledger, tmp_path: Path, times: int) -> None:
    """It answers again, or the terminal says that it is gone; the API answers all the time."""
    @contextmanager
    def inject(number: int) -> Iterator[tuple[Stack, int]]:
        with served(tmp_path / f"home {number}", command=UI) as opened:
            assert wait_until(lambda: is_page_up(opened), 60) < 60
            printed = opened.console.stat().st_size
            os.kill(page_pid(opened), signal.SIGKILL)
            assert wait_until(lambda: not is_page_up(opened), 5) < 5
            yield opened, printed

    def look(_: int, broken: tuple[Stack, int]) -> Iterator[Any]:
        opened, printed = broken
        yield ask(f"{opened.api}/health").status == 200 or "the API does not answer"
        if wait_until(lambda: is_page_up(opened), MAX_BACK_S) <= MAX_BACK_S:
            yield True
        else:
            yield opened.console.read_text("utf-8")[printed:]

    def judge(answer: Any) -> Verdict:
        if answer is True:
            return RIGHT
        return DEGRADED if "page" in answer else wrong(f"the page is gone and nobody says so: {answer!r}")

    with ledger.scenario("kill of the page", "SIGKILL of the process of the page") as tally:
        Scenario(inject, look, judge).run(times, tally)


@only_long(5)
def test_no_port_stays_taken(ledger: Ledger, tmp_path: Path, times: int) -> None:
    """Five seconds after a SIGKILL of the parent alone, both ports are free and no process of it is left."""
    @contextmanager
    def inject(number: int) -> Iterator[tuple[Stack, list[int]]]:
        with served(tmp_path / f"home {number}", command=UI) as opened:
            assert wait_until(lambda: is_page_up(opened), 60) < 60
            processes = process_tree(opened.process.pid)
            assert len(processes) > 1
            try:
                os.kill(opened.process.pid, signal.SIGKILL)
                opened.process.wait()
                yield opened, processes
            finally:
                end(processes)

    def look(_: int, broken: tuple[Stack, list[int]]) -> Iterator[str]:
        opened, processes = broken
        wait_until(lambda: is_free(opened.api) and is_free(opened.ui) and not any(map(is_running, processes)),
                   MAX_FREE_S)
        yield "" if is_free(opened.api) and is_free(opened.ui) else "a port is taken"
        yield "".join(f"{command_of(pid)} is left" for pid in processes if is_running(pid))

    with ledger.scenario("kill of the parent", "SIGKILL of the serving process alone") as tally:
        Scenario(inject, look, lambda flaw: lost(flaw) if flaw else RIGHT).run(times, tally)


def end(processes: list[int]) -> None:
    """End what a killed parent left behind."""
    for pid in processes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
