"""Questions that a document brings along: what is read of them, and where in its passages they are placed."""

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
from shotwise.knowledge.ingestion.expected_questions import (
    MAX_CHARACTERS,
    MAX_NOTES,
    MAX_QUESTIONS_PER_LINE,
    MAX_PAGE,
    MAX_QUESTIONS,
    place_questions,
    read_questions,
)
from shotwise.knowledge.models import Document, ExpectedQuestion, Passage, Questions
from shotwise.messages import Message, note_text

GOOD = ExpectedQuestion(3, "Clean the die.", ("How is it cleaned?", "금형은 어떻게 닦나요?"))


def row(page: object = 3, text: object = GOOD.text, questions: object = GOOD.questions, **more: object) -> str:
    """A line of the file."""
    return json.dumps({"page": page, "text": text, "questions": questions, **more}, ensure_ascii=False)


PAGE, TEXT, QUESTIONS = {"code": "bad_page"}, {"code": "bad_text"}, {"code": "bad_questions"}
LONG = {"code": "too_long", "max_questions": MAX_QUESTIONS_PER_LINE, "max_characters": MAX_CHARACTERS}
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
    (row(questions=["a", "b" * (MAX_CHARACTERS + 1)]), LONG), (row(questions=["a"] * (MAX_QUESTIONS_PER_LINE + 1)), LONG),
    (row(page=MAX_PAGE + 1), PAGE)]


@pytest.mark.parametrize(("line", "fault"), BAD, ids=[line[:40] for line, _ in BAD])
def test_a_bad_line_is_noted_and_the_others_count(line: str, fault: dict[str, Any]) -> None:
    """Its number in the file is told, empty lines counted too, with what is wrong with it."""
    found, (note,) = read_questions("\n".join([row(), "", line, row(page=4)]))
    assert found == (GOOD, replace(GOOD, page=4))
    code, cause = f"questions_line_{fault['code']}", fault.get("cause", "")
    assert (note.code, note.params["line"]) == (code, 3) and str(note.params.get("cause", "")).startswith(cause)
    assert {**note.params, "code": fault["code"], "cause": cause} == {"line": 3, "cause": "", **fault}
    assert note_text("guide.pdf", note).startswith("guide.pdf: line 3 of questions.jsonl is skipped: ")


def test_the_first_bad_lines_are_noted() -> None:
    """Each by its number, in order, and the last note tells that there is more; nothing after them is read."""
    found, notes = read_questions("\n".join([*(line for line, _ in BAD[:MAX_NOTES]), row()]))
    assert found == () and [note.params["line"] for note in notes[:-1]] == list(range(1, MAX_NOTES + 1))
    assert notes[-1] == Message("questions_cut_off", {"line": MAX_NOTES})


def test_a_document_has_so_many_questions() -> None:
    """What is beyond is told and left out: each question costs every search a little."""
    lines = [row(questions=[f"{number} {other}" for other in range(MAX_QUESTIONS_PER_LINE)]) for number in range(300)]
    found, notes = read_questions("\n".join(lines))
    assert sum(len(each.questions) for each in found) == MAX_QUESTIONS
    assert notes == (Message("questions_cut_off", {"line": len(found)}),)


def test_a_note_is_short() -> None:
    """However long what it tells of is."""
    _, (note,) = located(ExpectedQuestion(1, "a" * 100_000, ("b",)))
    assert len(note_text("guide.pdf", note)) < 250


@pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n", " \n\t\n  "])
def test_an_empty_file_asks_nothing(content: str) -> None:
    """Nor do empty lines, and nothing is noted of them."""
    assert read_questions(content) == ((), ())


@pytest.mark.parametrize("end", ["\n", "\r\n", " \r\n", "\n\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_on_any_machine(end: str, last: bool) -> None:
    """With or without a carriage return, and the last one with or without an end."""
    assert read_questions(end.join([row(), row(page=4)]) + end * last) == ((GOOD, replace(GOOD, page=4)), ())


@pytest.mark.parametrize("between", ["\u2028", "\u2029", "\x85"])
def test_a_character_that_ends_lines_elsewhere_ends_none(between: str) -> None:
    """JSON may hold line and paragraph separators as they are; here they are spaces."""
    assert read_questions(row(questions=[f"왜{between}막히나요?"])) == (
        (replace(GOOD, questions=("왜 막히나요?",)),), ())


def test_spaces_are_single_ones() -> None:
    """In the words and in the questions, whatever stood between the words."""
    spaced = row(text="  Clean\n the\tdie. ", questions=[" How  is\u3000it\ncleaned? ", *GOOD.questions[1:]])
    assert read_questions(spaced) == ((GOOD,), ())


def test_a_question_that_says_nothing_is_none() -> None:
    """Empty ones are left out, and a line without any is a line all the same; what else a line says is nobody's
    concern."""
    found, notes = read_questions("\n".join([row(questions=["", " \n", "a"]), row(questions=[], author="b")]))
    assert [each.questions for each in found] == [("a",), ()] and notes == ()


def test_a_question_may_have_its_characters() -> None:
    """The longest one is read, whatever its alphabet; the words of the page have no such limit."""
    longest = "막" * MAX_CHARACTERS
    assert read_questions(row(text="a" * 5000, questions=[longest] * 50)) == (
        (ExpectedQuestion(3, "a" * 5000, (longest,)),), ())


@given(st.lists(st.builds(ExpectedQuestion, st.integers(1, MAX_PAGE), st.text(min_size=1).filter(str.strip),
                          st.lists(st.text(max_size=20), max_size=3).map(tuple))), st.booleans())
def test_what_was_written_is_read(rows: list[ExpectedQuestion], escaped: bool) -> None:
    """Any texts, as JSON has them with or without escapes, come back in order with single spaces."""
    content = "\n".join(json.dumps(each.__dict__, ensure_ascii=escaped) for each in rows)
    spaced = [ExpectedQuestion(each.page, " ".join(each.text.split()), tuple(dict.fromkeys(
        " ".join(question.split()) for question in each.questions if question.strip()))) for each in rows]
    assert read_questions(content) == (tuple(spaced), ())


MARKDOWN = ("# Dies\n\n## Spray\n\nKeep the  nozzle clean all of the time. Spray for two seconds at the least.\n\n"
            "- Blow the die dry\n\n## Lubricant\n\nMix it fresh every morning, with water.",
            "It spoils in the sun, and smells.\n\n## Blow the die dry\n\n**Air** comes last. It has to be dry, and "
            "clean.\n\n|Part|What to do|\n|---|---|\n|Nozzle|Clean it.|")
GUIDE = document(*MARKDOWN)


def located(*expected: ExpectedQuestion, guide: Document = GUIDE) -> tuple[dict[tuple[int, int], tuple[str, ...]],
                                                                    tuple[Message, ...]]:
    """Where in the guide's passages these are placed, and what is noted."""
    found, notes = place_questions(replace(guide, expected_questions=expected), split_into_passages(guide))
    return dict(found), notes


@pytest.mark.parametrize(("page", "text", "place"), [
    (1, "Spray", (0, 0)), (1, "Lubricant", (1, 0)), (2, "Blow the die dry", (3, 0)), (2, "Lubricant", (2, 0)),
    (1, "Keep the nozzle clean all of the time.", (0, 1)), (1, "Spray for two seconds at the least.", (0, 2)),
    (1, "Blow the die dry", (0, 3)), (1, "nozzle clean", (0, 1)), (2, "It spoils in the sun, and smells.", (2, 1)),
    (2, "Air comes last. It has to be dry, and clean.", (3, 1)), (2, "Nozzle Clean it.", (3, 2)),
    (2, "Clean it.", (3, 2))])
def test_words_are_placed_where_they_stand(page: int, text: str, place: tuple[int, int]) -> None:
    """The heading of a section at its first passage on that page, also where the section began on an earlier page; a
    sentence, an item, a table row or a part of one at its line, counted from 1."""
    assert located(ExpectedQuestion(page, text, ("a", "b"))) == ({place: ("a", "b")}, ())


def test_a_heading_comes_before_lines() -> None:
    """Words that head one section and stand in another's line ask of the section."""
    kept = [passage("Die casting"), passage("b", headings=("Dies", "Die casting"))]
    found, _ = place_questions(replace(GUIDE, expected_questions=(ExpectedQuestion(1, "Die casting", ("a",)), ExpectedQuestion(1, "Die", ("b",)))), kept)
    assert found == {(1, 0): ("a",), (0, 1): ("b",)}


def test_what_stands_twice_is_the_first() -> None:
    """Of the passages of its page, not of an earlier one."""
    kept = [passage("Wait."), *(passage("Go.", "Wait.", headings=("Dies",), page=2) for _ in range(2))]
    asked = replace(GUIDE, expected_questions=(ExpectedQuestion(2, "Wait.", ("a",)), ExpectedQuestion(2, "Dies", ("b",))))
    assert place_questions(asked, kept) == ({(1, 2): ("a",), (1, 0): ("b",)}, ())


@pytest.mark.parametrize("text", ["Keep  the nozzle\nclean", "Keep\tthe nozzle\u00a0clean"])
def test_spaces_make_no_difference(text: str) -> None:
    """Neither those of the page nor those of the file, which are single ones once it is read."""
    (read,), _ = read_questions(row(1, text, ["a"]))
    kept = [passage("Always: Keep   the\nnozzle clean.", headings=("Keep the\u3000 nozzle clean!",))]
    heading = ExpectedQuestion(1, "Keep the nozzle clean!", ("b",))
    assert place_questions(replace(GUIDE, expected_questions=(read, heading)), kept) == ({(0, 1): ("a",), (0, 0): ("b",)}, ())


def test_the_same_words_twice_add_up() -> None:
    """In the order of the file, and with those of another part of the line; a question once."""
    found, notes = located(ExpectedQuestion(1, "Keep the nozzle", ("a",)), ExpectedQuestion(1, "Spray", ("x",)),
                           ExpectedQuestion(1, "all of the time.", ("b", "c")), ExpectedQuestion(1, "Keep the nozzle", ("d", "a")))
    assert found == {(0, 1): ("a", "b", "c", "d"), (0, 0): ("x",)} and notes == ()


@pytest.mark.parametrize(("page", "text"), [
    (2, "Spray"), (2, "Keep the nozzle clean all of the time."), (1, "It spoils in the sun, and smells."),
    (1, "Air comes last."), (3, "Spray"), (1, "keep the nozzle"), (1, "Die casting"), (1, "It's \"new\"")])
def test_words_of_no_such_page_are_noted(page: int, text: str) -> None:
    """What stands on another page, on none, or in other letters is placed nowhere; the rest is placed."""
    found, (note,) = located(ExpectedQuestion(1, "Spray", ("a",)), ExpectedQuestion(page, text, ("b",)))
    assert found == {(0, 0): ("a",)}
    assert note == Message("questions_not_on_page", {"skipped": 1, "lines": 2, "page": page, "text": text})


def test_one_note_tells_of_all_that_are_lost() -> None:
    """How many of how many, with the first of them as the example."""
    found, notes = located(ExpectedQuestion(2, "Spray", ("a",)), ExpectedQuestion(1, "Lubricant", ("b",)), ExpectedQuestion(9, "None", ()))
    assert found == {(1, 0): ("b",)}
    assert notes == (Message("questions_not_on_page", {"skipped": 2, "lines": 3, "page": 2, "text": "Spray"}),)


def test_nothing_expected_nothing_placed() -> None:
    """A document without questions has no places and no notes, with and without passages."""
    assert located() == located(guide=document()) == ({}, ())
    assert len(located(GOOD, guide=document())[1]) == 1


WORDS = st.lists(st.sampled_from(["die", "spray", "dry"]), min_size=1, max_size=3).map(" ".join)
KEPT = st.lists(st.builds(lambda lines, heading, page: passage(*lines, headings=heading, page=page),
                          st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=2).map(tuple),
                          st.integers(1, 2)), max_size=4)


def holds(found: Passage, line: int, expected: ExpectedQuestion) -> bool:
    """Whether the words stand at this place of the passage."""
    if found.page != expected.page or line == 0:
        return found.page == expected.page and expected.text in found.headings
    texts = [each.text for each in found.lines]
    start = sum(len(text) + 1 for text in texts[:line - 1])
    return start <= " ".join(texts).find(expected.text, start) < start + len(texts[line - 1])


def rightly(kept: Sequence[Passage], expected: Sequence[ExpectedQuestion], found: Questions, notes: Sequence[Message]) -> bool:
    """Whether each of the questions, which differ, is at one place that holds its words, and each that has no such
    place is counted as lost."""
    given = {question: place for place, questions in found.items() for question in questions}
    lost = [each for each in expected if not any(
        holds(one, line, each) for one in kept for line in range(len(one.lines) + 1))]
    told = [note.params["skipped"] == len(lost) and note.params["lines"] == len(expected)
            and note.params["text"] == lost[0].text for note in notes]
    return (sum(map(len, found.values())) == len(given) == len(expected) - len(lost) and told == [True] * bool(lost)
            and all(holds(kept[given[each.questions[0]][0]], given[each.questions[0]][1], each)
                    for each in expected if each not in lost))


@settings(max_examples=200)
@given(KEPT, st.lists(st.tuples(st.integers(1, 2), WORDS), max_size=5))
def test_every_question_is_placed_or_lost(kept: list[Passage], asked: list[tuple[int, str]]) -> None:
    """Each question stands at one place, which holds its words, or is told to be lost because there is none."""
    expected = tuple(ExpectedQuestion(page, text, (str(number),)) for number, (page, text) in enumerate(asked))
    assert rightly(kept, expected, *place_questions(replace(GUIDE, expected_questions=expected), kept))


def test_the_check_sees_misplaced_questions() -> None:
    """The check can fail: another line, another passage, one left out, and one lost untold are seen."""
    kept = [passage("die", "spray"), passage("dry", headings=("die",), page=2)]
    expected = (ExpectedQuestion(1, "die", ("0",)), ExpectedQuestion(2, "die", ("1",)), ExpectedQuestion(2, "spray", ("2",)))
    found, notes = place_questions(replace(GUIDE, expected_questions=expected), kept)
    assert rightly(kept, expected, found, notes) and found == {(0, 1): ("0",), (1, 0): ("1",)}
    for wrong in ({(0, 2): ("0",), (1, 0): ("1",)}, {(0, 1): ("0",), (1, 1): ("1",)}, {(0, 1): ("0",)},
                  {**found, (1, 1): ("2",)}, {(0, 1): ("0", "1")}):
        assert not rightly(kept, expected, wrong, notes)
    assert not rightly(kept, expected, found, ()) and not rightly(kept, expected, found, notes * 2)
