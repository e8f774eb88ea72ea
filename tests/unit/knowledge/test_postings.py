"""Passages → postings."""

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
    """Little-endian numbers of four bytes."""
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def read(kept: Postings) -> list[list[Place]]:
    """Of each passage its places, as the field docs say that they are kept: how often each term stands there, and
    whether it is a question."""
    starts, numbers, firsts = uint32(kept.starts), uint32(kept.places), uint32(kept.firsts)
    assert len(starts) == len(kept.terms) + 1 and starts[-1] == len(numbers) == len(kept.counts)
    assert firsts[0] == 0 and len(firsts) == len(kept.actions) + 1 and firsts[-1] == len(kept.questions)
    found: list[Counter[str]] = [Counter() for _ in range(firsts[-1])]
    for term, (start, stop) in zip(kept.terms, pairwise(starts), strict=True):
        for place, count in zip(numbers[start:stop], kept.counts[start:stop], strict=True):
            found[place][term] += count
    flags = [{0: False, 1: True}[flag] for flag in kept.questions]
    return [list(zip(found[first:end], flags[first:end], strict=True)) for first, end in pairwise(firsts)]


def ascend(kept: Postings) -> bool:
    """Whether the terms are sorted, and the places of each, none twice."""
    numbers = uint32(kept.places)
    spans = [numbers[start:stop] for start, stop in pairwise(uint32(kept.starts))]
    return list(kept.terms) == sorted(set(kept.terms)) and all(list(span) == sorted(set(span)) for span in spans)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(lambda text, whole, line, heading: answering_passage(text, whole, line, headings=(heading,)),
                          TEXTS, QUESTIONS, QUESTIONS, HEADINGS), max_size=5))
def test_every_term_of_every_place_is_there(passages: Sequence[Passage]) -> None:
    """Read back, postings are the counts of the terms of each place: headings twice and the title once, the questions
    of the whole, each line and its questions, one by one; terms and places are sorted."""
    found = postings_of(passages)
    assert read(found) == [text_units(each) for each in passages] and ascend(found)


def test_the_comparison_sees_a_term_in_another_place() -> None:
    """The check can fail: a question taken for one of the whole, for text, for another passage's or for the half of
    another one is seen."""
    why, who, other = "왜 막히나요", "누구", answering_passage("온도")
    right = [answering_passage("기공", [], [why, who]), other]
    for wrong in ([answering_passage("기공", [why, who]), other], [answering_passage(f"기공 {why}", [], [who]), other],
                  [answering_passage("기공"), answering_passage("온도", [], [why, who])], [answering_passage("기공", [], [f"{why} {who}"]), other],
                  [answering_passage("기공", [], [who, why]), other]):
        assert read(postings_of(wrong)) != [text_units(each) for each in right]


def test_questions_follow_what_answers_them() -> None:
    """A passage has its headings and each line as places of their own, and after each of them every question that is
    answered there; where none is, nothing stands between."""
    passages = [passage("기공", "온도", "균열", title=""), passage("기포", headings=("원인",), title="")]
    found = read(build_postings(passages, ANALYZER, {(0, 2): ("어느 온도", "누구"), (1, 0): ("누구",)}))
    words = [[" ".join(term for term in terms if not term.startswith("#")) + "?" * is_question
              for terms, is_question in each] for each in found]
    assert words == [["", "기공", "온도", "어느 온도?", "누구?", "균열"], ["원인", "누구?", "기포"]]
    assert found[1][0][0]["원인"] == HEADING_WEIGHT


def test_questions_keep_the_words_that_ask() -> None:
    """누구 and 어느 tell one question from another, so they are terms of questions; of text they are none."""
    said = "누구 어느 기공"
    (found,) = read(build_postings([passage(said, title="")], ANALYZER, {(0, 1): (said,)}))
    assert found[1:] == [(Counter(ANALYZER.terms(said)), False), (Counter(ANALYZER.question_terms(said)), True)]
    assert {"누구", "어느"} <= found[2][0].keys() and not {"누구", "어느"} & found[1][0].keys()


def test_a_question_without_words_is_a_question() -> None:
    """It has a place, at which nothing stands."""
    assert read(build_postings([passage("기공", title="")], ANALYZER, {(0, 0): ("?", "")}))[0][1:3] == [(Counter(), True)] * 2


@pytest.mark.parametrize("questions", [{}, {(0, 1): ()}, {(5, 0): ("누구",), (0, 9): ("누구",)}])
def test_questions_of_no_place_leave_nothing(questions: dict[tuple[int, int], tuple[str, ...]]) -> None:
    """None at all, and ones of places that are not there make no difference."""
    assert build_postings([passage("기공")], ANALYZER, questions) == build_postings([passage("기공")], ANALYZER)


def test_a_count_is_one_byte() -> None:
    """What stands more often than 255 times in a place counts as 255 times there."""
    many, most = "adc12 " * 300, Counter(adc12=255)
    found = read(build_postings([passage(many, many, title="", headings=("adc12 " * 200,))], ANALYZER, {(0, 0): (many,)}))
    assert found == [[(most, False), (most, True), (most, False), (most, False)]]


def test_packed_is_read_back() -> None:
    """Postings can be made from counts alone, of passages of any number of places."""
    counts = [[(Counter(a=2), False)], [], [(Counter(b=1), True), (Counter(a=300), True), (Counter(), False),
                                            (Counter(b=1), True)]]
    found = pack_postings(counts, [False, True, True])
    counts[2][1] = Counter(a=255), True
    assert read(found) == counts and ascend(found) and found.actions == b"\0\1\1"


def test_actions_are_flagged() -> None:
    """One byte a passage says whether it announces countermeasures."""
    assert build_postings([passage("가"), passage("나", action=True), passage("")], ANALYZER).actions == b"\0\1\0"


def test_no_passages_no_postings() -> None:
    """An empty document is kept like others."""
    assert build_postings([], ANALYZER) == Postings((), b"\0\0\0\0", b"", b"", b"\0\0\0\0", b"", b"")
