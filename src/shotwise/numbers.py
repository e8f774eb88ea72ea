"""Read the numbers of query strings and settings, by one strict rule.

`int` and `float` take more than a reader sees: spaces, underscores, digits of other scripts, NaN. What is refused here
is refused for every caller, who words the error.
"""

from __future__ import annotations

import re

from shotwise.limits import MAX_NUMBER_CHARACTERS

_WHOLE = re.compile("0|[1-9][0-9]*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")  # a number of JSON


def whole_number(text: str, low: int, high: int) -> int | None:
    """Return the whole number from `low` to `high` that the text is, in plain digits; None for any other text."""
    if len(text) > MAX_NUMBER_CHARACTERS or not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if low <= number <= high else None


def decimal_number(text: str, low: float, high: float) -> float | None:
    """Return the number from `low` to `high` that the text is, as JSON writes numbers; None for any other text."""
    if len(text) > MAX_NUMBER_CHARACTERS or not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if low <= number <= high else None
