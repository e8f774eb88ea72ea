"""Waiting for a service ends."""

from __future__ import annotations

import pytest

from shotwise.adapters.polling import wait_until
from shotwise.errors import KnowledgeError


def test_waiting_ends() -> None:
    """Waiting ends at once, after pauses, or with an error."""
    pauses: list[float] = []
    answers = iter([True, False, False, True])
    for _ in range(2):
        wait_until(lambda: next(answers), "late", seconds=10, pause=5, sleep=pauses.append)
    assert pauses == [5, 5]
    with pytest.raises(KnowledgeError, match="^late within 10 s$"):
        wait_until(lambda: False, "late", seconds=10, pause=5, sleep=pauses.append)
