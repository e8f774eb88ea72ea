"""The text that a reader sees on a page under test, and which language its words are of."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])
OpenPage = Callable[..., AppTest]  # (language, screen name) → the page
# Names, measures and commands that are the same in every language.
NEUTRAL = {"Shotwise", "KO", "EN", "F1", "ROC-AUC", "ms", "p", "make", "run", "PDF", "MB", "AWS", "aws", "configure"}


def checked(page: AppTest) -> AppTest:
    """Return the page, which must not have failed."""
    assert not page.exception, [item.message for item in page.exception]
    return page


def diagnosed(page: AppTest) -> AppTest:
    """Return the page after a press on its button."""
    return checked(page.button(key="diagnose").click().run())


def assert_one_language(text: str, language: str, model: dict[str, Any]) -> None:
    """Check that the text has no word of another language."""
    assert (latin_words(text, model) if language == "ko" else hangul_words(text)) == set()


def visible_text(page: AppTest) -> str:
    """Return all text on the page: what is drawn, and labels, placeholders, help and options of widgets."""
    parts: list[str] = []
    for node in page.main:
        value = getattr(node, "value", None)
        if node.type in ("html", "markdown", "caption") and not str(value).startswith("<style"):
            parts.append(html.unescape(re.sub(r"<[^>]+>", " ", str(value))))
        parts += [str(text) for name in ("label", "placeholder", "help") if (text := getattr(node, name, None))]
        parts += [str(option) for option in getattr(node, "options", [])]
    return "\n".join(parts)


def without_quotes(text: str, reply: Mapping[str, Any]) -> str:
    """Return the text without what a diagnosis quotes from documents, and without its identifiers."""
    knowledge = reply["knowledge"] or {"sources": [], "recommendations": []}
    prediction = reply["prediction"]
    for quoted in (*(source[key] for source in knowledge["sources"] for key in ("quote", "title")),
                   *knowledge["recommendations"], prediction["prediction_id"], prediction["model_version"]):
        text = text.replace(quoted, "")
    return text


def latin_words(text: str, model: Mapping[str, Any]) -> set[str]:
    """Return the Latin words that are neither units of the schema nor neutral."""
    allowed = NEUTRAL | {model["version"]} | set(_words(feature["unit"] for feature in model["features"]))
    return set(_words([text])) - allowed


def hangul_words(text: str) -> set[str]:
    """Return the words with Hangul in them."""
    return set(re.findall("[가-힣]+", text))


def _words(texts: Iterable[str]) -> list[str]:
    return re.findall(r"[A-Za-z](?:[\w/.-]*\w)?", " ".join(texts), re.ASCII)  # a particle may follow: PDF로
