"""Questions that a document brings along, because its words are not those of the people who ask.

They are attached to the PDF as the file `questions.jsonl`, a line for each statement or section that answers some:
`{"page": 3, "text": "words of that page", "questions": ["…"]}`. text is a statement as the page has it, or the heading
of a section that answers as a whole. A passage is found by them; what is quoted is always the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from shotwise.knowledge.models import Document, ExpectedQuestion, Passage, Questions

ATTACHMENT = "questions.jsonl"
MAX_BYTES = 8 << 20
# Of a document's lines, of its questions and of those of one line: every question costs each search a little.
MAX_LINES, MAX_QUESTIONS, MAX_OF_ONE = 20_000, 20_000, 100
MAX_PAGE = 100_000
MAX_CHARACTERS = 300  # of a question
MAX_NOTES = 20
MAX_HEADINGS = 6  # over a passage, as Markdown has levels
SHOWN = 60  # characters of a text in a note


def read_questions(content: str) -> tuple[tuple[ExpectedQuestion, ...], tuple[str, ...]]:
    """What `questions.jsonl` says, and a note on each line that cannot be used; the others count."""
    found: list[ExpectedQuestion] = []
    notes: list[str] = []
    questions = 0
    for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(_read(json.loads(line)))
            questions += len(found[-1].questions)
        except (ValueError, RecursionError) as error:
            notes.append(f"line {number} of {ATTACHMENT} is passed over: {str(error)[:MAX_CHARACTERS]}")
        if len(notes) == MAX_NOTES or len(found) == MAX_LINES or questions >= MAX_QUESTIONS:
            notes.append(f"what follows line {number} of {ATTACHMENT} is passed over: there is too much of it")
            break
    return tuple(found), tuple(notes)


def _read(row: Any) -> ExpectedQuestion:
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    page, text, questions = row.get("page"), row.get("text"), row.get("questions")
    if type(page) is not int or not 1 <= page <= MAX_PAGE:
        raise ValueError("page has to be a page number, from 1")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text has to be words of that page")
    if not isinstance(questions, list) or not all(isinstance(each, str) for each in questions):
        raise ValueError("questions has to be a list of texts")
    if len(questions) > MAX_OF_ONE or any(len(each) > MAX_CHARACTERS for each in questions):
        raise ValueError(f"there may be {MAX_OF_ONE} questions of {MAX_CHARACTERS} characters each")
    return ExpectedQuestion(page, _one_space(text), tuple(dict.fromkeys(filter(None, map(_one_space, questions)))))


def place_questions(document: Document, passages: Sequence[Passage]) -> tuple[Questions, tuple[str, ...]]:
    """Where in the passages the expected questions are answered, and a note where their words are not on their page. A
    heading stands for the first passage under it on that page."""
    found: dict[tuple[int, int], dict[str, None]] = {}
    by_page: dict[int, list[_Place]] = {}
    for number, passage in enumerate(passages):
        by_page.setdefault(passage.page, []).append(_Place(
            number, tuple(map(_one_space, passage.headings)), tuple(_one_space(line.text) for line in passage.lines)))
    known: dict[tuple[int, str], tuple[int, int] | None] = {}
    lost = []
    for expected in document.expected:
        asked = expected.page, expected.text
        if asked not in known:
            known[asked] = _place(expected.text, by_page.get(expected.page, ()))
        place = known[asked]
        if place is None:
            lost.append(expected)
        else:
            found.setdefault(place, {}).update(dict.fromkeys(expected.questions))
    questions = {place: tuple(found[place])[:MAX_OF_ONE] for place in found}
    if not lost:
        return questions, ()
    return questions, (f"{document.name}: {len(lost)} of {len(document.expected)} lines of {ATTACHMENT} passed over: "
                       f"page {lost[0].page} does not hold {lost[0].text[:SHOWN]!r}",)


@dataclass(frozen=True)
class _Place:
    """A passage by its number, headings and lines, with single spaces."""

    number: int
    headings: tuple[str, ...]
    lines: tuple[str, ...]


def _place(text: str, places: Sequence[_Place]) -> tuple[int, int] | None:
    """The passage and the line, from 1, where the text stands or begins; 0 where it is a heading that the passage
    stands under, the nearest before a farther one."""
    for far in (1, MAX_HEADINGS):
        for place in places:
            if text in place.headings[-far:]:
                return place.number, 0
    for place in places:
        at = " ".join(place.lines).find(text)
        if at >= 0:
            ends = accumulate(len(line) + 1 for line in place.lines)
            return place.number, next(line for line, end in enumerate(ends, 1) if at < end)
    return None


def _one_space(text: str) -> str:
    return " ".join(text.split())
