"""Which way a value is off."""

from __future__ import annotations

from shotwise.knowledge.direction import contradicts
from shotwise.knowledge.tokens import tokens


def against(said: str, topic: str, *, remedy: bool = False) -> bool:
    """Whether `said` contradicts `topic`."""
    return contradicts(set(tokens(said)), set(tokens(topic)), remedy=remedy)


def test_other_direction_contradicts() -> None:
    """What is said of low values contradicts a topic of high ones, in whatever form the words stand."""
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
    assert against("온도를 5 °C씩 올리고 확인한다", "온도 높음", remedy=True)
    assert not against("온도를 5 °C씩 올리고 확인한다", "온도 높음")
    assert not against("온도를 5 °C씩 올리고 확인한다", "온도 낮음", remedy=True)
