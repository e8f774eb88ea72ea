"""Which way a value is off."""

from __future__ import annotations

from sample_documents import ANALYZER

from shotwise.knowledge.verify import has_opposite_direction


def against(said: str, topic: str, *, action: bool = False) -> bool:
    """Whether `said` speaks of the other direction than `topic`."""
    return has_opposite_direction(ANALYZER.term_set(said), ANALYZER.term_set(topic), action=action)


def test_other_direction_contradicts() -> None:
    """What is said of low values has_opposite_direction a topic of high ones, in whatever form the words stand."""
    assert against("온도가 낮으면 굳는다", "온도 높음") and against("두께가 두꺼우면", "두께가 얇은데")
    assert not against("온도가 높으면 녹는다", "온도 높음")


def test_undirected_topics_and_lines_contradict_nothing() -> None:
    """Where either names no direction, or both, nothing is left out."""
    assert not against("온도가 낮으면 굳는다", "온도 원인")
    assert not against("온도를 확인한다", "온도 높음")
    assert not against("낮으면 굳고 높으면 녹는다", "온도 높음")
    assert not against("온도가 낮으면 굳는다", "낮을 때와 높을 때")


def test_remedies_tell_their_direction_by_what_they_do() -> None:
    """To raise a value is advice for a low one; outside of remedies the verb says nothing."""
    assert against("온도를 5 °C씩 올리고 확인한다", "온도 높음", action=True)
    assert not against("온도를 5 °C씩 올리고 확인한다", "온도 높음")
    assert not against("온도를 5 °C씩 올리고 확인한다", "온도 낮음", action=True)


def test_english_directions_are_directions() -> None:
    """A line in English has_opposite_direction a topic in Korean, and the reverse."""
    assert against("when the temperature is too low", "온도 높음") and against("온도가 낮으면 굳는다",
                                                                           "temperature too high")
    assert against("the biscuit is thin", "두께가 두꺼우면") and not against("the biscuit is thick", "두께가 두꺼우면")
