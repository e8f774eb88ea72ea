"""Wait until a service shows a change."""

from __future__ import annotations

import math
from collections.abc import Callable

from shotwise.errors import KnowledgeError


def wait_until(is_done: Callable[[], bool], failure: str, *, seconds: float, pause: float,
               sleep: Callable[[float], None]) -> None:
    """Call `is_done` until it returns True, with a pause after each call.

    Raises
    ------
    KnowledgeError
        `is_done` still returns False after pauses of `seconds` in all. The message begins with `failure`.
    """
    for _ in range(math.ceil(seconds / pause)):
        if is_done():
            return
        sleep(pause)
    if not is_done():
        raise KnowledgeError(f"{failure} within {seconds:.0f} s")
