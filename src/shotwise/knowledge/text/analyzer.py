"""Words → search terms: morphemes for meaning, pairs of syllables for what the analyser does not know.

mecab-ko splits Korean into morphemes ("얇으면" → 얇, "비스킷이" → 비스킷); the trade's dictionary keeps its words whole
and gives words that mean the same one spelling. Beside its morphemes every Korean word leaves its pairs of syllables,
which meet whatever was split otherwise. Both together find better than either: docs/decisions/0019.
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

BIGRAM_PREFIX = "#"  # begins a term that is a pair of syllables; no morpheme does
_LATIN = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[一-鿿]+")
_HANGUL = re.compile("[가-힣]+")
_WORD = re.compile(r"\S+")
_LONG = re.compile(r"(\S{200})")  # no word is: the analyser's time grows with the square of a run's length
_PLURAL = re.compile("[a-z]{2,}[^s0-9]s")
NOUN_TAGS = frozenset(("NNG", "NNP", "NNBC", "NR", "XR"))
VERB_TAGS = frozenset(("VV", "VA"))
LATIN_TAG = "LATIN"
CONTENT_TAGS = NOUN_TAGS | VERB_TAGS | {"MAG", LATIN_TAG}  # what is searched for
QUESTION_TAGS = CONTENT_TAGS | {"VX", "NP", "MM"}  # those that ask too: 누구, 어느
Expansion = tuple[str, ...]  # the morphemes of one thing that a word may mean
# Stands in for a dictionary word while the analyser looks at what is around it: nouns that it knows, one open and one
# closed, because a particle follows the last sound of its word.
_OPEN, _CLOSED = "기차", "연필"


@dataclass(frozen=True)
class Morpheme:
    """A unit of meaning. form: its dictionary form; tag: Sejong part of speech, LATIN_TAG for a run of letters or digits;
    word: the number of the written word that it is part of; part: it is half of a compound that stands before it."""

    form: str
    tag: str
    word: int
    part: bool = False


class Analyzer:
    """Splits text by mecab-ko and a dictionary. Usable from several threads."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.digest = dictionary.digest
        self.decisive = dictionary.decisive
        self._same = dict(dictionary.same)
        self._other = _any_of(self._same)
        kept = dictionary.words | {word for word in self._same.values() if _HANGUL.fullmatch(word) and len(word) > 1}
        self._whole = re.compile(f"{_any_of(kept).pattern}|{_LATIN.pattern}")
        self._of_thread = threading.local()
        self.term_set = lru_cache(maxsize=8192)(self._term_set)  # the same passages are weighed for topic after topic
        self._entries: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for said, meant in dictionary.related.items():
            self._entries.setdefault(said[0], []).append((said, meant))
        self.question_morphemes = lru_cache(maxsize=8192)(self._question_morphemes)  # thousands of entries, of which a question meets a few
        # A question is looked at from several sides.
        self.morphemes = lru_cache(maxsize=512)(self._all_morphemes)
        self.expansions = lru_cache(maxsize=512)(self._all_expansions)

    def _all_expansions(self, text: str) -> tuple[tuple[frozenset[str], tuple[Expansion, ...]], ...]:
        """What the thesaurus knows of a text: the morphemes that were said, and those of each thing that they may
        mean."""
        forms = {morpheme.form for morpheme in self.morphemes(text)}
        beginnings = sorted({letter for part in (normalise(text), *forms) for letter in part})
        found = []
        for said, meant in (entry for letter in beginnings for entry in self._entries.get(letter, ())):
            stems = frozenset(self.question_morphemes(said))
            if stems and stems <= forms:
                found.append((stems, tuple(filter(None, map(self.question_morphemes, meant)))))
        return tuple(found)

    def _question_morphemes(self, text: str) -> Expansion:
        """The morphemes of a text that mean or ask something, a compound as one, each once."""
        return tuple(dict.fromkeys(found.form for found in self.morphemes(text)
                                   if found.tag in QUESTION_TAGS and not found.part))

    def terms(self, text: str) -> list[str]:
        """The search terms of `text`: morphemes that mean something, then pairs of syllables; repeated ones too."""
        spelled = self._one_spelling(text)
        return [found.form for found in self._morphemes(spelled) if found.tag in CONTENT_TAGS] + syllable_bigrams(spelled)

    def question_terms(self, question: str) -> list[str]:
        """The terms of a question: its morphemes, those that ask too, a compound as one, then pairs of syllables."""
        spelled = self._one_spelling(question)
        return [found.form for found in self._morphemes(spelled) if found.tag in QUESTION_TAGS and not found.part] + syllable_bigrams(
            spelled)

    def _all_morphemes(self, text: str) -> tuple[Morpheme, ...]:
        """All morphemes in order, endings and particles too."""
        return tuple(self._morphemes(self._one_spelling(text)))

    def _term_set(self, text: str) -> frozenset[str]:
        return frozenset(self.terms(text))

    def _morphemes(self, spelled: str) -> list[Morpheme]:
        plain: list[str] = []
        whole: deque[tuple[int, str]] = deque()
        at = length = 0
        for match in self._whole.finditer(spelled):
            plain += [spelled[at:match.start()], _stand_in(match[0])]
            length += match.start() - at
            whole.append((length, match[0]))
            length += len(plain[-1])
            at = match.end()
        plain.append(spelled[at:])
        return list(self._analyse("".join(plain), whole))

    def _analyse(self, text: str, whole: deque[tuple[int, str]]) -> Iterator[Morpheme]:
        """The morphemes of `text`; at each place of `whole` stands a stand-in for the word given there."""
        starts = [match.start() for match in _WORD.finditer(text)]
        at, number = 0, -1
        for surface, features in self._tokens(text):
            at = text.index(surface, at)
            end = at + len(surface)
            while number + 1 < len(starts) and starts[number + 1] <= at:
                number += 1
            covered = False
            while whole and whole[0][0] < end:  # the analyser may cut a stand-in, or join it to what is around
                covered = True
                place, word = whole[0]
                if at <= place:
                    yield Morpheme(_singular(word), LATIN_TAG if word.isascii() else "NNG", number)
                if end < place + len(_OPEN):
                    break
                whole.popleft()
            if not covered:
                yield from (Morpheme(form, tag, number, part) for form, tag, part in _split(surface, features))
            at = end

    def _tokens(self, text: str) -> Iterator[tuple[str, list[str]]]:
        tagger = getattr(self._of_thread, "tagger", None)
        if tagger is None:
            tagger = self._of_thread.tagger = mecab_ko.Tagger()
        for line in tagger.parse(text).splitlines():
            surface, tab, features = line.partition("\t")
            if tab:
                yield surface, features.split(",")

    def _one_spelling(self, text: str) -> str:
        return _LONG.sub(r"\1 ", self._other.sub(self._first, normalise(text)))

    def _first(self, found: re.Match[str]) -> str:
        """The spelling that is searched for; an English plural is known by its singular."""
        said = " ".join(found[0].split())
        return self._same.get(said) or self._same[said[:-1]]


def _singular(word: str) -> str:
    return word[:-1] if _PLURAL.fullmatch(word) else word


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, the longest first. Latin ones stand alone, singular or plural; a Korean word of three syllables
    may stand anywhere in a run, a shorter one begins it, because it is part of too many others (외국자본)."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    first = "".join(sorted({re.escape(word[0]) for word in ordered}))
    return re.compile(f"(?=[{first}])(?:{'|'.join(map(_pattern, ordered))})" if ordered else "(?!)")


def _pattern(word: str) -> str:
    spaced = r"\s+".join(map(re.escape, word.split()))
    if word.isascii():
        return rf"(?<![a-z0-9]){spaced}s?(?![a-z0-9])"
    return spaced if len(word) > 2 else f"(?<![가-힣]){spaced}"


def _split(surface: str, features: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """The morphemes of one token: an inflected one is several, a compound also its parts."""
    kind = features[4] if len(features) > 7 else ""
    if kind != "Inflect":
        yield surface, features[0].split("+")[0], False
    if kind in ("Inflect", "Compound"):
        for part in features[7].split("+"):
            form, _, tag = part.partition("/")
            yield form, tag.partition("/")[0], kind == "Compound"


def syllable_bigrams(spelled: str) -> list[str]:
    """The pairs of syllables of each Korean run of a text in one spelling, as terms."""
    return [BIGRAM_PREFIX + pair for run in _HANGUL.findall(spelled)
            for pair in ([run] if len(run) == 1 else map("".join, pairwise(run)))]


def _stand_in(word: str) -> str:
    return _CLOSED if "가" <= word[-1] <= "힣" and (ord(word[-1]) - 0xAC00) % 28 else _OPEN
