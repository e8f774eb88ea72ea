"""The words of the trade: kept whole, meaning the same, related, decisive. Shipped ones and a plant's own."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

# The analyser ends at a NUL, knows UTF-8 alone, and its answer is read line by line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


@dataclass(frozen=True)
class Dictionary:
    """words: kept whole; same: other spelling → the one that is searched for; related: what people say → words that
    documents may use for it, which are searched for besides; decisive: words that an answer has to hold."""

    words: frozenset[str]
    same: Mapping[str, str]
    related: Mapping[str, tuple[str, ...]]
    decisive: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Changes with every word that decides how text is split: what was indexed by another dictionary has to be
        read again. Related words only widen questions."""
        text = "\n".join([*sorted(self.words), *(f"{old}={new}" for old, new in sorted(self.same.items()))])
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_dictionary(*texts: str) -> Dictionary:
    """Dictionaries in TOML, `words`, `decisive` and `same` as in dictionary.toml, `related` as in thesaurus.toml;
    of two entries the later text's holds.

    Raises ValueError for TOML that cannot be read or has another shape.
    """
    lists: dict[str, set[str]] = {"words": set(), "decisive": set()}
    same: dict[str, str] = {}
    related: dict[str, tuple[str, ...]] = {}
    for content in map(tomllib.loads, texts):
        groups, entries = content.get("same", []), content.get("related", {})
        if not isinstance(groups, list) or not all(map(_are_texts, groups)):
            raise ValueError("same must be a list of lists of words")
        if not isinstance(entries, dict) or not all(map(_are_texts, [[*entries], *entries.values()])):
            raise ValueError("related must be a table of lists of words")
        for name, known in lists.items():
            if not _are_texts(content.get(name, [])):
                raise ValueError(f"{name} must be a list of words")
            known |= {_word(word) for word in content.get(name, [])}
        related |= {_word(said): tuple(map(_word, meant)) for said, meant in entries.items()}
        for first, *others in ([_word(word) for word in group] for group in groups):
            same |= {other: same.get(first, first) for other in others if other != same.get(first, first)}
    return Dictionary(frozenset(lists["words"]), same, related, frozenset(lists["decisive"]))


def _word(given: str) -> str:
    return " ".join(normalise(given).split())


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and normalise(item).strip() for item in value)


def shipped_dictionaries() -> list[str]:
    """The texts of dictionary.toml and thesaurus.toml."""
    folder = resources.files("shotwise.knowledge.text")
    return [folder.joinpath(name).read_text("utf-8") for name in ("dictionary.toml", "thesaurus.toml")]


def normalise(text: str) -> str:
    """One spelling for what looks the same: compatibility forms, case, zero-width and control characters."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFKC", text).translate(_ZERO_WIDTH).lower())
