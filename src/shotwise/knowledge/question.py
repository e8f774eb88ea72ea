"""What to ask the documents: the caller's own question, or one worded from T1 and T2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TYPES, FEATURES = 2, 4
WORDS = {"ko": {"high": "높음", "low": "낮음", "cause": "원인", "remedy": "대책"},
         "en": {"high": "high", "low": "low", "cause": "cause", "remedy": "countermeasure"}}


@dataclass(frozen=True)
class Question:
    """topics: what is searched for, one after another; a question of the caller's own is one topic."""

    topics: tuple[str, ...]
    language: str


def asked(query: str, language: str | None) -> Question:
    """The caller's own question; without a language, that of the question."""
    return Question((query,), language or language_of(query))


def language_of(text: str) -> str:
    """ko where any Hangul stands in it, else en."""
    return "ko" if re.search("[가-힣]", text) else "en"


def from_prediction(context: Mapping[str, Any], language: str | None, documents: str = "ko") -> Question:
    """A question from what T1 and T2 found: the likeliest defect types, then each driving value with its
    direction, as a cause of the likeliest. It is worded in the language of the `documents`, which need not be that
    of the answer: words are all that this search has.

    `context` holds any of `defect_types`, `limits`, `top_features` as /predict and /importance give them; without
    `top_features` (T2 failed) the values outside their limits take their place.
    """
    words = WORDS[documents]
    types = [_label(kind, documents) for kind in context.get("defect_types", [])[:TYPES]]
    directions = {breach["feature"]: words["high"] if breach["value"] > breach["high"] else words["low"]
                  for breach in context.get("limits", [])}
    drivers = [(top["name"], _label(top, documents)) for top in context.get("top_features", []) if top["value"] > 0]
    drivers = drivers or [(name, name) for name in directions]
    topics = [" ".join(filter(None, [*types[:1], label, directions.get(name), words["cause"]]))
              for name, label in drivers[:FEATURES]]
    return Question((*(f"{kind} {words['cause']} {words['remedy']}" for kind in types), *topics), language or "ko")


def _label(item: Mapping[str, Any], language: str) -> str:
    labels: Mapping[str, str] = item.get("labels") or {}
    return labels.get(language, item["label"])
