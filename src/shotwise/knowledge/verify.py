"""Proof of what an answer says: every quote is on the page it cites, and speaks of the same direction as the question.

A statement about low values is no answer to a question about high ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from functools import lru_cache

from shotwise.knowledge.ports import PageTexts

# Morphemes. P1 and P99 end a process window; a remedy that raises is one for a value that is low.
_LOW = frozenset(("낮", "짧", "얇", "아래", "모자라", "부족"))
_HIGH = frozenset(("높", "두껍", "길", "지나치", "과다"))
_LOW_REMEDY = _LOW | {"p1", "올리", "늘리", "높이"}
_HIGH_REMEDY = _HIGH | {"p99", "낮추", "줄이"}



def is_on_page(quote: str, document: str, page: int, pages: PageTexts) -> bool:
    """Whether `quote` is in the PDF's own text of that page; only white space may differ, where lines break."""
    return contains_quote(quote, pages.page_text(document, page))


def contains_quote(quote: str, text: str) -> bool:
    """Whether `quote` is in `text`, white space aside."""
    return bool(quote.strip()) and joined(quote) in joined(text)


@lru_cache(maxsize=256)  # many quotes are held against the same page
def joined(text: str) -> str:
    """The text without white space, in one Unicode form."""
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())


def has_opposite_direction(said: Set[str], topic: Set[str], *, remedy: bool) -> bool:
    """Whether a line with the terms `said` speaks of the other direction alone than the terms of `topic` do."""
    low, high = (_LOW_REMEDY, _HIGH_REMEDY) if remedy else (_LOW, _HIGH)
    if bool(topic & _LOW) == bool(topic & _HIGH):
        return False
    same, other = (low, high) if topic & _LOW else (high, low)
    return bool(said & other) and not said & same
