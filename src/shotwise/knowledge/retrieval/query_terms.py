"""What a question wants: the terms that are searched, the words that an answer should hold, the kind of section."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shotwise.knowledge.text.analyzer import (
    LATIN_TAG,
    NOUN_TAGS,
    VERB_TAGS,
    Analyzer,
    Expansion,
    Morpheme,
    syllable_bigrams,
)

# Words that ask rather than tell: a passage need not hold them to be the answer.
_ASKING_WORDS = """
    원인 대책 이유 방법 경우 때 정도 문제 관련 보통 가장 먼저 어떻 무엇 뭐 얼마 언제 어디 누구 몇 왜 필요 가능 발생 설명
    의미 뜻 종류 내용 사항 순서 기준 얘기 질문 답 하 되 있 없 알 알리 주 보 생기 나오 나타나 싶 두 오 가 들 그러 이러
    어쩌 쓰 하나 왜요 가요 what why how when where which who is are do does did the a an of in on to for and or can
    could should would i we it be if my me our tell about much many often happen happens please need with at by from
    there this that whether come comes came get gets got just way make makes made take takes use used using go goes
    going see look new still also too very more most less than then after before during between into out up down off
    over under again want help let not no near
"""
_ASKING = frozenset(_ASKING_WORDS.split())
_WHICH = frozenset(("어떤", "무슨", "어느"))
_NUMBER = re.compile(r"[0-9.]+")
# What a question word asks for, as documents head it.
_ASKS_FOR = {"왜": "원인", "이유": "원인", "원인": "원인", "why": "원인",
             "방법": "대책", "대책": "대책", "어떻": "대책", "어떻게": "대책", "조치": "대책", "how": "대책"}
RELATED = 0.7  # weight of a term that is searched because the thesaurus relates it


@dataclass(frozen=True)
class Word:
    """A word of a question. term: its morpheme; pairs: the terms of its syllables, for text that splits it otherwise;
    weak: a verb or a number, which an answer may put otherwise; meanings: what it may stand for, each as the terms of
    that; decisive: an answer has to hold just it; written: the number of the written word that it is part of."""

    term: str
    pairs: tuple[str, ...]
    weak: bool
    meanings: tuple[Expansion, ...] = ()
    decisive: bool = False
    written: int = 0


def search_terms(text: str, analyzer: Analyzer) -> dict[str, float]:
    """The terms to search for, each with its weight: of the text itself, of the headings that such a question is
    answered under, and of what the thesaurus relates."""
    related = {term for _, meanings in analyzer.expansions(text) for meaning in meanings for term in meaning}
    return dict.fromkeys(sorted(related), RELATED) | dict.fromkeys(
        [*asked_for(text, analyzer), *analyzer.terms(text)], 1.0)


def content_words(question: str, analyzer: Analyzer) -> list[Word]:
    """The words of a question that an answer should hold, each once. The noun after 어떤 or 무슨 is what is asked for:
    an answer to 어떤 결함 names the defect instead."""
    found: dict[str, Word] = {}
    unnamed = -1
    for morpheme in analyzer.morphemes(question):
        if morpheme.form in _WHICH:
            unnamed = morpheme.word + 1
        elif _counts(morpheme) and morpheme.word != unnamed:
            meanings = _meanings(morpheme.form, question, analyzer)
            found.setdefault(morpheme.form, _word(morpheme, meanings, morpheme.form in analyzer.decisive))
    return list(found.values())


def spoken_words(question: str, analyzer: Analyzer) -> list[Word]:
    """All words of a question, each once, those that ask too: what people expect of a passage is asked in them."""
    return [Word(form, (), False, _meanings(form, question, analyzer)) for form in analyzer.question_morphemes(question)]


def _meanings(form: str, question: str, analyzer: Analyzer) -> tuple[Expansion, ...]:
    """What a morpheme of a question may mean there, each once."""
    return tuple(dict.fromkeys(meaning for said, meant in analyzer.expansions(question) if form in said
                               for meaning in meant))


def _counts(morpheme: Morpheme) -> bool:
    return (morpheme.tag in NOUN_TAGS or morpheme.tag in VERB_TAGS or morpheme.tag == LATIN_TAG) \
        and not morpheme.part and morpheme.form not in _ASKING


def _word(morpheme: Morpheme, meanings: tuple[Expansion, ...], decisive: bool) -> Word:
    weak = morpheme.tag in VERB_TAGS or bool(_NUMBER.fullmatch(morpheme.form))
    pairs = () if weak or len(morpheme.form) < 2 else tuple(syllable_bigrams(morpheme.form))
    return Word(morpheme.form, pairs, weak, meanings, decisive, morpheme.word)


def asked_for(question: str, analyzer: Analyzer) -> list[str]:
    """The terms of the headings that such a question is answered under: why → 원인, how → 대책."""
    headings = dict.fromkeys(_ASKS_FOR[found.form] for found in analyzer.morphemes(question) if found.form in _ASKS_FOR)
    return [term for heading in headings for term in analyzer.terms(heading)]
