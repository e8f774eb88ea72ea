"""Small corpora of several documents, drawn by chance: passages with and without questions, and what stands where."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

import numpy as np
from hypothesis import strategies as st
from sample_documents import ANALYZER, passage

from shotwise.knowledge.ingestion.postings import build_postings
from shotwise.knowledge.models import Line, Passage, PassageId, Postings
from shotwise.knowledge.retrieval.bm25 import Bm25Index


@dataclass(frozen=True)
class AnsweringPassage(Passage):
    """A passage that answers questions: as a whole, and by each of its lines in turn."""

    questions: tuple[tuple[str, ...], ...] = ()


Corpus = Sequence[Sequence[Passage]]  # of each document its passages
VOCABULARY = ("비스킷", "두께가", "얇으면", "기공", "기포가", "온도", "ADC12", "velocity", "0.05", "낮음",
              "누구", "어느")
TEXTS = st.lists(st.sampled_from(VOCABULARY), max_size=8).map(" ".join)
_QUESTIONS = st.lists(TEXTS, max_size=2).map(tuple)


def _drawn(lines: list[tuple[str, tuple[str, ...]]], headings: list[str], action: bool,
           whole: tuple[str, ...]) -> Passage:
    questions = (whole, *(asked for _, asked in lines))
    return AnsweringPassage("a", "다이캐스팅 기공", 1, tuple(headings), tuple(Line(text, text) for text, _ in lines), action,
                 questions)


def _silent(drawn: Passage) -> Passage:
    return Passage(drawn.document, drawn.title, drawn.page, drawn.headings, drawn.lines, drawn.action)


_ASKED = st.builds(_drawn, st.lists(st.tuples(TEXTS, _QUESTIONS), max_size=3), st.lists(TEXTS, max_size=2),
                   st.booleans(), _QUESTIONS)
CORPORA = st.lists(st.lists(_ASKED | _ASKED.map(_silent), max_size=4), max_size=4)


def answering_passage(text: str, *questions: Sequence[str], headings: tuple[str, ...] = ()) -> AnsweringPassage:
    """A passage of one line. questions: those of the whole, then those of the line."""
    plain = passage(text, headings=headings)
    return AnsweringPassage(plain.document, plain.title, plain.page, plain.headings, plain.lines, plain.action,
                 tuple(map(tuple, questions)))


def postings_of(passages: Sequence[Passage]) -> Postings:
    """The postings of a document."""
    known = {(number, line): texts for number, each in enumerate(passages)
             for line, texts in enumerate(_questions_of(each)) if texts}
    return build_postings(passages, ANALYZER, known)


def _questions_of(found: Passage) -> tuple[tuple[str, ...], ...]:
    return found.questions if isinstance(found, AnsweringPassage) else ()


def bm25_index(corpus: Corpus, spoiled: Callable[[Postings], Postings] | None = None) -> Bm25Index:
    """The index of a corpus; `spoiled` changes the postings of its first document."""
    documents = {str(number): ("v", postings_of(passages)) for number, passages in enumerate(corpus)}
    if spoiled and documents:
        documents["0"] = "v", spoiled(documents["0"][1])
    return Bm25Index(documents)


def shifted(found: Postings, by: int) -> Postings:
    """The postings with every term some places further on, those at the end at the beginning."""
    numbers = np.frombuffer(found.places, "<u4")
    return replace(found, places=((numbers + by) % len(found.questions)).astype("<u4").tobytes())


def passages_by_id(corpus: Corpus) -> dict[PassageId, Passage]:
    """Every passage by its key."""
    return {PassageId(str(number), "v", at): each for number, passages in enumerate(corpus)
            for at, each in enumerate(passages)}


@lru_cache(maxsize=256)
def text_units(found: Passage) -> list[tuple[Counter[str], bool]]:
    """How often each term counts in each place of a passage, and whether it is a question, the plain way: a heading's
    words count twice and the title's once; then the questions of the whole, then each line and its questions."""
    return list(_text_units(found))


def _text_units(found: Passage) -> Iterator[tuple[Counter[str], bool]]:
    heading = ANALYZER.terms(" ".join(found.headings))
    texts = [heading + heading + ANALYZER.terms(found.title), *(ANALYZER.terms(line.text) for line in found.lines)]
    for terms, questions in zip_longest(texts, _questions_of(found)[:len(texts)], fillvalue=()):
        yield Counter(terms), False
        yield from ((Counter(ANALYZER.question_terms(question)), True) for question in questions)


def counted(found: Passage) -> Counter[str]:
    """How often each term counts in a passage; the questions that it answers count as text."""
    return sum((terms for terms, _ in text_units(found)), Counter())


def stated(found: Passage) -> set[str]:
    """The terms of its own words."""
    return {term for terms, is_question in text_units(found) if not is_question for term in terms}


def questions_in(corpus: Corpus) -> list[Counter[str]]:
    """The terms of each question that any of its passages answers."""
    return [terms for passages in corpus for each in passages for terms, is_question in text_units(each) if is_question]


def rarities(corpus: Corpus) -> Callable[[str], float]:
    """How much a term tells of a question, by the number of those that hold it."""
    questions = questions_in(corpus)
    counts = Counter(term for each in questions for term in each)
    return lambda term: math.log(1 + (len(questions) + 1) / (counts[term] + 0.5))
