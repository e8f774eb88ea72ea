"""What T3 asks: the caller's question, or one worded from the prediction."""

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
    """What is searched for."""
    return [topic.text for topic in topics]


def test_own_question_is_one_topic() -> None:
    """A caller's question is asked as it stands, in its own language unless another is wanted."""
    assert question_from_user("기공이란?", None).topics == (Topic("기공이란?"),)
    assert (question_from_user("기공이란?", None).language, question_from_user("What is porosity?", None).language) == ("ko", "en")
    assert question_from_user("기공이란?", "en").language == "en"


def test_prediction_asks_for_what_drove_it() -> None:
    """What raised the probability and is high or low, by its own direction or the limit that it breaks; a typical
    value and one that lowered the probability are no cause."""
    question = question_from_prediction(CONTEXT, None)
    assert texts(question.topics) == ["기공 비스킷 두께 낮음 원인", "기공 사이클 타임 높음 원인"]
    assert [topic.subject for topic in question.topics] == ["비스킷 두께", "사이클 타임"]


def test_the_types_are_asked_for_otherwise() -> None:
    """The two likeliest types, where the driving values lead to nothing."""
    assert texts(question_from_prediction(CONTEXT, None).fallback_topics) == ["기공 원인 대책", "함몰 원인 대책"]


def test_a_type_without_a_probability_is_not_asked_for() -> None:
    """Null: there were too few examples to say that the shot may show it."""
    few, *others = CONTEXT["defect_types"]
    context = {**CONTEXT, "defect_types": [{**few, "probability": None}, *others]}
    assert texts(question_from_prediction(context, None).fallback_topics) == ["함몰 원인 대책", "균열 원인 대책"]


def test_limits_stand_in_for_lost_importance() -> None:
    """Without T2 the values outside their limits are asked about."""
    without = {name: part for name, part in CONTEXT.items() if name != "top_features"}
    assert texts(question_from_prediction(without, None).topics) == [
        "기공 Biscuit_Thickness 낮음 원인", "기공 Coolant_Temp 높음 원인"]


def test_it_is_worded_in_the_documents_language() -> None:
    """An English diagnosis searches Korean documents with Korean labels."""
    top = {"name": "a", "label": "Biscuit", "labels": {"ko": "비스킷", "en": "Biscuit"}, "value": 1, "direction": "low"}
    question = question_from_prediction({"top_features": [top]}, "en", "ko")
    assert (texts(question.topics), question.language) == (["비스킷 낮음 원인"], "en")


def test_nothing_known_asks_nothing() -> None:
    """An empty context words no topic."""
    assert question_from_prediction({}, None).topics == question_from_prediction({}, None).fallback_topics == ()
