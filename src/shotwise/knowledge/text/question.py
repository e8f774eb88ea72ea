"""What the documents are asked: the user's own question, or one worded from a prediction."""

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
    """One thing that is searched for.

    Attributes
    ----------
    text : the query
    subject : what a statement has to name to be quoted, where it must be about just that
    """

    text: str
    subject: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked, in which language it is to be answered.

    Attributes
    ----------
    topics : searched one after another; a user's own question is one topic
    language : that of the answer, "ko" or "en"
    fallback_topics : searched where `topics` find nothing
    """

    topics: tuple[Topic, ...]
    language: str
    fallback_topics: tuple[Topic, ...] = ()


def question_from_user(query: str, language: str | None) -> Question:
    """Return the user's own question, to be answered in `language`; where that is None, in the question's own."""
    return Question((Topic(query),), language or language_of(query))


def language_of(text: str) -> str:
    """Return "ko" where the text contains any Hangul, else "en"."""
    return "ko" if re.search("[가-힣]", text) else "en"


def question_from_prediction(context: Mapping[str, Any], language: str | None,
                             documents_language: str = "ko") -> Question:
    """Word a question from a prediction and what drove it.

    It asks for each value that drove the prediction and is high or low, as a cause of the most probable defect type. A
    value at the median of good shots is left out, because documents speak of high and low ones. The fallback asks for
    the most probable defect types themselves: their causes may lie in values that are right in this shot.

    Parameters
    ----------
    context : mapping
        Any of `defect_types`, `limits` and `top_features`, as /predict and /importance give them. Without
        `top_features` (importance failed) the values outside their limits take their place.
    language : str or None
        That of the answer; Korean where None.
    documents_language : str
        The question is worded in it, because words are all that a search without an embedder has.
    """
    phrases = PHRASES[documents_language]
    # A null probability: too few examples to say whether it may be this type.
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
    """The label of a defect type or feature in a language, else the one that the reply shows."""
    labels: Mapping[str, str] = entry.get("labels") or {}
    return labels.get(language, entry["label"])
