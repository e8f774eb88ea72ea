"""The ledger of a run, the undisturbed stack that answers are compared with, and the report at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Ledger
from .judge import Reference
from .report import report
from .stacks import served

LEDGER = pytest.StashKey[Ledger]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make test-long` uses."""
    parser.addoption("--reliability-report", type=Path, help="write the tallies of the run to this page")


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty ledger."""
    config.stash[LEDGER] = Ledger()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, also of a run that failed."""
    path, tallies = session.config.getoption("--reliability-report", None), session.config.stash[LEDGER].tallies
    if path and tallies:
        path.write_text(report(tallies), "utf-8")


@pytest.fixture(scope="session")
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """The tallies of this run."""
    return pytestconfig.stash[LEDGER]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """What an undisturbed stack answers."""
    with served(tmp_path_factory.mktemp("undisturbed") / "home") as opened:
        yield Reference(opened.api)
