"""Questions to the documents: the user's own, or one worded from a prediction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEFECT_TYPES, MAX_DRIVERS = 2, 4
PHRASES = {"ko": {"high": "높음", "low": "낮음", "cause": "원인", "action": "대책"},
           "en": {"high": "high", "low": "low", "cause": "cause", "action": "countermeasure"}}


@dataclass(frozen=True)
class Topic:
    """A part of a question, searched by itself.

    Attributes
    ----------
    text : str
        The query.
    subject : str
        Words that a statement, or the heading above it, has to contain to be quoted; empty for no such requirement.
    """

    text: str
    subject: str = ""


@dataclass(frozen=True)
class Question:
    """A question and the language of its answer.

    Attributes
    ----------
    topics : tuple of Topic
        Topics to search; a user's own question is one topic.
    language : str
        Language of the answer, `ko` or `en`.
    fallback_topics : tuple of Topic
        Topics to search if `topics` find nothing.
    """

    topics: tuple[Topic, ...]
    language: str
    fallback_topics: tuple[Topic, ...] = ()


def question_from_user(query: str, language: str | None) -> Question:
    """Return the user's own question, to be answered in `language`, or in its own language if that is None."""
    return Question((Topic(query),), language or language_of(query))


def language_of(text: str) -> str:
    """Return "ko" if the text contains any Hangul, else "en"."""
    return "ko" if re.search("[가-힣]", text) else "en"


def question_from_prediction(context: Mapping[str, Any], language: str | None,
                             documents_language: str = "ko") -> Question:
    """Word a question from a prediction and what drove it.

    There is a topic for each value that raised the probability and is high or low: this value as a cause of the most
    probable defect type. A value at the median of good shots is left out, because documents describe high and low
    values. The fallback topics are the most probable defect types, whose causes may be other values.

    Parameters
    ----------
    context : mapping
        Any of `defect_types`, `limits` and `top_features`, as /predict and /importance return them. Without
        `top_features` (importance failed), the values outside their limits are used instead.
    language : str or None
        Language of the answer; None for Korean.
    documents_language : str
        Language to word the question in, because a search without an embedder only matches words.
    """
    phrases = PHRASES[documents_language]
    # A type with a null probability is left out: there were too few examples to predict it.
    defect_types = [_label(defect_type, documents_language) for defect_type in context.get("defect_types") or []
                    if defect_type.get("probability", 0) is not None][:MAX_DEFECT_TYPES]
    outside = {breach["feature"]: "high" if breach["value"] > breach["high"] else "low"
               for breach in context.get("limits") or []}
    raising = [(_label(feature, documents_language), feature.get("direction") or outside.get(feature["name"]))
               for feature in context.get("top_features") or [] if feature["value"] > 0]
    drivers = [(label, direction) for label, direction in raising if direction in ("high", "low")] or [*outside.items()]
    causes = [Topic(" ".join([*defect_types[:1], label, phrases[direction], phrases["cause"]]), subject=label)
              for label, direction in drivers[:MAX_DRIVERS]]
    defects = [Topic(f"{defect_type} {phrases['cause']} {phrases['action']}", subject=defect_type)
               for defect_type in defect_types]
    return Question(tuple(causes), language or "ko", fallback_topics=tuple(defects))


def _label(entry: Mapping[str, Any], language: str) -> str:
    """Return the label of a defect type or feature in a language, or else the label in the language of the reply."""
    labels: Mapping[str, str] = entry.get("labels") or {}
    return labels.get(language, entry["label"])
