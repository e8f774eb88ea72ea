"""Lanes: each kind of request has threads and a bounded queue of its own, so that none waits behind another kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

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
        """Run `work` as soon as a thread is free. Its future fails with Overloaded if that takes too long.

        Cancelling the future drops work that has not begun; work that has begun goes on, and occupies its thread.

        Raises
        ------
        Overloaded
            The queue is full.
        """
        with self._lock:
            if self._count >= self._limits.threads + self._limits.waiting:
                raise Overloaded
            self._count += 1
        future = self._threads.submit(self._run, work, time.monotonic() + self._limits.wait_seconds)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Drop all work that has not begun. No work can be submitted any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _run(work: Callable[[], Outcome], latest_start: float) -> Outcome:
        if time.monotonic() > latest_start:
            raise Overloaded
        return work()

    def _leave(self, _: Future[Outcome]) -> None:
        with self._lock:
            self._count -= 1
