"""Lanes run requests of each kind with threads and a queue of their own, and refuse what does not fit."""

from __future__ import annotations

import threading

import pytest

from shotwise.limits import LaneLimits
from shotwise_local.lanes import Lane, Overloaded, Slots


@pytest.fixture
def release() -> threading.Event:
    """What the work in a busy lane waits for."""
    return threading.Event()


def test_a_full_lane_refuses(release: threading.Event) -> None:
    """One more than run and wait is refused at once, and fits again when one has ended."""
    lane = Lane("test", LaneLimits(threads=1, waiting=1, wait_seconds=5))
    running, waiting = lane.submit(release.wait), lane.submit(lambda: "done")
    with pytest.raises(Overloaded):
        lane.submit(lambda: None)
    release.set()
    assert running.result(5) and waiting.result(5) == "done" and lane.submit(lambda: 3).result(5) == 3
    lane.close()


def test_a_closed_lane_refuses_and_keeps_its_count() -> None:
    """So does one for which no thread can be started."""
    lane = Lane("test", LaneLimits(threads=1, waiting=0, wait_seconds=5))
    lane.close()
    for _ in range(3):
        with pytest.raises(Overloaded):
            lane.submit(lambda: None)
    assert lane._count == 0


def test_cancelled_work_is_dropped_and_makes_room(release: threading.Event) -> None:
    """A client that left while it waited costs nothing."""
    begun: list[int] = []
    lane = Lane("test", LaneLimits(threads=1, waiting=1, wait_seconds=5))
    lane.submit(release.wait)
    assert lane.submit(lambda: begun.append(1)).cancel()
    following = lane.submit(lambda: 2)
    release.set()
    assert following.result(5) == 2 and begun == []
    lane.close()


def test_work_that_raises_makes_room() -> None:
    """An error ends the work like an answer."""
    lane = Lane("test", LaneLimits(threads=1, waiting=0, wait_seconds=5))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            lane.submit(lambda: 1 // 0).result(5)
    lane.close()


def test_slots_are_free_again_after_an_error() -> None:
    """As many as there are fit, and one that fails gives its slot back."""
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.take():
        with pytest.raises(Overloaded), slots.take():
            pass
        raise ZeroDivisionError
    with slots.take():
        pass
