"""Text to search terms: morphemes for meaning, and syllable bigrams for words that are split wrongly.

mecab-ko splits Korean into morphemes ("얇으면" → 얇, "비스킷이" → 비스킷); the trade's dictionary keeps its words whole
and gives words of the same meaning one spelling. Beside its morphemes every Korean word yields its pairs of syllables,
which match text that was split differently. Both together find better than either alone: docs/decisions/0019.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import mecab_ko

from shotwise.knowledge.text.dictionary import Dictionary, normalise

BIGRAM_PREFIX = "#"  # begins a term that is a pair of syllables; no morpheme begins with it
# Parts of speech, by the tags of the Sejong corpus.
NOUN_TAGS = frozenset(("NNG", "NNP", "NNBC", "NR", "XR"))
VERB_TAGS = frozenset(("VV", "VA"))
LATIN_TAG = "LATIN"  # ours, for a run of letters or digits
CONTENT_TAGS = NOUN_TAGS | VERB_TAGS | {"MAG", LATIN_TAG}  # what is searched for
QUESTION_TAGS = CONTENT_TAGS | {"VX", "NP", "MM"}  # in questions also what asks: 누구, 어느
Expansion = tuple[str, ...]  # the morphemes of one word or phrase that another one may stand for

_LATIN = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[一-鿿]+")
_HANGUL = re.compile("[가-힣]+")
_WRITTEN_WORD = re.compile(r"\S+")
_LONG_RUN = re.compile(r"(\S{200})")  # no word is that long; mecab-ko's time grows with the square of a run's length
_PLURAL = re.compile("[a-z]{2,}[^s0-9]s")
# Nouns that mecab-ko knows. They stand in for a dictionary word while it analyzes the text around it: one that ends in
# a vowel and one that ends in a consonant, because the form of a particle depends on the sound before it.
_STAND_IN_VOWEL, _STAND_IN_CONSONANT = "기차", "연필"


@dataclass(frozen=True)
class Morpheme:
    """A unit of meaning.

    Attributes
    ----------
    form : the dictionary form
    tag : part of speech, by the Sejong tags; LATIN_TAG for a run of letters or digits
    word : index of the written word that it is part of
    part : whether it is a component of a compound that precedes it
    """

    form: str
    tag: str
    word: int
    part: bool = False


class Analyzer:
    """Splits text into search terms by mecab-ko and a dictionary. It may be used from several threads.

    Attributes
    ----------
    digest : that of the dictionary
    decisive : words that a passage has to contain to be an answer
    morphemes : text → all its morphemes in order, endings and particles included
    term_set : text → the set of its search terms
    question_morphemes : text → its morphemes that mean or ask something, each once, compounds not taken apart
    expansions : text → the entries of the thesaurus that it matches: the morphemes of the entry's key, and those of
        each word or phrase that the key may stand for
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.digest = dictionary.digest
        self.decisive = dictionary.decisive
        self._spellings = dict(dictionary.spellings)
        self._other_spelling = _any_of(self._spellings)
        whole_words = dictionary.words | {
            word for word in self._spellings.values() if _HANGUL.fullmatch(word) and len(word) > 1}
        self._whole_word = re.compile(f"{_any_of(whole_words).pattern}|{_LATIN.pattern}")
        self._thread_local = threading.local()
        self._thesaurus: dict[str, list[tuple[str, tuple[str, ...]]]] = {}  # by the first letter of the key
        for phrase, related in dictionary.related.items():
            self._thesaurus.setdefault(phrase[0], []).append((phrase, related))
        # The same passages are checked against topic after topic, one question is analyzed for several purposes, and
        # it meets only a few of the thesaurus' thousands of entries.
        self.term_set = lru_cache(maxsize=8192)(self._term_set)
        self.question_morphemes = lru_cache(maxsize=8192)(self._question_morphemes)
        self.morphemes = lru_cache(maxsize=512)(self._all_morphemes)
        self.expansions = lru_cache(maxsize=512)(self._all_expansions)

    def terms(self, text: str) -> list[str]:
        """Return the search terms of a text, repeated ones included: morphemes with meaning, then syllable bigrams."""
        spelled = self._unified(text)
        return [morpheme.form for morpheme in self._split(spelled) if morpheme.tag in CONTENT_TAGS] \
            + syllable_bigrams(spelled)

    def question_terms(self, question: str) -> list[str]:
        """Return the search terms of a question, those that ask included: its morphemes, then its syllable bigrams."""
        spelled = self._unified(question)
        return [morpheme.form for morpheme in self._split(spelled) if _counts_in_question(morpheme)] \
            + syllable_bigrams(spelled)

    def _term_set(self, text: str) -> frozenset[str]:
        return frozenset(self.terms(text))

    def _all_morphemes(self, text: str) -> tuple[Morpheme, ...]:
        return tuple(self._split(self._unified(text)))

    def _question_morphemes(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(morpheme.form for morpheme in self.morphemes(text) if _counts_in_question(morpheme)))

    def _all_expansions(self, text: str) -> tuple[tuple[frozenset[str], tuple[Expansion, ...]], ...]:
        forms = {morpheme.form for morpheme in self.morphemes(text)}
        letters = sorted({letter for part in (normalise(text), *forms) for letter in part})
        matches = []
        for phrase, related in (entry for letter in letters for entry in self._thesaurus.get(letter, ())):
            key = frozenset(self.question_morphemes(phrase))
            if key and key <= forms:
                matches.append((key, tuple(filter(None, map(self.question_morphemes, related)))))
        return tuple(matches)

    def _split(self, spelled: str) -> list[Morpheme]:
        """The morphemes of a text whose spelling was unified. mecab-ko sees a stand-in for every word kept whole."""
        pieces: list[str] = []
        whole_words: deque[tuple[int, str]] = deque()
        end = length = 0
        for match in self._whole_word.finditer(spelled):
            pieces += [spelled[end:match.start()], _stand_in(match[0])]
            length += match.start() - end
            whole_words.append((length, match[0]))
            length += len(pieces[-1])
            end = match.end()
        pieces.append(spelled[end:])
        return list(self._restored("".join(pieces), whole_words))

    def _restored(self, text: str, whole_words: deque[tuple[int, str]]) -> Iterator[Morpheme]:
        """The morphemes of `text`, with the words put back that stand-ins replace; `whole_words` has their offsets."""
        starts = [match.start() for match in _WRITTEN_WORD.finditer(text)]
        start, word_index = 0, -1
        for surface, features in self._tokens(text):
            start = text.index(surface, start)
            end = start + len(surface)
            while word_index + 1 < len(starts) and starts[word_index + 1] <= start:
                word_index += 1
            is_stand_in = False
            while whole_words and whole_words[0][0] < end:  # mecab-ko may split a stand-in, or join it to its neighbour
                is_stand_in = True
                offset, word = whole_words[0]
                if start <= offset:
                    yield Morpheme(_singular(word), LATIN_TAG if word.isascii() else "NNG", word_index)
                if end < offset + len(_STAND_IN_VOWEL):
                    break
                whole_words.popleft()
            if not is_stand_in:
                yield from (Morpheme(form, tag, word_index, part) for form, tag, part in _parts(surface, features))
            start = end

    def _tokens(self, text: str) -> Iterator[tuple[str, list[str]]]:
        """mecab-ko's tokens: the surface and the features. A tagger must not be shared between threads."""
        tagger = getattr(self._thread_local, "tagger", None)
        if tagger is None:
            tagger = self._thread_local.tagger = mecab_ko.Tagger()
        for line in tagger.parse(text).splitlines():
            surface, tab, features = line.partition("\t")
            if tab:
                yield surface, features.split(",")

    def _unified(self, text: str) -> str:
        """The text with one spelling for every word, and without runs that would take mecab-ko too long."""
        return _LONG_RUN.sub(r"\1 ", self._other_spelling.sub(self._spelling, normalise(text)))

    def _spelling(self, match: re.Match[str]) -> str:
        """The spelling that is searched for; an English plural is looked up by its singular."""
        word = " ".join(match[0].split())
        return self._spellings.get(word) or self._spellings[word[:-1]]


def syllable_bigrams(spelled: str) -> list[str]:
    """Return the pairs of syllables of each Korean run of a normalised text, as terms; a single syllable as itself."""
    return [BIGRAM_PREFIX + pair for run in _HANGUL.findall(spelled)
            for pair in ([run] if len(run) == 1 else map("".join, pairwise(run)))]


def _counts_in_question(morpheme: Morpheme) -> bool:
    return morpheme.tag in QUESTION_TAGS and not morpheme.part


def _singular(word: str) -> str:
    return word[:-1] if _PLURAL.fullmatch(word) else word


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that matches any of the words, the longest first.

    Latin words stand alone, singular or plural. A Korean word of three syllables may stand anywhere in a run; a shorter
    one has to begin it, because it is part of too many others (외국자본).
    """
    ordered = sorted(words, key=lambda word: (-len(word), word))
    first_letters = "".join(sorted({re.escape(word[0]) for word in ordered}))
    return re.compile(f"(?=[{first_letters}])(?:{'|'.join(map(_pattern, ordered))})" if ordered else "(?!)")


def _pattern(word: str) -> str:
    spaced = r"\s+".join(map(re.escape, word.split()))
    if word.isascii():
        return rf"(?<![a-z0-9]){spaced}s?(?![a-z0-9])"
    return spaced if len(word) > 2 else f"(?<![가-힣]){spaced}"


def _parts(surface: str, features: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Form, tag and whether it is a component, of each morpheme of a token.

    An inflected token is several morphemes, a compound is itself and its components.
    """
    kind = features[4] if len(features) > 7 else ""
    if kind != "Inflect":
        yield surface, features[0].split("+")[0], False
    if kind in ("Inflect", "Compound"):
        for part in features[7].split("+"):
            form, _, tag = part.partition("/")
            yield form, tag.partition("/")[0], kind == "Compound"


def _stand_in(word: str) -> str:
    ends_in_consonant = "가" <= word[-1] <= "힣" and (ord(word[-1]) - ord("가")) % 28
    return _STAND_IN_CONSONANT if ends_in_consonant else _STAND_IN_VOWEL
