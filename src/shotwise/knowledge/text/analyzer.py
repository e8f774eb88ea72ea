"""Split text into search terms: morphemes, and syllable bigrams for words whose morphemes are split wrongly.

The morphological analyser mecab-ko splits Korean into morphemes ("얇으면" → 얇, "비스킷이" → 비스킷). Before that,
`Analyzer` applies the dictionary: its words are not split, and words of the same meaning get one spelling. Every Korean
word also yields its pairs of syllables, which match text that was split differently. Both kinds of terms together find
more than either alone (docs/decisions/0019).
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

BIGRAM_PREFIX = "#"  # marks a term that is a pair of syllables; no morpheme begins with it
# Parts of speech, by the tags of the Sejong corpus.
NOUN_TAGS = frozenset(("NNG", "NNP", "NNBC", "NR", "XR"))
VERB_TAGS = frozenset(("VV", "VA"))
LATIN_TAG = "LATIN"  # an addition to the Sejong tags, for a run of letters or digits
CONTENT_TAGS = NOUN_TAGS | VERB_TAGS | {"MAG", LATIN_TAG}  # morphemes to search for
QUESTION_TAGS = CONTENT_TAGS | {"VX", "NP", "MM"}  # morphemes of questions, including question words (누구, 어느)
Expansion = tuple[str, ...]  # the morphemes of a word or phrase that the thesaurus relates to another one

_LATIN = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[一-鿿]+")
_HANGUL = re.compile("[가-힣]+")
_WRITTEN_WORD = re.compile(r"\S+")
_LONG_RUN = re.compile(r"(\S{200})")  # no word is that long; mecab-ko's time grows with the square of a run's length
_PLURAL = re.compile("[a-z]{2,}[^s0-9]s")
# Nouns that mecab-ko knows. They replace the words of the dictionary while mecab-ko splits the text. One ends in a
# vowel and one in a consonant, because the form of a particle depends on the sound before it.
_STAND_IN_VOWEL, _STAND_IN_CONSONANT = "기차", "연필"


@dataclass(frozen=True)
class Morpheme:
    """The smallest unit of meaning in a text.

    Attributes
    ----------
    form : str
        Dictionary form.
    tag : str
        Part of speech as a Sejong tag; LATIN_TAG for a run of letters or digits.
    word : int
        Index of the written word that it is part of.
    part : bool
        Whether it is a component of the compound before it.
    """

    form: str
    tag: str
    word: int
    part: bool = False


class Analyzer:
    """Splits text into search terms by mecab-ko and a dictionary. Instances are thread-safe.

    Parameters
    ----------
    dictionary : Dictionary
        The plant's vocabulary.

    Attributes
    ----------
    digest : str
        Digest of the dictionary.
    decisive : frozenset of str
        Words of a question that a passage has to contain to answer it.
    morphemes : callable
        Maps a text to all its morphemes in order, including endings and particles.
    term_set : callable
        Maps a text to the set of its search terms.
    question_morphemes : callable
        Maps a text to the distinct forms of its morphemes with a tag of QUESTION_TAGS, without components of compounds.
    expansions : callable
        Maps a text to the thesaurus entries that it matches, each as the set of morphemes of the entry's key and the
        morphemes of every related word or phrase.
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
        # Cached, because the same passages are checked against several topics, and the same question is split for
        # several purposes.
        self.term_set = lru_cache(maxsize=8192)(self._term_set)
        self.question_morphemes = lru_cache(maxsize=8192)(self._question_morphemes)
        self.morphemes = lru_cache(maxsize=512)(self._all_morphemes)
        self.expansions = lru_cache(maxsize=512)(self._all_expansions)

    def terms(self, text: str) -> list[str]:
        """Return the search terms of a text, including repeated ones: content morphemes, then syllable bigrams."""
        spelled = self._unified(text)
        return [morpheme.form for morpheme in self._split(spelled) if morpheme.tag in CONTENT_TAGS] \
            + syllable_bigrams(spelled)

    def question_terms(self, question: str) -> list[str]:
        """Return the search terms of a question: morphemes, including question words, then syllable bigrams."""
        spelled = self._unified(question)
        return [morpheme.form for morpheme in self._split(spelled) if _is_question_morpheme(morpheme)] \
            + syllable_bigrams(spelled)

    def _term_set(self, text: str) -> frozenset[str]:
        return frozenset(self.terms(text))

    def _all_morphemes(self, text: str) -> tuple[Morpheme, ...]:
        return tuple(self._split(self._unified(text)))

    def _question_morphemes(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(
            morpheme.form for morpheme in self.morphemes(text) if _is_question_morpheme(morpheme)))

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
        """Split a text with unified spelling into morphemes. mecab-ko receives a stand-in for every dictionary word."""
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
        """Yield the morphemes of `text`, with each stand-in replaced by its word.

        `whole_words` has the offset of each stand-in and the word that it replaces.
        """
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
        """Yield the surface and features of mecab-ko's tokens. Each thread has its own tagger."""
        tagger = getattr(self._thread_local, "tagger", None)
        if tagger is None:
            tagger = self._thread_local.tagger = mecab_ko.Tagger()
        for line in tagger.parse(text).splitlines():
            surface, tab, features = line.partition("\t")
            if tab:
                yield surface, features.split(",")

    def _unified(self, text: str) -> str:
        """Unify the spelling of a text, and break runs that would take mecab-ko too long."""
        return _LONG_RUN.sub(r"\1 ", self._other_spelling.sub(self._spelling, normalise(text)))

    def _spelling(self, match: re.Match[str]) -> str:
        """Return the unified spelling of a word; an English plural is looked up by its singular."""
        word = " ".join(match[0].split())
        return self._spellings.get(word) or self._spellings[word[:-1]]


def syllable_bigrams(spelled: str) -> list[str]:
    """Return the pairs of syllables of each Korean run of a normalised text as terms; a single syllable is one term."""
    return [BIGRAM_PREFIX + pair for run in _HANGUL.findall(spelled)
            for pair in ([run] if len(run) == 1 else map("".join, pairwise(run)))]


def _is_question_morpheme(morpheme: Morpheme) -> bool:
    return morpheme.tag in QUESTION_TAGS and not morpheme.part


def _singular(word: str) -> str:
    return word[:-1] if _PLURAL.fullmatch(word) else word


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern that matches any of the words, the longest first.

    A Latin word matches alone, in the singular or plural. A Korean word of three or more syllables matches anywhere in
    a run of syllables; a shorter one only at its beginning, because too many other words contain it (외국자본).
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
    """Yield, for each morpheme of a token, its form, its tag and whether it is a component of a compound.

    An inflected token has several morphemes; a compound has itself and its components.
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
