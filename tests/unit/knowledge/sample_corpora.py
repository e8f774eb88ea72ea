"""Small random corpora of several documents, with and without expected questions, and plain ways to count in them."""

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
    """A passage that answers questions: as a whole (the first tuple), and by each of its lines in turn."""

    questions: tuple[tuple[str, ...], ...] = ()


Corpus = Sequence[Sequence[Passage]]  # the passages of each document
VOCABULARY = ("비스킷", "두께가", "얇으면", "기공", "기포가", "온도", "ADC12", "velocity", "0.05", "낮음",
              "누구", "어느")
TEXTS = st.lists(st.sampled_from(VOCABULARY), max_size=8).map(" ".join)
_QUESTIONS = st.lists(TEXTS, max_size=2).map(tuple)


def _build(lines: list[tuple[str, tuple[str, ...]]], headings: list[str], action: bool,
           questions_of_passage: tuple[str, ...]) -> Passage:
    questions = (questions_of_passage, *(questions_of_line for _, questions_of_line in lines))
    return AnsweringPassage("a", "다이캐스팅 기공", 1, tuple(headings), tuple(Line(text, text) for text, _ in lines),
                            action, questions)


def _without_questions(source: Passage) -> Passage:
    return Passage(source.document, source.title, source.page, source.headings, source.lines, source.action)


_ANSWERING = st.builds(_build, st.lists(st.tuples(TEXTS, _QUESTIONS), max_size=3), st.lists(TEXTS, max_size=2),
                       st.booleans(), _QUESTIONS)
CORPORA = st.lists(st.lists(_ANSWERING | _ANSWERING.map(_without_questions), max_size=4), max_size=4)


def answering_passage(text: str, *questions: Sequence[str], headings: tuple[str, ...] = ()) -> AnsweringPassage:
    """A passage of one line. questions: those of the passage as a whole, then those of the line."""
    plain = passage(text, headings=headings)
    return AnsweringPassage(plain.document, plain.title, plain.page, plain.headings, plain.lines, plain.action,
                            tuple(map(tuple, questions)))


def postings_of(passages: Sequence[Passage]) -> Postings:
    """The postings of a document of these passages."""
    questions = {(number, line): texts for number, source in enumerate(passages)
                 for line, texts in enumerate(_questions_of(source)) if texts}
    return build_postings(passages, ANALYZER, questions)


def _questions_of(source: Passage) -> tuple[tuple[str, ...], ...]:
    return source.questions if isinstance(source, AnsweringPassage) else ()


def bm25_index(corpus: Corpus, corrupt: Callable[[Postings], Postings] | None = None) -> Bm25Index:
    """The index of a corpus; `corrupt` changes the postings of its first document."""
    documents = {str(number): ("v", postings_of(passages)) for number, passages in enumerate(corpus)}
    if corrupt and documents:
        documents["0"] = "v", corrupt(documents["0"][1])
    return Bm25Index(documents)


def shifted(postings: Postings, offset: int) -> Postings:
    """The postings with every term moved by some places, from the end to the beginning."""
    places = np.frombuffer(postings.places, "<u4")
    return replace(postings, places=((places + offset) % len(postings.questions)).astype("<u4").tobytes())


def passages_by_id(corpus: Corpus) -> dict[PassageId, Passage]:
    """Every passage by its id in `bm25_index(corpus)`."""
    return {PassageId(str(document), "v", number): source for document, passages in enumerate(corpus)
            for number, source in enumerate(passages)}


@lru_cache(maxsize=256)
def text_units(source: Passage) -> list[tuple[Counter[str], bool]]:
    """How often each term counts in each place of a passage, and whether the place is a question.

    Computed the plain way: a heading's words count twice and the title's once; then come the questions of the passage
    as a whole, then each line and its questions.
    """
    return list(_text_units(source))


def _text_units(source: Passage) -> Iterator[tuple[Counter[str], bool]]:
    headings = ANALYZER.terms(" ".join(source.headings))
    texts = [headings + headings + ANALYZER.terms(source.title), *(ANALYZER.terms(line.text) for line in source.lines)]
    for terms, questions in zip_longest(texts, _questions_of(source)[:len(texts)], fillvalue=()):
        yield Counter(terms), False
        yield from ((Counter(ANALYZER.question_terms(question)), True) for question in questions)


def term_counts(source: Passage) -> Counter[str]:
    """How often each term counts in a passage; the questions that it answers count as text."""
    return sum((terms for terms, _ in text_units(source)), Counter())


def own_terms(source: Passage) -> set[str]:
    """The terms of a passage's own words, without those of questions."""
    return {term for terms, is_question in text_units(source) if not is_question for term in terms}


def questions_in(corpus: Corpus) -> list[Counter[str]]:
    """The terms of each question that any of the passages answers."""
    return [terms for passages in corpus for source in passages
            for terms, is_question in text_units(source) if is_question]


def question_idf(corpus: Corpus) -> Callable[[str], float]:
    """A function that returns the inverse frequency of a term among the questions of a corpus."""
    questions = questions_in(corpus)
    counts = Counter(term for terms in questions for term in terms)
    return lambda term: math.log(1 + (len(questions) + 1) / (counts[term] + 0.5))
