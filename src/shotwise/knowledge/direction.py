"""Which way a value is off: what a line says of low values is no answer to a question about high ones."""

from __future__ import annotations

from collections.abc import Set

# As `tokens` spells them. P1 and P99 end a process window; a remedy that raises is one for a value that is low.
_LOW = frozenset(("낮으", "짧으", "얇으", "아래", "low"))
_HIGH = frozenset(("높으", "두꺼", "길면", "길어", "김", "high"))
_LOW_REMEDY = _LOW | {"p1", "올리", "올려", "늘리", "늘려"}
_HIGH_REMEDY = _HIGH | {"p99", "낮추", "낮춰", "줄이", "줄여"}


def contradicts(said: Set[str], topic: Set[str], *, remedy: bool) -> bool:
    """Whether a line with the tokens `said` speaks of the other direction alone than the tokens of `topic` do."""
    low, high = (_LOW_REMEDY, _HIGH_REMEDY) if remedy else (_LOW, _HIGH)
    if bool(topic & _LOW) == bool(topic & _HIGH):
        return False
    same, other = (low, high) if topic & _LOW else (high, low)
    return bool(said & other) and not said & same
