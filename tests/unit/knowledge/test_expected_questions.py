"""The questions that a document brings along are read, and placed at the passages that answer them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import document, passage

from shotwise.knowledge.ingestion.chunk import split_into_passages
from shotwise.knowledge.ingestion.expected_questions import place_questions, read_questions
from shotwise.knowledge.models import Document, ExpectedQuestion, Passage, Questions
from shotwise.limits import (
    MAX_EXPECTED_QUESTION_CHARACTERS,
    MAX_EXPECTED_QUESTIONS,
    MAX_PAGES,
    MAX_QUESTION_NOTES,
    MAX_QUESTIONS_PER_LINE,
)
from shotwise.messages import Message, note_text

GOOD = ExpectedQuestion(3, "Clean the die.", ("How is it cleaned?", "금형은 어떻게 닦나요?"))


def row(page: object = 3, text: object = GOOD.text, questions: object = GOOD.questions, **more: object) -> str:
    """Return a line of the file."""
    return json.dumps({"page": page, "text": text, "questions": questions, **more}, ensure_ascii=False)


PAGE, TEXT, QUESTIONS = {"code": "bad_page"}, {"code": "bad_text"}, {"code": "bad_questions"}
LONG = {"code": "too_long", "max_questions": MAX_QUESTIONS_PER_LINE, "max_characters": MAX_EXPECTED_QUESTION_CHARACTERS}
BAD: list[tuple[str, dict[str, Any]]] = [
    *((line, {"code": "not_json", "cause": cause}) for line, cause in (
        ("{", "Expecting property name"), ("no JSON", "Expecting value"), (row() + row(), "Extra data"),
        (row()[:-1], "Expecting ',' delimiter"), ('{"page": 1' + "0" * 5000 + "}", "Exceeds the limit"),
        ("[" * 100_000, "maximum recursion depth"))),
    *((line, {"code": "not_object"}) for line in (
        "[]", "null", "7", '"words"', f"[{row()}]")),
    ('{"text": "a", "questions": []}', PAGE), *((row(page=page), PAGE) for page in (0, -1, True, 1.0, "1", None, [1])),
    ('{"page": 1, "questions": []}', TEXT), *((row(text=text), TEXT) for text in ("", " \n\t", None, 5, ["a"])),
    ('{"page": 1, "text": "a"}', QUESTIONS),
    *((row(questions=questions), QUESTIONS) for questions in ("a", None, {"a": "b"}, [1], ["a", None], [["a"]])),
    (row(questions=["a", "b" * (MAX_EXPECTED_QUESTION_CHARACTERS + 1)]), LONG),
    (row(questions=["a"] * (MAX_QUESTIONS_PER_LINE + 1)), LONG),
    (row(page=MAX_PAGES + 1), PAGE)]


@pytest.mark.parametrize(("line", "fault"), BAD, ids=[line[:40] for line, _ in BAD])
def test_a_bad_line_is_noted_and_the_others_count(line: str, fault: dict[str, Any]) -> None:
    """A line that cannot be used is noted by its number and what is wrong with it; the others are read."""
    found, (note,) = read_questions("\n".join([row(), "", line, row(page=4)]))
    assert found == (GOOD, replace(GOOD, page=4))
    code, cause = f"questions_line_{fault['code']}", fault.get("cause", "")
    assert (note.code, note.params["line"]) == (code, 3) and str(note.params.get("cause", "")).startswith(cause)
    assert {**note.params, "code": fault["code"], "cause": cause} == {"line": 3, "cause": "", **fault}
    assert note_text("guide.pdf", note).startswith("guide.pdf: line 3 of questions.jsonl is skipped: ")


def test_the_first_bad_lines_are_noted() -> None:
    """Bad lines are noted in order up to a limit, with one note more; nothing after them is read."""
    found, notes = read_questions("\n".join([*(line for line, _ in BAD[:MAX_QUESTION_NOTES]), row()]))
    assert found == () and [note.params["line"] for note in notes[:-1]] == list(range(1, MAX_QUESTION_NOTES + 1))
    assert notes[-1] == Message("questions_cut_off", {"line": MAX_QUESTION_NOTES})


def test_a_document_has_a_limit_of_questions() -> None:
    """Questions over the limit of a document are left out with a note, because each makes every search slower."""
    lines = [row(questions=[f"{number} {part}" for part in range(MAX_QUESTIONS_PER_LINE)]) for number in range(300)]
    found, notes = read_questions("\n".join(lines))
    assert sum(len(expected.questions) for expected in found) == MAX_EXPECTED_QUESTIONS
    assert notes == (Message("questions_cut_off", {"line": len(found)}),)


def test_a_note_is_short() -> None:
    """A note is short, however long the words of the line are."""
    _, (note,) = place_in_guide(ExpectedQuestion(1, "a" * 100_000, ("b",)))
    assert len(note_text("guide.pdf", note)) < 250


@pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n", " \n\t\n  "])
def test_an_empty_file_has_no_questions(content: str) -> None:
    """Empty lines are no questions and are not noted."""
    assert read_questions(content) == ((), ())


@pytest.mark.parametrize("end", ["\n", "\r\n", " \r\n", "\n\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_on_any_machine(end: str, last: bool) -> None:
    """Lines end with or without a carriage return, and the last one may have no end."""
    assert read_questions(end.join([row(), row(page=4)]) + end * last) == ((GOOD, replace(GOOD, page=4)), ())


@pytest.mark.parametrize("between", ["\u2028", "\u2029", "\x85"])
def test_other_line_breaks_end_no_line(between: str) -> None:
    """Line and paragraph separators, which JSON may contain as they are, become spaces."""
    assert read_questions(row(questions=[f"왜{between}막히나요?"])) == (
        (replace(GOOD, questions=("왜 막히나요?",)),), ())


def test_spaces_are_collapsed() -> None:
    """Words and questions have single spaces, whatever stood between the words."""
    uncollapsed = row(text="  Clean\n the\tdie. ", questions=[" How  is\u3000it\ncleaned? ", *GOOD.questions[1:]])
    assert read_questions(uncollapsed) == ((GOOD,), ())


def test_empty_questions_are_left_out() -> None:
    """Empty questions are left out, a line may have none, and other keys of a line are ignored."""
    found, notes = read_questions("\n".join([row(questions=["", " \n", "a"]), row(questions=[], author="b")]))
    assert [expected.questions for expected in found] == [("a",), ()] and notes == ()


def test_a_question_may_be_as_long_as_the_limit() -> None:
    """A question of the greatest length is read in any alphabet; the words of the page have no such limit."""
    longest = "막" * MAX_EXPECTED_QUESTION_CHARACTERS
    assert read_questions(row(text="a" * 5000, questions=[longest] * 50)) == (
        (ExpectedQuestion(3, "a" * 5000, (longest,)),), ())


@given(st.lists(st.builds(ExpectedQuestion, st.integers(1, MAX_PAGES), st.text(min_size=1).filter(str.strip),
                          st.lists(st.text(max_size=20), max_size=3).map(tuple))), st.booleans())
def test_any_question_is_read_back(rows: list[ExpectedQuestion], escaped: bool) -> None:
    """Any texts come back in order with single spaces, with or without escapes of JSON."""
    content = "\n".join(json.dumps(expected.__dict__, ensure_ascii=escaped) for expected in rows)
    collapsed = [ExpectedQuestion(expected.page, " ".join(expected.text.split()), tuple(dict.fromkeys(
        " ".join(question.split()) for question in expected.questions if question.strip()))) for expected in rows]
    assert read_questions(content) == (tuple(collapsed), ())


MARKDOWN = ("# Dies\n\n## Spray\n\nKeep the  nozzle clean all of the time. Spray for two seconds at the least.\n\n"
            "- Blow the die dry\n\n## Lubricant\n\nMix it fresh every morning, with water.",
            "It spoils in the sun, and smells.\n\n## Blow the die dry\n\n**Air** comes last. It has to be dry, and "
            "clean.\n\n|Part|What to do|\n|---|---|\n|Nozzle|Clean it.|")
GUIDE = document(*MARKDOWN)


Places = dict[tuple[int, int], tuple[str, ...]]


def place_in_guide(*expected: ExpectedQuestion, guide: Document = GUIDE) -> tuple[Places, tuple[Message, ...]]:
    """Place these questions in the guide's passages; return places and notes."""
    questions, notes = place_questions(replace(guide, expected_questions=expected), split_into_passages(guide))
    return dict(questions), notes


@pytest.mark.parametrize(("page", "text", "place"), [
    (1, "Spray", (0, 0)), (1, "Lubricant", (1, 0)), (2, "Blow the die dry", (3, 0)), (2, "Lubricant", (2, 0)),
    (1, "Keep the nozzle clean all of the time.", (0, 1)), (1, "Spray for two seconds at the least.", (0, 2)),
    (1, "Blow the die dry", (0, 3)), (1, "nozzle clean", (0, 1)), (2, "It spoils in the sun, and smells.", (2, 1)),
    (2, "Air comes last. It has to be dry, and clean.", (3, 1)), (2, "Nozzle Clean it.", (3, 2)),
    (2, "Clean it.", (3, 2))])
def test_words_are_placed_where_they_stand(page: int, text: str, place: tuple[int, int]) -> None:
    """A heading is placed at its first passage on the page, a sentence, item or table row at its line, from 1."""
    assert place_in_guide(ExpectedQuestion(page, text, ("a", "b"))) == ({place: ("a", "b")}, ())


def test_a_heading_is_preferred_to_lines() -> None:
    """Words that are a heading and stand in a line of another section are placed at the heading."""
    passages = [passage("Die casting"), passage("b", headings=("Dies", "Die casting"))]
    expected = ExpectedQuestion(1, "Die casting", ("a",)), ExpectedQuestion(1, "Die", ("b",))
    found, _ = place_questions(replace(GUIDE, expected_questions=expected), passages)
    assert found == {(1, 0): ("a",), (0, 1): ("b",)}


def test_the_first_of_equal_places_is_taken() -> None:
    """Words that stand in several passages of their page are placed at the first of them."""
    passages = [passage("Wait."), *(passage("Go.", "Wait.", headings=("Dies",), page=2) for _ in range(2))]
    expected = ExpectedQuestion(2, "Wait.", ("a",)), ExpectedQuestion(2, "Dies", ("b",))
    guide = replace(GUIDE, expected_questions=expected)
    assert place_questions(guide, passages) == ({(1, 2): ("a",), (1, 0): ("b",)}, ())


@pytest.mark.parametrize("text", ["Keep  the nozzle\nclean", "Keep\tthe nozzle\u00a0clean"])
def test_spaces_make_no_difference(text: str) -> None:
    """Spaces of the page and of the file do not matter."""
    (expected,), _ = read_questions(row(1, text, ["a"]))
    passages = [passage("Always: Keep   the\nnozzle clean.", headings=("Keep the\u3000 nozzle clean!",))]
    heading = ExpectedQuestion(1, "Keep the nozzle clean!", ("b",))
    guide = replace(GUIDE, expected_questions=(expected, heading))
    assert place_questions(guide, passages) == ({(0, 1): ("a",), (0, 0): ("b",)}, ())


def test_the_same_words_twice_add_up() -> None:
    """Questions of the same line are joined in the order of the file, each once."""
    found, notes = place_in_guide(
        ExpectedQuestion(1, "Keep the nozzle", ("a",)), ExpectedQuestion(1, "Spray", ("x",)),
        ExpectedQuestion(1, "all of the time.", ("b", "c")), ExpectedQuestion(1, "Keep the nozzle", ("d", "a")))
    assert found == {(0, 1): ("a", "b", "c", "d"), (0, 0): ("x",)} and notes == ()


@pytest.mark.parametrize(("page", "text"), [
    (2, "Spray"), (2, "Keep the nozzle clean all of the time."), (1, "It spoils in the sun, and smells."),
    (1, "Air comes last."), (3, "Spray"), (1, "keep the nozzle"), (1, "Die casting"), (1, "It's \"new\"")])
def test_words_that_are_not_on_their_page_are_noted(page: int, text: str) -> None:
    """Words on another page, on none, or in other letters are noted, and the rest is placed."""
    found, (note,) = place_in_guide(ExpectedQuestion(1, "Spray", ("a",)), ExpectedQuestion(page, text, ("b",)))
    assert found == {(0, 0): ("a",)}
    assert note == Message("questions_not_on_page", {"skipped": 1, "lines": 2, "page": page, "text": text})


def test_one_note_counts_all_that_are_not_placed() -> None:
    """One note says how many of how many lines are skipped, with the first of them."""
    found, notes = place_in_guide(ExpectedQuestion(2, "Spray", ("a",)), ExpectedQuestion(1, "Lubricant", ("b",)),
                                  ExpectedQuestion(9, "None", ()))
    assert found == {(1, 0): ("b",)}
    assert notes == (Message("questions_not_on_page", {"skipped": 2, "lines": 3, "page": 2, "text": "Spray"}),)


def test_nothing_expected_nothing_placed() -> None:
    """A document without questions gives no places and no notes, with and without passages."""
    assert place_in_guide() == place_in_guide(guide=document()) == ({}, ())
    assert len(place_in_guide(GOOD, guide=document())[1]) == 1


WORDS = st.lists(st.sampled_from(["die", "spray", "dry"]), min_size=1, max_size=3).map(" ".join)
PASSAGES = st.lists(st.builds(lambda lines, heading, page: passage(*lines, headings=heading, page=page),
                          st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=2).map(tuple),
                          st.integers(1, 2)), max_size=4)


def contains(candidate: Passage, line: int, expected: ExpectedQuestion) -> bool:
    """Whether the words stand at this line of the passage, 0 for its headings."""
    if candidate.page != expected.page or line == 0:
        return candidate.page == expected.page and expected.text in candidate.headings
    texts = [passage_line.text for passage_line in candidate.lines]
    start = sum(len(text) + 1 for text in texts[:line - 1])
    return start <= " ".join(texts).find(expected.text, start) < start + len(texts[line - 1])


def are_placed_rightly(passages: Sequence[Passage], expected_questions: Sequence[ExpectedQuestion], found: Questions,
                       notes: Sequence[Message]) -> bool:
    """Whether each question, all of them different, is at a place with its words or counted as not placed."""
    placed = {question: place for place, questions in found.items() for question in questions}
    unplaced = [expected for expected in expected_questions if not any(
        contains(candidate, line, expected) for candidate in passages for line in range(len(candidate.lines) + 1))]
    noted = [note.params["skipped"] == len(unplaced) and note.params["lines"] == len(expected_questions)
             and note.params["text"] == unplaced[0].text for note in notes]
    places = [(expected, placed.get(expected.questions[0], (0, -1)))
              for expected in expected_questions if expected not in unplaced]
    return (sum(map(len, found.values())) == len(placed) == len(places) and noted == [True] * bool(unplaced)
            and all(contains(passages[number], line, expected) for expected, (number, line) in places))


@settings(max_examples=200)
@given(PASSAGES, st.lists(st.tuples(st.integers(1, 2), WORDS), max_size=5))
def test_every_question_is_placed_or_noted(passages: list[Passage], words: list[tuple[int, str]]) -> None:
    """Each question is placed where its words stand, or counted in the note if they stand nowhere."""
    expected = tuple(ExpectedQuestion(page, text, (str(number),)) for number, (page, text) in enumerate(words))
    guide = replace(GUIDE, expected_questions=expected)
    assert are_placed_rightly(passages, expected, *place_questions(guide, passages))


def test_the_check_sees_misplaced_questions() -> None:
    """The check can fail: it sees a wrong line, a wrong passage, a missing question and a missing note."""
    passages = [passage("die", "spray"), passage("dry", headings=("die",), page=2)]
    expected = (ExpectedQuestion(1, "die", ("0",)), ExpectedQuestion(2, "die", ("1",)),
                ExpectedQuestion(2, "spray", ("2",)))
    found, notes = place_questions(replace(GUIDE, expected_questions=expected), passages)
    assert are_placed_rightly(passages, expected, found, notes) and found == {(0, 1): ("0",), (1, 0): ("1",)}
    for wrong in ({(0, 2): ("0",), (1, 0): ("1",)}, {(0, 1): ("0",), (1, 1): ("1",)}, {(0, 1): ("0",)},
                  {**found, (1, 1): ("2",)}, {(0, 1): ("0", "1")}):
        assert not are_placed_rightly(passages, expected, wrong, notes)
    for wrong_notes in ((), notes * 2):
        assert not are_placed_rightly(passages, expected, found, wrong_notes)
