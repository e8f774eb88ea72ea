"""Find the characters of a text that a reader cannot see or that change how it is shown, and make them visible.

File names, keys of JSON, cells of tables and the text of documents come from outside. On a terminal their escape
sequences would move the cursor or set its title, and their direction characters would show another text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# What Unicode calls default ignorable, of the categories that otherwise have visible characters, and the blank of
# Braille. A variation selector is seen with the symbol before it, as in many emoji.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]|"
                        "(?<![#*0-9\u00a9\u00ae\u2000-\u33ff\U0001f000-\U0001faff])[\ufe00-\ufe0f]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KIND_OF_CATEGORY = {"Cc": "control", "Zl": "control", "Zp": "control", "Cf": "invisible", "Cs": "surrogate",
                     "Co": "undefined", "Cn": "undefined"}
REPLACEMENT = "\ufffd"  # stands where a character was lost


def hidden_characters(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position and the kind of every character that hides.

    Yields
    ------
    position : int
        Index in the text.
    kind : str
        `control`, `direction`, `invisible`, `undefined` (private, unassigned, or lost), or `surrogate`, as which
        Python reads a byte that is not UTF-8.
    """
    if text.isascii() and text.isprintable():
        return
    ignorable = {match.start() for match in _IGNORABLE.finditer(text)}
    for position, character in enumerate(text):
        if position in ignorable:
            yield position, "invisible"
        elif _DIRECTION.match(character):
            yield position, "direction"
        elif character == REPLACEMENT:
            yield position, "undefined"
        elif kind := _KIND_OF_CATEGORY.get(unicodedata.category(character)):
            yield position, kind


def visible(text: str) -> str:
    r"""Return the text with its hidden characters as escapes such as \u001b, which JSON and TOML read as the character.

    Line ends are escaped too. Private and unassigned characters stay: a terminal shows a box for them.
    """
    hidden = {position for position, kind in hidden_characters(text) if kind != "undefined"}
    return "".join(_escape(character) if position in hidden else character
                   for position, character in enumerate(text)) if hidden else text


def visible_lines(text: str) -> str:
    """Return the text with all hidden characters but its line ends as escapes."""
    return "\n".join(map(visible, text.split("\n")))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xffff else f"\\U{code:08x}"
