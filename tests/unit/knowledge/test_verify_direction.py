"""Whether a line speaks of the direction opposite to the topic's."""

from __future__ import annotations

from sample_documents import ANALYZER

from shotwise.knowledge.verify import has_opposite_direction


def is_opposite(line: str, topic: str, *, action: bool = False) -> bool:
    """Whether a line speaks of the direction opposite to the topic's."""
    return has_opposite_direction(ANALYZER.term_set(line), ANALYZER.term_set(topic), action=action)


def test_low_is_opposite_to_high() -> None:
    """It is so in any form of the words, and a line of the same direction is not opposite."""
    assert is_opposite("온도가 낮으면 굳는다", "온도 높음") and is_opposite("두께가 두꺼우면", "두께가 얇은데")
    assert not is_opposite("온도가 높으면 녹는다", "온도 높음")


def test_without_one_direction_nothing_is_opposite() -> None:
    """Where topic or line names no direction, or both, neither is opposite to the other."""
    assert not is_opposite("온도가 낮으면 굳는다", "온도 원인")
    assert not is_opposite("온도를 확인한다", "온도 높음")
    assert not is_opposite("낮으면 굳고 높으면 녹는다", "온도 높음")
    assert not is_opposite("온도가 낮으면 굳는다", "낮을 때와 높을 때")


def test_a_countermeasure_has_the_direction_of_the_fault() -> None:
    """Raising a value is advice for a low one; outside of countermeasures the verb has no direction."""
    assert is_opposite("온도를 5 °C씩 올리고 확인한다", "온도 높음", action=True)
    assert not is_opposite("온도를 5 °C씩 올리고 확인한다", "온도 높음")
    assert not is_opposite("온도를 5 °C씩 올리고 확인한다", "온도 낮음", action=True)


def test_english_directions_are_directions() -> None:
    """An English line can be opposite to a Korean topic, and the other way round."""
    assert is_opposite("when the temperature is too low", "온도 높음")
    assert is_opposite("온도가 낮으면 굳는다", "temperature too high")
    assert is_opposite("the biscuit is thin", "두께가 두꺼우면")
    assert not is_opposite("the biscuit is thick", "두께가 두꺼우면")
