"""What T3 asks: the caller's question, or one worded from the prediction."""

from __future__ import annotations

from typing import Any

from shotwise.knowledge.question import asked, from_prediction

CONTEXT: dict[str, Any] = {
    "defect_types": [{"type": kind, "label": label, "probability": 0.2}
                     for kind, label in (("Blow_Hole", "기공"), ("Dent", "함몰"), ("Crack", "균열"))],
    "limits": [{"feature": "Biscuit_Thickness", "value": 4, "low": 6, "high": 15},
               {"feature": "Coolant_Temp", "value": 30, "low": 26, "high": 28}],
    "top_features": [{"name": "Biscuit_Thickness", "label": "비스킷 두께", "value": 0.3},
                     {"name": "Cycle_Time", "label": "사이클 타임", "value": 0.1},
                     {"name": "Air_Pressure", "label": "공기 압력", "value": -0.2}],
}


def test_own_question_is_one_topic() -> None:
    """A caller's question is asked as it stands, in its own language unless another is wanted."""
    assert asked("기공이란?", None).topics == ("기공이란?",)
    assert (asked("기공이란?", None).language, asked("What is porosity?", None).language) == ("ko", "en")
    assert asked("기공이란?", "en").language == "en"


def test_prediction_asks_for_types_and_what_drove_them() -> None:
    """The two likeliest types, then what raised the probability, with its direction; what lowered it is no cause."""
    assert from_prediction(CONTEXT, None).topics == (
        "기공 원인 대책", "함몰 원인 대책", "기공 비스킷 두께 낮음 원인", "기공 사이클 타임 원인")


def test_limits_stand_in_for_lost_importance() -> None:
    """Without T2 the values outside their limits are asked about."""
    without = {name: part for name, part in CONTEXT.items() if name != "top_features"}
    assert from_prediction(without, None).topics[2:] == (
        "기공 Biscuit_Thickness 낮음 원인", "기공 Coolant_Temp 높음 원인")


def test_nothing_known_asks_nothing() -> None:
    """An empty context words no topic."""
    assert from_prediction({}, None).topics == ()
