"""Lanes: each kind of request has threads and a bounded queue of its own, so that none waits behind another kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from shotwise.limits import LaneLimits

Outcome = TypeVar("Outcome")


class Overloaded(Exception):
    """There is no room for a request, or was no thread for it in time. Nothing was done for the request."""


class Slots:
    """A number of things that may go on at the same time in an event loop.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def take(self) -> Iterator[None]:
        """Occupy a slot for the `with` block. Raises Overloaded if none is free."""
        if not self._free:
            raise Overloaded
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class Lane:
    """Runs requests of one kind.

    Parameters
    ----------
    name : str
        Name of the threads.
    limits : LaneLimits
        How many requests run and wait, and for how long.
    """

    def __init__(self, name: str, limits: LaneLimits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, name)
        self._lock = threading.Lock()  # held for a few instructions, never while waiting
        self._count = 0

    def submit(self, work: Callable[[], Outcome]) -> Future[Outcome]:
        """Run `work` as soon as a thread is free.

        Cancelling the future drops work that has not begun, as whoever waits for it does after `wait_seconds`; work
        that has begun goes on, and occupies its thread.

        Raises
        ------
        Overloaded
            The queue is full, or the lane is closed.
        """
        with self._lock:
            if self._count >= self._limits.threads + self._limits.waiting:
                raise Overloaded
            self._count += 1
        try:
            future = self._threads.submit(work)
        except RuntimeError:  # closed, or no thread can be started
            self._leave()
            raise Overloaded from None
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Drop all work that has not begun. No work can be submitted any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def wait_seconds(self) -> float:
        """The time after which work that has not begun is to be dropped."""
        return self._limits.wait_seconds

    def _leave(self, _: Future[Any] | None = None) -> None:
        with self._lock:
            self._count -= 1
