"""Choose the terms of a question: those to search for, and those that an answer should contain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from shotwise.knowledge.retrieval.ranking_weights import WEIGHTS
from shotwise.knowledge.text.analyzer import (
    LATIN_TAG,
    NOUN_TAGS,
    VERB_TAGS,
    Analyzer,
    Expansion,
    Morpheme,
    syllable_bigrams,
)


def _read_words(name: str) -> frozenset[str]:
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_ASKING_WORDS = _read_words("asking_words.txt")
_WHICH = frozenset(("어떤", "무슨", "어느"))
_NUMBER = re.compile(r"[0-9.]+")
# Question word → the heading under which documents answer it: 원인 (cause) or 대책 (countermeasure).
_HEADING_OF = {"왜": "원인", "이유": "원인", "원인": "원인", "why": "원인",
               "방법": "대책", "대책": "대책", "어떻": "대책", "어떻게": "대책", "조치": "대책", "how": "대책"}


@dataclass(frozen=True)
class QueryTerm:
    """A morpheme of a question, with what else shows that a text contains it.

    Attributes
    ----------
    term : str
        The morpheme.
    bigrams : tuple of str
        Its syllable bigrams, for texts in which mecab-ko splits the word differently.
    weak : bool
        Whether it is a verb or a number, which an answer may word differently.
    expansions : tuple of Expansion
        What the thesaurus relates to it, each word or phrase as its morphemes.
    decisive : bool
        Whether an answer has to contain this very word.
    word : int
        Index of the written word that it is part of.
    """

    term: str
    bigrams: tuple[str, ...]
    weak: bool
    expansions: tuple[Expansion, ...] = ()
    decisive: bool = False
    word: int = 0

    @property
    def search_terms(self) -> list[str]:
        """All search terms that show whether a text contains it: the morpheme, its bigrams and its expansions."""
        return [self.term, *self.bigrams, *(term for expansion in self.expansions for term in expansion)]


def search_terms(text: str, analyzer: Analyzer) -> dict[str, float]:
    """Return the terms to search for, with their weights.

    They are the terms of the text, those of the headings under which such a question is answered, and those that the
    thesaurus relates to the text.
    """
    related = {term for _, expansions in analyzer.expansions(text) for expansion in expansions for term in expansion}
    return dict.fromkeys(sorted(related), WEIGHTS.related_term_weight) | dict.fromkeys(
        [*heading_terms(text, analyzer), *analyzer.terms(text)], 1.0)


def heading_terms(question: str, analyzer: Analyzer) -> list[str]:
    """Return the terms of the headings under which such a question is answered: why → 원인, how → 대책."""
    headings = dict.fromkeys(_HEADING_OF[morpheme.form] for morpheme in analyzer.morphemes(question)
                             if morpheme.form in _HEADING_OF)
    return [term for heading in headings for term in analyzer.terms(heading)]


def content_terms(question: str, analyzer: Analyzer) -> list[QueryTerm]:
    """Return the morphemes of a question that an answer should contain, each once.

    The noun after 어떤 or 무슨 (which, what kind of) is left out: an answer to 어떤 결함 names the defect instead.
    """
    query_terms: dict[str, QueryTerm] = {}
    word_after_which = -1
    for morpheme in analyzer.morphemes(question):
        if morpheme.form in _WHICH:
            word_after_which = morpheme.word + 1
        elif _has_content(morpheme) and morpheme.word != word_after_which:
            query_terms.setdefault(morpheme.form, _query_term(morpheme, question, analyzer))
    return list(query_terms.values())


def all_terms(question: str, analyzer: Analyzer) -> list[QueryTerm]:
    """Return all morphemes of a question, each once, including question words.

    They serve to compare it with expected questions, which contain question words as well.
    """
    return [QueryTerm(form, (), False, _expansions(form, question, analyzer))
            for form in analyzer.question_morphemes(question)]


def _has_content(morpheme: Morpheme) -> bool:
    return (morpheme.tag in NOUN_TAGS or morpheme.tag in VERB_TAGS or morpheme.tag == LATIN_TAG) \
        and not morpheme.part and morpheme.form not in _ASKING_WORDS


def _query_term(morpheme: Morpheme, question: str, analyzer: Analyzer) -> QueryTerm:
    form = morpheme.form
    weak = morpheme.tag in VERB_TAGS or bool(_NUMBER.fullmatch(form))
    bigrams = () if weak or len(form) < 2 else tuple(syllable_bigrams(form))
    return QueryTerm(form, bigrams, weak, _expansions(form, question, analyzer), form in analyzer.decisive,
                     morpheme.word)


def _expansions(form: str, question: str, analyzer: Analyzer) -> tuple[Expansion, ...]:
    """Return what the thesaurus relates to a morpheme in this question, each word or phrase once."""
    return tuple(dict.fromkeys(expansion for key, expansions in analyzer.expansions(question) if form in key
                               for expansion in expansions))
