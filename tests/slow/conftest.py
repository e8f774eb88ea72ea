"""Fixtures of the slow tests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import ROOT, Stack, python313, stack, taking_turns


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all tests that only read."""
    with stack(tmp_path_factory.mktemp("stack") / "home") as opened:
        yield opened


@pytest.fixture(scope="session")
def built() -> None:
    """Run `make build`, so that what is tested is what is deployed; once for all workers of a run."""
    run, done = os.environ.get("PYTEST_XDIST_TESTRUNUID", ""), ROOT / ".aws-sam/tested-by.txt"
    with taking_turns("build"):
        if not run or not done.exists() or done.read_text("utf-8") != run:
            make_build()
            done.write_text(run, "utf-8")


def make_build() -> None:
    """Build all functions and layers, with Lambda's version of Python on PATH."""
    environ = {**os.environ, "SAM_CLI_TELEMETRY": "0", "PATH": f"{python313().parent}:{os.environ['PATH']}"}
    process = subprocess.run(["make", "build"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900,
                          check=False)
    assert process.returncode == 0, process.stderr[-2000:]


@pytest.fixture(scope="session")
def shot() -> dict[str, Any]:
    """events/shot.json: a real defective shot."""
    payload: dict[str, Any] = json.loads(Path(ROOT / "events/shot.json").read_text("utf-8"))
    return payload
