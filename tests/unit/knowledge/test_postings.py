"""Postings count the terms of passages."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_corpora import answering_passage, postings_of, text_units
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import HEADING_WEIGHT, build_postings, pack_postings
from shotwise.knowledge.models import Passage, Postings

TEXTS = st.text(st.sampled_from("기공온도이 ab1.\n"))
HEADINGS = st.text(st.sampled_from("원인대책 c"))
Place = tuple[Counter[str], bool]
QUESTIONS = st.lists(st.text(st.sampled_from("왜누구기공 a?")), max_size=2)


def uint32(packed: bytes) -> tuple[int, ...]:
    """Unpack little-endian numbers of four bytes."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def unpack(postings: Postings) -> list[list[Place]]:
    """Return the places of each passage: how often each term occurs there, and whether it is a question."""
    starts, numbers, firsts = uint32(postings.starts), uint32(postings.places), uint32(postings.firsts)
    assert len(starts) == len(postings.terms) + 1 and starts[-1] == len(numbers) == len(postings.counts)
    assert firsts[0] == 0 and len(firsts) == len(postings.actions) + 1 and firsts[-1] == len(postings.questions)
    term_counts: list[Counter[str]] = [Counter() for _ in range(firsts[-1])]
    for term, (start, stop) in zip(postings.terms, pairwise(starts), strict=True):
        for place, count in zip(numbers[start:stop], postings.counts[start:stop], strict=True):
            term_counts[place][term] += count
    flags = [{0: False, 1: True}[flag] for flag in postings.questions]
    return [list(zip(term_counts[first:end], flags[first:end], strict=True)) for first, end in pairwise(firsts)]


def are_sorted(postings: Postings) -> bool:
    """Whether the terms, and the places of each term, are sorted without repeats."""
    numbers = uint32(postings.places)
    spans = [numbers[start:stop] for start, stop in pairwise(uint32(postings.starts))]
    return list(postings.terms) == sorted(set(postings.terms)) and all(
        list(span) == sorted(set(span)) for span in spans)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(lambda text, whole, line, heading: answering_passage(text, whole, line, headings=(heading,)),
                          TEXTS, QUESTIONS, QUESTIONS, HEADINGS), max_size=5))
def test_every_term_of_every_place_is_there(passages: Sequence[Passage]) -> None:
    """Postings hold the count of every term in every place: headings, lines and questions, in order."""
    postings = postings_of(passages)
    assert unpack(postings) == [text_units(answering) for answering in passages] and are_sorted(postings)


def test_the_comparison_sees_a_term_in_another_place() -> None:
    """The check can fail: it sees a question at the whole passage, as text, at another passage, or joined."""
    why, who, other = "왜 막히나요", "누구", answering_passage("온도")
    right = [answering_passage("기공", [], [why, who]), other]
    for wrong in ([answering_passage("기공", [why, who]), other], [answering_passage(f"기공 {why}", [], [who]), other],
                  [answering_passage("기공"), answering_passage("온도", [], [why, who])],
                  [answering_passage("기공", [], [f"{why} {who}"]), other],
                  [answering_passage("기공", [], [who, why]), other]):
        assert unpack(postings_of(wrong)) != [text_units(answering) for answering in right]


def test_questions_follow_what_answers_them() -> None:
    """Headings and lines are places in order, and each is followed by the questions that it answers."""
    passages = [passage("기공", "온도", "균열", title=""), passage("기포", headings=("원인",), title="")]
    places = unpack(build_postings(passages, ANALYZER, {(0, 2): ("어느 온도", "누구"), (1, 0): ("누구",)}))
    words = [[" ".join(term for term in terms if not term.startswith("#")) + "?" * is_question
              for terms, is_question in passage_places] for passage_places in places]
    assert words == [["", "기공", "온도", "어느 온도?", "누구?", "균열"], ["원인", "누구?", "기포"]]
    assert places[1][0][0]["원인"] == HEADING_WEIGHT


def test_questions_keep_the_words_that_ask() -> None:
    """Words such as 누구 and 어느 are terms of questions, which they tell apart, but not of text."""
    text = "누구 어느 기공"
    (places,) = unpack(build_postings([passage(text, title="")], ANALYZER, {(0, 1): (text,)}))
    assert places[1:] == [(Counter(ANALYZER.terms(text)), False), (Counter(ANALYZER.question_terms(text)), True)]
    assert {"누구", "어느"} <= places[2][0].keys() and not {"누구", "어느"} & places[1][0].keys()


def test_a_question_without_words_is_a_question() -> None:
    """A question without terms has a place without terms."""
    postings = build_postings([passage("기공", title="")], ANALYZER, {(0, 0): ("?", "")})
    assert unpack(postings)[0][1:3] == [(Counter(), True)] * 2


@pytest.mark.parametrize("questions", [{}, {(0, 1): ()}, {(5, 0): ("누구",), (0, 9): ("누구",)}])
def test_questions_of_no_place_leave_nothing(questions: dict[tuple[int, int], tuple[str, ...]]) -> None:
    """No questions, and questions of places that do not exist, make no difference."""
    assert build_postings([passage("기공")], ANALYZER, questions) == build_postings([passage("기공")], ANALYZER)


def test_a_count_is_one_byte() -> None:
    """A term that occurs more than 255 times in a place counts as 255 times."""
    many, max_count = "adc12 " * 300, Counter(adc12=255)
    passages = [passage(many, many, title="", headings=("adc12 " * 200,))]
    places = unpack(build_postings(passages, ANALYZER, {(0, 0): (many,)}))
    assert places == [[(max_count, False), (max_count, True), (max_count, False), (max_count, False)]]


def test_what_is_packed_is_unpacked() -> None:
    """Postings can be made from counts alone, for passages with any number of places."""
    counts = [[(Counter(a=2), False)], [], [(Counter(b=1), True), (Counter(a=300), True), (Counter(), False),
                                            (Counter(b=1), True)]]
    postings = pack_postings(counts, [False, True, True])
    counts[2][1] = Counter(a=255), True
    assert unpack(postings) == counts and are_sorted(postings) and postings.actions == b"\0\1\1"


def test_actions_are_flagged() -> None:
    """One byte a passage says whether its heading announces countermeasures."""
    assert build_postings([passage("가"), passage("나", action=True), passage("")], ANALYZER).actions == b"\0\1\0"


def test_no_passages_no_postings() -> None:
    """A document without passages has postings without terms."""
    assert build_postings([], ANALYZER) == Postings((), b"\0\0\0\0", b"", b"", b"\0\0\0\0", b"", b"")
