"""Find running headers and footers: lines at the edges of many pages that are identical but for the page's number.

Values differ from page to page as well, so a line that is not identical only counts if its number is that of the page:
it stands at the line's beginning or end and grows with the pages. Whatever else differs is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from shotwise.knowledge.ingestion.markdown import LIST_ITEM, plain_text
from shotwise.knowledge.models import Document
from shotwise.messages import Message

EDGE_LINES = 2  # at the top and at the bottom of a page
MAX_NUMBERED_CHARACTERS = 120  # longer lines with a number are text
MIN_PAGES, MIN_SHARE = 3, 1 / 3  # of the pages that a running line stands on; chapters may have their own
MIN_GROWING_SHARE = 0.8  # of the steps from page to page; where a chapter begins, its numbers begin again
NOTED_SHARE = 0.25  # of the lines with words; a header and a footer are fewer on a page that is full
MAX_TEXT_IN_NOTE = 60  # characters

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{2}")
_STEP = re.compile(r"\s*\d+[.)]\s")  # of an instruction
# What may stand between a page number and the line's beginning or end, such as in "Page 3 of 20" and "- 3쪽 -".
_EDGE = r"[\s\-–—|/().,:·]*"
_NUMBER_AT_START = re.compile(rf"^{_EDGE}(?:p(?:age|\.)?|페이지)?{_EDGE}\d+(?!\d|[.,]\d)", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"(?<!\d)(?<!\d[.,])\d+\s*(?:쪽|페이지)?"
                            rf"{_EDGE}(?:(?:of|/|중)\s*\d+\s*(?:쪽|페이지)?)?{_EDGE}$", re.IGNORECASE)

# Number of a page, and index of a line in its Markdown.
Place = tuple[int, int]


class _Occurrence(NamedTuple):
    place: Place
    text: str
    numbers: tuple[int, ...]


def running_lines(document: Document) -> frozenset[Place]:
    """Return where the running headers and footers of a document stand."""
    by_pattern: dict[str, list[_Occurrence]] = {}
    by_text: dict[str, list[_Occurrence]] = {}
    for occurrence, is_text in _edge_lines(document):
        by_text.setdefault(occurrence.text, []).append(occurrence)
        if not is_text:
            by_pattern.setdefault(_NUMBER.sub("#", occurrence.text), []).append(occurrence)
    min_pages = max(MIN_PAGES, len(document.pages) * MIN_SHARE)
    candidates = [*by_text.values(), *filter(_is_page_number, by_pattern.values())]
    return frozenset(occurrence.place for occurrences in candidates
                     if len({occurrence.place[0] for occurrence in occurrences}) >= min_pages
                     for occurrence in occurrences)


def left_out_note(document: Document) -> tuple[Message, ...]:
    """Return a note if a considerable share of the lines with words is taken for running headers and footers."""
    places = running_lines(document)
    lines = [((page.number, index), plain_text(line)) for page in document.pages
             for index, line in enumerate(page.markdown.splitlines()) if _WORD.search(line)]
    left_out = [(place, text) for place, text in lines if place in places]
    if len(left_out) <= NOTED_SHARE * len(lines):
        return ()
    return (Message("lines_left_out", {"lines": len(left_out), "pages": len({page for (page, _), _ in left_out}),
                                       "text": left_out[0][1][:MAX_TEXT_IN_NOTE]}),)


def _edge_lines(document: Document) -> Iterator[tuple[_Occurrence, bool]]:
    """Yield the lines at the edges of all pages, and whether each is text unless it is identical on other pages."""
    for page in document.pages:
        lines = page.markdown.splitlines()
        filled = [index for index, line in enumerate(lines) if line.strip()]
        for index in sorted({*filled[:EDGE_LINES], *filled[-EDGE_LINES:]}):
            text = plain_text(lines[index].lstrip("# "))
            if text:
                numbers = tuple(int(number[-9:]) for number in _NUMBER.findall(text))
                yield (_Occurrence((page.number, index), text, numbers),
                       not numbers or len(text) > MAX_NUMBERED_CHARACTERS or _is_item_or_row(lines[index]))


def _is_item_or_row(line: str) -> bool:
    """Return whether a line is a step, a list item with words or the row of a table; "- 3 -" is none."""
    list_item = LIST_ITEM.match(line)
    return line.startswith("|") or bool(_STEP.match(line) or (list_item and _WORD.search(list_item[1])))


def _is_page_number(occurrences: Sequence[_Occurrence]) -> bool:
    """Return whether the number at the beginning or end of these lines, which differ in numbers alone, is the page's.

    All other numbers stay the same from page to page, as in "Page 3 of 20", or the number begins again.
    """
    steps = list(pairwise(occurrences))
    return any(all(pattern.search(line.text) for line in occurrences)
               and sum(_is_step(*step, at) for step in steps) >= max(1, MIN_GROWING_SHARE * len(steps))
               for pattern, at in ((_NUMBER_AT_START, 0), (_NUMBER_AT_END, -1), (_NUMBER_AT_END, -2)))


def _is_step(before: _Occurrence, after: _Occurrence, at: int) -> bool:
    """Return whether the number at this index grows from one page to the other as the page does, and no other does."""
    index = at % len(after.numbers)
    others = [pair for other, pair in enumerate(zip(before.numbers, after.numbers, strict=True)) if other != index]
    return (after.numbers[index] - before.numbers[index] == after.place[0] - before.place[0]
            and all(first == second for first, second in others))
