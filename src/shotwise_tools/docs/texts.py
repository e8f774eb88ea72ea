"""The words of the generated tables, in English or in Korean."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shotwise_local import ROOT
from shotwise_tools.docs.models import DocsError

KOREAN = ROOT / "docs/tables.ko.toml"


class Texts:
    """English texts as they are, or their translations.

    Parameters
    ----------
    translations : mapping, optional
        Section of docs/tables.ko.toml → key → translation; a section may be nested. Without it texts stay English.
    """

    def __init__(self, translations: Mapping[str, Any] | None = None) -> None:
        self._translations = None if translations is None else dict(_leaves(translations))
        self._missing: list[tuple[str, ...]] = []
        self._used: set[tuple[str, ...]] = set()

    def __call__(self, english: str, *path: str) -> str:
        """Return the text in this language. Its translation stands under `path`."""
        if self._translations is None:
            return english
        self._used.add(path)
        if path not in self._translations:
            self._missing.append(path)
            return english
        return self._translations[path]

    def word(self, english: str) -> str:
        """Return a text that several tables share, such as the name of a column."""
        return self(english, "words", english)

    def faults(self) -> list[str]:
        """List the translations that were asked for in vain, and those that nothing asked for."""
        unused = sorted(set(self._translations or ()) - self._used)
        return [*(f"has no {'.'.join(path)}" for path in dict.fromkeys(self._missing)),
                *(f"has {'.'.join(path)}, which no table uses" for path in unused)]


def korean_texts(path: Path = KOREAN) -> Texts:
    """Read the Korean texts. Raises DocsError where the file is no TOML."""
    try:
        return Texts(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise DocsError(f"{path.name}: {error}") from error


def _leaves(section: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), str(value)
