"""Check quotes: whether a page contains them, and whether they are about low or high values as the question is.

A statement about values that are too low does not answer a question about values that are too high.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from functools import lru_cache

from shotwise.knowledge.ports import PageTexts

# Morphemes that say a value is low or high. P1 and P99 are the ends of a process window.
_LOW_TERMS = frozenset(("낮", "짧", "얇", "아래", "모자라", "부족"))
_HIGH_TERMS = frozenset(("높", "두껍", "길", "지나치", "과다"))
# A countermeasure that raises a value is meant for low values, one that lowers it for high values.
_LOW_ACTION_TERMS = _LOW_TERMS | {"p1", "올리", "늘리", "높이"}
_HIGH_ACTION_TERMS = _HIGH_TERMS | {"p99", "낮추", "줄이"}


def is_on_page(quote: str, document: str, page: int, pages: PageTexts) -> bool:
    """Return whether the PDF's text of a page contains `quote`, ignoring white space, which differs at line breaks."""
    return contains_quote(quote, pages.page_text(document, page))


def contains_quote(quote: str, text: str) -> bool:
    """Return whether `text` contains `quote`, ignoring white space; False for an empty quote."""
    return bool(quote.strip()) and without_whitespace(quote) in without_whitespace(text)


@lru_cache(maxsize=256)  # many quotes are checked against the same page
def without_whitespace(text: str) -> str:
    """Return the text without white space and zero-width spaces, in the Unicode form NFC."""
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())


def has_opposite_direction(line_terms: Set[str], topic_terms: Set[str], *, action: bool) -> bool:
    """Return whether a line is only about the direction opposite to the topic's, such as low values instead of high.

    Parameters
    ----------
    line_terms, topic_terms : set of str
        Search terms of the line and the topic. A topic with both directions or none is opposite to no line.
    action : bool
        Whether the line is a countermeasure, in which "raise it" is about a low value.
    """
    low, high = (_LOW_ACTION_TERMS, _HIGH_ACTION_TERMS) if action else (_LOW_TERMS, _HIGH_TERMS)
    if bool(topic_terms & _LOW_TERMS) == bool(topic_terms & _HIGH_TERMS):
        return False
    same, opposite = (low, high) if topic_terms & _LOW_TERMS else (high, low)
    return bool(line_terms & opposite) and not line_terms & same
