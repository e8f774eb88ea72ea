"""Tests that run twice: a short case in `make test-slow`, and a loop in `make test-long`."""

from __future__ import annotations

import pytest


def sizes(*, short: int, long: int, alone: bool = False) -> pytest.MarkDecorator:
    """Run a test with a few `times` in `make test-slow`, on request with nothing beside it, and many in `test-long`."""
    marks = [pytest.mark.slow, *([pytest.mark.alone] if alone else [])]
    return pytest.mark.parametrize("times", [pytest.param(short, marks=marks, id="short"),
                                             pytest.param(long, marks=pytest.mark.long, id="long")])


def only_long(times: int) -> pytest.MarkDecorator:
    """Run a test in `make test-long` alone, because another test shows the same of a single case."""
    return pytest.mark.parametrize("times", [pytest.param(times, marks=pytest.mark.long, id="long")])
