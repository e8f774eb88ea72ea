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
class Topic:
    """What is searched for. about: what a statement has to name, where it must be about just that."""

    text: str
    about: str = ""


@dataclass(frozen=True)
class Question:
    """topics: searched one after another; a question of the caller's own is one topic. otherwise: searched where
    those find nothing."""

    topics: tuple[Topic, ...]
    language: str
    otherwise: tuple[Topic, ...] = ()


def question_from_user(query: str, language: str | None) -> Question:
    """The caller's own question; without a language, that of the question."""
    return Question((Topic(query),), language or language_of(query))


def language_of(text: str) -> str:
    """ko where any Hangul stands in it, else en."""
    return "ko" if re.search("[가-힣]", text) else "en"


def question_from_prediction(context: Mapping[str, Any], language: str | None, documents: str = "ko") -> Question:
    """A question from what T1 and T2 found: each driving value that is high or low, as a cause of the likeliest
    defect; otherwise the likeliest defects themselves, whose causes may lie in values that this shot has right.
    A value at the median of good shots is left out: the documents speak of high and low ones.

    It is worded in the language of the `documents`, which need not be that of the answer: words are all that a search
    without an embedder has.

    `context` holds any of `defect_types`, `limits`, `top_features` as /predict and /importance give them; without
    `top_features` (T2 failed) the values outside their limits take their place.
    """
    words = WORDS[documents]
    # A null probability: too few examples to say that it may be this one.
    types = [_label(kind, documents) for kind in context.get("defect_types") or []
             if kind.get("probability", 0) is not None][:TYPES]
    outside = {breach["feature"]: "high" if breach["value"] > breach["high"] else "low"
               for breach in context.get("limits") or []}
    raising = [(_label(top, documents), top.get("direction") or outside.get(top["name"]))
               for top in context.get("top_features") or [] if top["value"] > 0]
    drivers = [(label, way) for label, way in raising if way in ("high", "low")] or list(outside.items())
    causes = [Topic(" ".join([*types[:1], label, words[way], words["cause"]]), about=label)
              for label, way in drivers[:FEATURES]]
    defects = [Topic(f"{kind} {words['cause']} {words['remedy']}", about=kind) for kind in types]
    return Question(tuple(causes), language or "ko", otherwise=tuple(defects))


def _label(item: Mapping[str, Any], language: str) -> str:
    labels: Mapping[str, str] = item.get("labels") or {}
    return labels.get(language, item["label"])
