"""Read the questions that a document is expected to answer, and find the passages that answer them.

People ask in other words than a manual uses, so a PDF may have the attachment `questions.jsonl` with one JSON object
per line: `{"page": 3, "text": "words of that page", "questions": ["…"]}`. `text` is a statement, word for word, or the
heading of a section that answers as a whole. The questions only help to find a passage; answers quote the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from shotwise.knowledge.models import Document, ExpectedQuestion, Passage, Questions
from shotwise.limits import (
    MAX_EXPECTED_QUESTION_CHARACTERS,
    MAX_EXPECTED_QUESTIONS,
    MAX_PAGES,
    MAX_QUESTION_LINES,
    MAX_QUESTION_NOTES,
    MAX_QUESTIONS_PER_LINE,
)
from shotwise.messages import Message

ATTACHMENT = "questions.jsonl"
MAX_HEADINGS = 6  # levels of headings in Markdown
MAX_TEXT_IN_NOTE = 60  # characters
MAX_CAUSE = 300  # characters


# Number of a passage, and number of its line from 1, or 0 for the passage as a whole.
PassageLine = tuple[int, int]


class _BadLine(Exception):
    """A line cannot be used; `code` and `params` are those of the note about it."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = f"questions_line_{code}"
        self.params = params


def read_questions(content: str) -> tuple[tuple[ExpectedQuestion, ...], tuple[Message, ...]]:
    """Read the text of `questions.jsonl`.

    Returns
    -------
    expected : tuple of ExpectedQuestion
        One entry per valid line, up to MAX_QUESTION_LINES lines and about MAX_EXPECTED_QUESTIONS questions.
    notes : tuple of Message
        One note per invalid line, with a code of `DOCUMENT_NOTES`. Reading stops after MAX_QUESTION_NOTES notes.
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
        if (len(notes) == MAX_QUESTION_NOTES or len(expected) == MAX_QUESTION_LINES
                or question_count >= MAX_EXPECTED_QUESTIONS):
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
    if type(page) is not int or not 1 <= page <= MAX_PAGES:
        raise _BadLine("bad_page")
    if not isinstance(text, str) or not text.strip():
        raise _BadLine("bad_text")
    if not isinstance(questions, list) or not all(isinstance(question, str) for question in questions):
        raise _BadLine("bad_questions")
    if (len(questions) > MAX_QUESTIONS_PER_LINE
            or any(len(question) > MAX_EXPECTED_QUESTION_CHARACTERS for question in questions)):
        raise _BadLine("too_long", max_questions=MAX_QUESTIONS_PER_LINE,
                       max_characters=MAX_EXPECTED_QUESTION_CHARACTERS)
    distinct = dict.fromkeys(filter(None, map(_collapse_spaces, questions)))
    return ExpectedQuestion(page, _collapse_spaces(text), tuple(distinct))


def place_questions(document: Document, passages: Sequence[Passage]) -> tuple[Questions, tuple[Message, ...]]:
    """Find the passage and line that answer each expected question of a document.

    Parameters
    ----------
    document : Document
        The document, with its expected questions.
    passages : sequence of Passage
        All passages of the document, in order.

    Returns
    -------
    questions : Questions
        The questions of each passage and line. Questions of a heading belong to the first passage under it on their
        page.
    notes : tuple of Message
        One note if the text of some questions is not on their page.
    """
    candidates = _candidates_by_page(passages)
    questions: dict[PassageLine, dict[str, None]] = {}
    answers: dict[tuple[int, str], PassageLine | None] = {}
    unplaced: list[ExpectedQuestion] = []
    for expected in document.expected_questions:
        page_and_text = expected.page, expected.text
        if page_and_text not in answers:
            answers[page_and_text] = _find_answer(expected.text, candidates.get(expected.page, ()))
        answer = answers[page_and_text]
        if answer is None:
            unplaced.append(expected)
        else:
            questions.setdefault(answer, {}).update(dict.fromkeys(expected.questions))
    limited = {answer: tuple(distinct)[:MAX_QUESTIONS_PER_LINE] for answer, distinct in questions.items()}
    return limited, _unplaced_note(unplaced, len(document.expected_questions))


def _unplaced_note(unplaced: Sequence[ExpectedQuestion], line_count: int) -> tuple[Message, ...]:
    if not unplaced:
        return ()
    return (Message("questions_not_on_page", {
        "skipped": len(unplaced), "lines": line_count, "page": unplaced[0].page,
        "text": unplaced[0].text[:MAX_TEXT_IN_NOTE]}),)


@dataclass(frozen=True)
class _Candidate:
    """Number, headings and lines of a passage, with single spaces between words."""

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


def _find_answer(text: str, candidates: Sequence[_Candidate]) -> PassageLine | None:
    """Find the passage and line that `text` names.

    Headings are compared first, the lowest heading of each passage before the others; the line is then 0. Otherwise it
    is the line in which the text begins.
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
