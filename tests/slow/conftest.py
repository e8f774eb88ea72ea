"""Fixtures of the slow tier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import ROOT, Stack, sam, stack


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One API for all tests that only ask."""
    with stack(tmp_path_factory.mktemp("stack") / "home") as opened:
        yield opened


@pytest.fixture(scope="session")
def built() -> None:
    """`sam build` has passed."""
    done = sam("build")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="session")
def shot() -> dict[str, Any]:
    """events/shot.json: a real defective shot."""
    found: dict[str, Any] = json.loads(Path(ROOT / "events/shot.json").read_text("utf-8"))
    return found
