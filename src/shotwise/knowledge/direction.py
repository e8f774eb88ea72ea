"""Which way a value is off: what a line says of low values is no answer to a question about high ones."""

from __future__ import annotations

from collections.abc import Set

# Morphemes. P1 and P99 end a process window; a remedy that raises is one for a value that is low.
_LOW = frozenset(("낮", "짧", "얇", "아래", "모자라", "부족"))
_HIGH = frozenset(("높", "두껍", "길", "지나치", "과다"))
_LOW_REMEDY = _LOW | {"p1", "올리", "늘리", "높이"}
_HIGH_REMEDY = _HIGH | {"p99", "낮추", "줄이"}


def contradicts(said: Set[str], topic: Set[str], *, remedy: bool) -> bool:
    """Whether a line with the terms `said` speaks of the other direction alone than the terms of `topic` do."""
    low, high = (_LOW_REMEDY, _HIGH_REMEDY) if remedy else (_LOW, _HIGH)
    if bool(topic & _LOW) == bool(topic & _HIGH):
        return False
    same, other = (low, high) if topic & _LOW else (high, low)
    return bool(said & other) and not said & same
