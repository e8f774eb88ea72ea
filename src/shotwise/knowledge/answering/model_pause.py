"""A pause for models that do not answer in time or fail again and again, so that not every request pays for that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shotwise.errors import KnowledgeError, ModelPaused, TimeLimitExceeded
from shotwise.limits import MAX_MODEL_FAILURES, MODEL_PAUSE_SECONDS

PAUSED = "the model failed a moment ago, so it is not asked again yet"


class ModelPause:
    """Decides whether a model is asked. Instances are thread-safe.

    After a call that ran out of time, or MAX_MODEL_FAILURES failed calls with none between them that succeeded, nothing
    is asked for MODEL_PAUSE_SECONDS. Then a single call tries again, and once it has succeeded, the others go on.

    Parameters
    ----------
    clock : callable
        Stand-in for `time.monotonic` in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._resume_at: float | None = None  # None: no pause
        self._failures = 0  # since the last call that succeeded

    @property
    def is_on(self) -> bool:
        """Whether `asking` would raise ModelPaused now."""
        with self._lock:
            return self._resume_at is not None and self._clock() < self._resume_at

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the model in the `with` block. Raises ModelPaused during a pause."""
        self._check()
        try:
            yield
        except TimeLimitExceeded:
            self._count_failures(MAX_MODEL_FAILURES)
            raise
        except KnowledgeError:
            self._count_failures(1)
            raise
        self.end()

    def end(self) -> None:
        """End the pause."""
        with self._lock:
            self._resume_at, self._failures = None, 0

    def _count_failures(self, count: int) -> None:
        with self._lock:
            self._failures += count
            if self._failures >= MAX_MODEL_FAILURES:
                self._resume_at = self._clock() + MODEL_PAUSE_SECONDS

    def _check(self) -> None:
        with self._lock:
            if self._resume_at is None:
                return
            if self._clock() < self._resume_at:
                raise ModelPaused(PAUSED)
            self._resume_at = self._clock() + MODEL_PAUSE_SECONDS  # the others wait for this try
