"""Waiting for a service that shows a change only later."""

from __future__ import annotations

import math
from collections.abc import Callable

from shotwise.errors import KnowledgeError


def wait_until(is_done: Callable[[], bool], failure: str, *, seconds: float, pause: float,
               sleep: Callable[[float], None]) -> None:
    """Ask again after each pause.

    Raises
    ------
    KnowledgeError
        If it is not done after pauses of `seconds` altogether. The message begins with `failure`.
    """
    for _ in range(math.ceil(seconds / pause)):
        if is_done():
            return
        sleep(pause)
    if not is_done():
        raise KnowledgeError(f"{failure} within {seconds:.0f} s")
