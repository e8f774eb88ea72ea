"""Read the questions that a document is expected to answer, and find the passages that answer them.

People ask in other words than a manual uses, so a PDF may carry the attachment `questions.jsonl`, one JSON object a
line: `{"page": 3, "text": "words of that page", "questions": ["…"]}`. `text` is a statement as the page has it, or the
heading of a section that answers as a whole. The questions only help to find a passage; what is quoted is the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from shotwise.knowledge.models import Document, ExpectedQuestion, Passage, Questions
from shotwise.messages import Message

ATTACHMENT = "questions.jsonl"
MAX_BYTES = 8 << 20
# Limits of one document, and of one line of the attachment: every question makes each search a little slower.
MAX_LINES, MAX_QUESTIONS, MAX_QUESTIONS_PER_LINE = 20_000, 20_000, 100
MAX_PAGE = 100_000
MAX_CHARACTERS = 300  # of a question
MAX_NOTES = 20
MAX_HEADINGS = 6  # over a passage, as Markdown has levels
MAX_TEXT_IN_NOTE = 60  # characters
MAX_CAUSE = 300  # characters


class _BadLine(Exception):
    """A line that cannot be used: the end of its code in `shotwise.messages`, and the parameters."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = f"questions_line_{code}"
        self.params = params


def read_questions(content: str) -> tuple[tuple[ExpectedQuestion, ...], tuple[Message, ...]]:
    """Read the text of `questions.jsonl`.

    Returns
    -------
    expected : tuple of ExpectedQuestion
        One for each line that can be used, up to MAX_LINES lines and about MAX_QUESTIONS questions.
    notes : tuple of Message
        One for each line that cannot be used, keys of `DOCUMENT_NOTES`. Reading ends after MAX_NOTES of them.
    """
    expected: list[ExpectedQuestion] = []
    notes: list[Message] = []
    question_count = 0
    for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            expected.append(_read_line(line))
            question_count += len(expected[-1].questions)
        except _BadLine as error:
            notes.append(Message(error.code, {"line": number, **error.params}))
        if len(notes) == MAX_NOTES or len(expected) == MAX_LINES or question_count >= MAX_QUESTIONS:
            notes.append(Message("questions_cut_off", {"line": number}))
            break
    return tuple(expected), tuple(notes)


def _read_line(line: str) -> ExpectedQuestion:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadLine("not_json", cause=str(error)[:MAX_CAUSE]) from None
    if not isinstance(row, dict):
        raise _BadLine("not_object")
    page, text, questions = row.get("page"), row.get("text"), row.get("questions")
    if type(page) is not int or not 1 <= page <= MAX_PAGE:
        raise _BadLine("bad_page")
    if not isinstance(text, str) or not text.strip():
        raise _BadLine("bad_text")
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        raise _BadLine("bad_questions")
    if len(questions) > MAX_QUESTIONS_PER_LINE or any(len(question) > MAX_CHARACTERS for question in questions):
        raise _BadLine("too_long", max_questions=MAX_QUESTIONS_PER_LINE, max_characters=MAX_CHARACTERS)
    distinct = dict.fromkeys(filter(None, map(_collapse_spaces, questions)))
    return ExpectedQuestion(page, _collapse_spaces(text), tuple(distinct))


def place_questions(document: Document, passages: Sequence[Passage]) -> tuple[Questions, tuple[Message, ...]]:
    """Find the passage and line that answer each expected question of a document.

    Parameters
    ----------
    document : Document
        The questions are its `expected`.
    passages : sequence of Passage
        All passages of the document, in order.

    Returns
    -------
    questions : Questions
        (number of the passage, number of the line from 1, or 0 for the whole passage) → questions. A heading stands
        for the first passage under it on that page.
    notes : tuple of Message
        One note, if the words of some questions are not on their page.
    """
    candidates = _candidates_by_page(passages)
    questions: dict[tuple[int, int], dict[str, None]] = {}
    places: dict[tuple[int, str], tuple[int, int] | None] = {}
    unplaced: list[ExpectedQuestion] = []
    for expected in document.expected_questions:
        words = expected.page, expected.text
        if words not in places:
            places[words] = _find_place(expected.text, candidates.get(expected.page, ()))
        place = places[words]
        if place is None:
            unplaced.append(expected)
        else:
            questions.setdefault(place, {}).update(dict.fromkeys(expected.questions))
    limited = {place: tuple(of_place)[:MAX_QUESTIONS_PER_LINE] for place, of_place in questions.items()}
    return limited, _unplaced_note(unplaced, len(document.expected_questions))


def _unplaced_note(unplaced: Sequence[ExpectedQuestion], line_count: int) -> tuple[Message, ...]:
    if not unplaced:
        return ()
    return (Message("questions_not_on_page", {
        "skipped": len(unplaced), "lines": line_count, "page": unplaced[0].page,
        "text": unplaced[0].text[:MAX_TEXT_IN_NOTE]}),)


@dataclass(frozen=True)
class _Candidate:
    """A passage that may answer, with single spaces between its words."""

    number: int
    headings: tuple[str, ...]
    lines: tuple[str, ...]


def _candidates_by_page(passages: Sequence[Passage]) -> dict[int, list[_Candidate]]:
    by_page: dict[int, list[_Candidate]] = {}
    for number, passage in enumerate(passages):
        by_page.setdefault(passage.page, []).append(_Candidate(
            number, tuple(map(_collapse_spaces, passage.headings)),
            tuple(_collapse_spaces(line.text) for line in passage.lines)))
    return by_page


def _find_place(text: str, candidates: Sequence[_Candidate]) -> tuple[int, int] | None:
    """Return (number of the passage, number of the line).

    A heading is looked for first, the nearest one over a passage before farther ones; its line is 0. Else it is the
    line, from 1, in which the text begins.
    """
    for depth in (1, MAX_HEADINGS):
        for candidate in candidates:
            if text in candidate.headings[-depth:]:
                return candidate.number, 0
    for candidate in candidates:
        start = " ".join(candidate.lines).find(text)
        if start >= 0:
            ends = accumulate(len(line) + 1 for line in candidate.lines)
            return candidate.number, next(line for line, end in enumerate(ends, 1) if start < end)
    return None


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())
