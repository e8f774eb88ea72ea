"""What the documents are asked: the user's question, or one worded from a prediction."""

from __future__ import annotations

from typing import Any

from shotwise.knowledge.text.question import Topic, question_from_prediction, question_from_user

CONTEXT: dict[str, Any] = {
    "defect_types": [{"type": kind, "label": label, "probability": 0.2}
                     for kind, label in (("Blow_Hole", "기공"), ("Dent", "함몰"), ("Crack", "균열"))],
    "limits": [{"feature": "Biscuit_Thickness", "value": 4, "low": 6, "high": 15},
               {"feature": "Coolant_Temp", "value": 30, "low": 26, "high": 28}],
    "top_features": [{"name": "Biscuit_Thickness", "label": "비스킷 두께", "value": 0.3},
                     {"name": "Cycle_Time", "label": "사이클 타임", "value": 0.1, "direction": "high"},
                     {"name": "Coolant_Pressure", "label": "냉각수 압력", "value": 0.1, "direction": "typical"},
                     {"name": "Air_Pressure", "label": "공기 압력", "value": -0.2, "direction": "low"}],
}


def texts(topics: tuple[Topic, ...]) -> list[str]:
    """The queries of topics."""
    return [topic.text for topic in topics]


def test_a_users_question_is_one_topic() -> None:
    """It is asked as it is, and answered in its own language unless another is wanted."""
    assert question_from_user("기공이란?", None).topics == (Topic("기공이란?"),)
    assert question_from_user("기공이란?", None).language == "ko"
    assert question_from_user("What is porosity?", None).language == "en"
    assert question_from_user("기공이란?", "en").language == "en"


def test_a_prediction_asks_for_its_drivers() -> None:
    """Those are values that raised the probability and are high or low, by their direction or the limit they break.

    A typical value, and one that lowered the probability, is no cause.
    """
    question = question_from_prediction(CONTEXT, None)
    assert texts(question.topics) == ["기공 비스킷 두께 낮음 원인", "기공 사이클 타임 높음 원인"]
    assert [topic.subject for topic in question.topics] == ["비스킷 두께", "사이클 타임"]


def test_the_fallback_asks_for_the_defect_types() -> None:
    """It is the two most probable types, for where the drivers lead to nothing."""
    assert texts(question_from_prediction(CONTEXT, None).fallback_topics) == ["기공 원인 대책", "함몰 원인 대책"]


def test_a_type_without_a_probability_is_not_asked_for() -> None:
    """Null means that there were too few examples to say whether the shot may show it."""
    first, *others = CONTEXT["defect_types"]
    context = {**CONTEXT, "defect_types": [{**first, "probability": None}, *others]}
    assert texts(question_from_prediction(context, None).fallback_topics) == ["함몰 원인 대책", "균열 원인 대책"]


def test_limits_replace_a_missing_importance() -> None:
    """Where importance failed, the values outside their limits are asked about."""
    without = {name: part for name, part in CONTEXT.items() if name != "top_features"}
    assert texts(question_from_prediction(without, None).topics) == [
        "기공 Biscuit_Thickness 낮음 원인", "기공 Coolant_Temp 높음 원인"]


def test_it_is_worded_in_the_documents_language() -> None:
    """An English diagnosis searches Korean documents with Korean labels."""
    feature = {"name": "a", "label": "Biscuit", "labels": {"ko": "비스킷", "en": "Biscuit"}, "value": 1,
               "direction": "low"}
    question = question_from_prediction({"top_features": [feature]}, "en", "ko")
    assert (texts(question.topics), question.language) == (["비스킷 낮음 원인"], "en")


def test_an_empty_context_asks_nothing() -> None:
    """It gives no topic, and none as a fallback."""
    assert question_from_prediction({}, None).topics == question_from_prediction({}, None).fallback_topics == ()
