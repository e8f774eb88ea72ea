"""Checks of an answer against the documents: every quote stands on the page it cites and fits the question.

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
# In a countermeasure, raising is meant for a value that is too low, and lowering for one that is too high.
_LOW_ACTION_TERMS = _LOW_TERMS | {"p1", "올리", "늘리", "높이"}
_HIGH_ACTION_TERMS = _HIGH_TERMS | {"p99", "낮추", "줄이"}


def is_on_page(quote: str, document: str, page: int, pages: PageTexts) -> bool:
    """Whether the PDF's own text of that page contains `quote`, ignoring white space, which differs at line breaks."""
    return contains_quote(quote, pages.page_text(document, page))


def contains_quote(quote: str, text: str) -> bool:
    """Whether `text` contains `quote`, ignoring white space. An empty quote is contained nowhere."""
    return bool(quote.strip()) and without_whitespace(quote) in without_whitespace(text)


@lru_cache(maxsize=256)  # many quotes are checked against the same page
def without_whitespace(text: str) -> str:
    """Return the text without white space and zero-width spaces, in the Unicode form NFC."""
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())


def has_opposite_direction(line_terms: Set[str], topic_terms: Set[str], *, action: bool) -> bool:
    """Whether a line speaks only of the direction opposite to the topic's: of low values where it asks of high ones.

    Parameters
    ----------
    line_terms, topic_terms : set of str
        The search terms of both texts. A topic that names both directions or none contradicts nothing.
    action : bool
        Whether the line is a countermeasure: "raise it" then speaks of a low value.
    """
    low, high = (_LOW_ACTION_TERMS, _HIGH_ACTION_TERMS) if action else (_LOW_TERMS, _HIGH_TERMS)
    if bool(topic_terms & _LOW_TERMS) == bool(topic_terms & _HIGH_TERMS):
        return False
    same, opposite = (low, high) if topic_terms & _LOW_TERMS else (high, low)
    return bool(line_terms & opposite) and not line_terms & same
