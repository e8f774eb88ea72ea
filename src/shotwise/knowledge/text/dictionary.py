"""Read the dictionaries of die casting, shipped and the plant's own: words, spellings, related and decisive words."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeGuard

SHIPPED = ("dictionary.toml", "thesaurus.toml", "decisive_words.toml")
# mecab-ko stops at a NUL and takes only UTF-8, and its output is read line by line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


@dataclass(frozen=True)
class Dictionary:
    """The vocabulary of a plant.

    Attributes
    ----------
    words : frozenset of str
        Words that are not split into morphemes.
    spellings : mapping of str to str
        Unified spelling of a word, by other spelling or synonym.
    related : mapping of str to tuple of str
        Words that documents may use, by what people say; a search for the latter includes the former.
    decisive : frozenset of str
        Words of a question that a passage has to contain to answer it.
    """

    words: frozenset[str]
    spellings: Mapping[str, str]
    related: Mapping[str, tuple[str, ...]]
    decisive: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """A hash of everything that decides how text is split into terms.

        Documents that were indexed with another digest have to be indexed again. Related and decisive words are not
        part of it, because they only affect questions.
        """
        spellings = (f"{other}={spelling}" for other, spelling in sorted(self.spellings.items()))
        return hashlib.sha256("\n".join([*sorted(self.words), *spellings]).encode()).hexdigest()[:8]


def read_dictionary(*texts: str) -> Dictionary:
    """Merge dictionaries in TOML.

    Parameters
    ----------
    *texts : str
        TOML with any of the keys `words` and `same` (as in dictionary.toml), `related` (as in thesaurus.toml) and
        `decisive` (as in decisive_words.toml). If two texts define the same entry, the later one is used.

    Raises
    ------
    ValueError
        A text is not TOML, or the value of a key has another shape.
    """
    words: set[str] = set()
    decisive: set[str] = set()
    spellings: dict[str, str] = {}
    related: dict[str, tuple[str, ...]] = {}
    for content in map(tomllib.loads, texts):
        words |= _word_list(content, "words")
        decisive |= _word_list(content, "decisive")
        related |= _related_words(content)
        for first, *others in _spelling_groups(content):
            spelling = spellings.get(first, first)
            spellings |= {other: spelling for other in others if other != spelling}
    return Dictionary(frozenset(words), spellings, related, frozenset(decisive))


def _word_list(content: Mapping[str, Any], key: str) -> set[str]:
    words = content.get(key, [])
    if not _are_words(words):
        raise ValueError(f"{key} must be a list of words")
    return {_one_space(word) for word in words}


def _related_words(content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    related = content.get("related", {})
    if not isinstance(related, dict) or not all(map(_are_words, [[*related], *related.values()])):
        raise ValueError("related must be a table of lists of words")
    return {_one_space(phrase): tuple(map(_one_space, words)) for phrase, words in related.items()}


def _spelling_groups(content: Mapping[str, Any]) -> list[list[str]]:
    groups = content.get("same", [])
    if not isinstance(groups, list) or not all(map(_are_words, groups)):
        raise ValueError("same must be a list of lists of words")
    return [[_one_space(word) for word in group] for group in groups]


def _one_space(word: str) -> str:
    return " ".join(normalise(word).split())


def _are_words(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(word, str) and normalise(word).strip() for word in value)


def shipped_dictionaries() -> list[str]:
    """Return the texts of the shipped files: the dictionary, the thesaurus and the decisive words, in this order."""
    folder = resources.files("shotwise.knowledge.text")
    return [folder.joinpath(name).read_text("utf-8") for name in SHIPPED]


def normalise(text: str) -> str:
    """Make texts that look alike equal: unify compatibility forms, case, zero-width and control characters."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFKC", text).translate(_ZERO_WIDTH).lower())
