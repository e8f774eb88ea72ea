"""Questions that a document brings along, because its words are not those of the people who ask.

They are attached to the PDF as the file `questions.jsonl`, a line for each statement or section that answers some:
`{"page": 3, "text": "words of that page", "questions": ["…"]}`. text is a statement as the page has it, or the heading
of a section that answers as a whole. A passage is found by them; what is quoted is always the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shotwise.knowledge.passage import Document, Expected, Passage, Questions

ATTACHMENT = "questions.jsonl"
MOST_BYTES = 8 << 20
MOST_CHARACTERS = 300  # of a question
PASSED_OVER = "is passed over"


def read_expected(content: str) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    """What `questions.jsonl` says, and a note on each line that cannot be used; the others count."""
    found, notes = [], []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(_read(json.loads(line)))
        except (ValueError, RecursionError) as error:
            notes.append(f"line {number} of {ATTACHMENT} {PASSED_OVER}: {error}")
    return tuple(found), tuple(notes)


def _read(row: Any) -> Expected:
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    page, text, questions = row.get("page"), row.get("text"), row.get("questions")
    if type(page) is not int or page < 1:
        raise ValueError("page has to be a page number, from 1")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text has to be words of that page")
    if not isinstance(questions, list) or not all(isinstance(each, str) for each in questions):
        raise ValueError("questions has to be a list of texts")
    if any(len(each) > MOST_CHARACTERS for each in questions):
        raise ValueError(f"a question may have {MOST_CHARACTERS} characters")
    return Expected(page, _one_space(text), tuple(filter(None, map(_one_space, questions))))


def placed(document: Document, passages: Sequence[Passage]) -> tuple[Questions, tuple[str, ...]]:
    """Where in the passages the expected questions are answered, and a note where their words are not on their page."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    by_page: dict[int, list[tuple[int, Passage]]] = {}
    for number, passage in enumerate(passages):
        by_page.setdefault(passage.page, []).append((number, passage))
    lost = []
    for expected in document.expected:
        place = _place(expected.text, by_page.get(expected.page, ()))
        if place is None:
            lost.append(expected)
        else:
            found[place] = found.get(place, ()) + expected.questions
    if not lost:
        return found, ()
    return found, (f"{document.name}: {len(lost)} of {len(document.expected)} lines of {ATTACHMENT} {PASSED_OVER}: "
                   f"page {lost[0].page} does not hold {lost[0].text!r}",)


def _place(text: str, passages: Sequence[tuple[int, Passage]]) -> tuple[int, int] | None:
    """The passage and the line, from 1, that hold the text; 0 for the heading of the passage's section."""
    for number, passage in passages:
        if passage.headings and _one_space(passage.headings[-1]) == text:
            return number, 0
    for number, passage in passages:
        for line, words in enumerate(passage.lines, 1):
            if text in _one_space(words.text):
                return number, line
    return None


def _one_space(text: str) -> str:
    return " ".join(text.split())
