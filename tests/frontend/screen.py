"""What a reader sees of a page under test, as text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])
Opened = Callable[..., AppTest]  # (language, place)
# Names, measures and commands that are the same in every language.
NEUTRAL = {"Shotwise", "KO", "EN", "F1", "ROC-AUC", "ms", "p", "make", "run", "PDF", "MB", "AWS", "aws", "configure"}


def checked(page: AppTest) -> AppTest:
    """The page, which must not have failed."""
    assert not page.exception, [item.message for item in page.exception]
    return page


def diagnosed(page: AppTest) -> AppTest:
    """The page after a press on its button."""
    return checked(page.button(key="diagnose").click().run())


def assert_one_language(text: str, language: str, model: dict[str, Any]) -> None:
    """The text speaks `language` alone."""
    assert (latin_words(text, model) if language == "ko" else hangul_words(text)) == set()


def screen(page: AppTest) -> str:
    """All words on the page: what is drawn, and labels, placeholders, help and options of widgets."""
    parts: list[str] = []
    for node in page.main:
        value = getattr(node, "value", None)
        if node.type in ("html", "markdown", "caption") and not str(value).startswith("<style"):
            parts.append(html.unescape(re.sub(r"<[^>]+>", " ", str(value))))
        parts += [str(text) for name in ("label", "placeholder", "help") if (text := getattr(node, name, None))]
        parts += [str(option) for option in getattr(node, "options", [])]
    return "\n".join(parts)


def without_quotes(text: str, reply: Mapping[str, Any]) -> str:
    """The text without what a diagnosis quotes from documents, and without its identifiers."""
    knowledge = reply["knowledge"] or {"sources": [], "recommendations": []}
    found = reply["prediction"]
    for quoted in (*(source[key] for source in knowledge["sources"] for key in ("quote", "title")),
                   *knowledge["recommendations"], found["prediction_id"], found["model_version"]):
        text = text.replace(quoted, "")
    return text


def latin_words(text: str, model: Mapping[str, Any]) -> set[str]:
    """Latin words that are neither units of the schema nor neutral."""
    allowed = NEUTRAL | {model["version"]} | set(_words(feature["unit"] for feature in model["features"]))
    return set(_words([text])) - allowed


def hangul_words(text: str) -> set[str]:
    """Words with Hangul in them."""
    return set(re.findall("[가-힣]+", text))


def _words(texts: Iterable[str]) -> list[str]:
    return re.findall(r"[A-Za-z](?:[\w/.-]*\w)?", " ".join(texts), re.ASCII)  # a particle may follow: PDF로
