"""Deadlines by the clock, which another thread can bring forward to now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shotwise.errors import Cancelled, TimeLimitExceeded


class Deadline:
    """The time by which some work has to end. Instances are thread-safe.

    Parameters
    ----------
    seconds : float
        Time from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancellation = _Cancellation()

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; 0 if it has passed or was cancelled."""
        return 0.0 if self._cancellation.cancelled else max(self._end - time.monotonic(), 0.0)

    def sooner(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now, or this one's time if that is earlier; cancelling reaches both."""
        part = Deadline(min(seconds, self.seconds_left))
        part._cancellation = self._cancellation
        return part

    def cancel(self) -> None:
        """End the work now, because nobody waits for it any more."""
        self._cancellation.cancel()

    def check(self, subject: str) -> None:
        """Return while there is time left.

        Raises
        ------
        TimeLimitExceeded
            The deadline has passed; the message begins with `subject`.
        Cancelled
            It was cancelled.
        """
        if self._cancellation.cancelled:
            raise Cancelled(f"{subject} was cancelled")
        if time.monotonic() >= self._end:
            raise TimeLimitExceeded(f"{subject} did not answer within {self.seconds:.3g} s")

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` if the deadline is cancelled during the `with` block, or was before it."""
        with self._cancellation.calling(callback):
            yield


class _Cancellation:
    """Whether work was cancelled, and whom to tell."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._callbacks.append(callback)
        if self.cancelled:
            self.cancel()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)
