"""A pause for models that do not answer in time, so that not every request waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shotwise.errors import KnowledgeError, ModelPaused, TimeLimitExceeded
from shotwise.limits import MODEL_PAUSE_SECONDS


class ModelPause:
    """Decides whether a model is asked. Instances are thread-safe.

    After a call that ran out of time, nothing is asked for MODEL_PAUSE_SECONDS. Then a single call tries again, and
    once it has ended in time, whatever it returned, the others go on.

    Parameters
    ----------
    clock : callable
        Stand-in for `time.monotonic` in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._resume_at: float | None = None  # None: the last call that ended was in time

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the model in the `with` block. Raises ModelPaused during a pause."""
        self._check()
        try:
            yield
        except TimeLimitExceeded:
            self.begin()
            raise
        except KnowledgeError:
            self.end()
            raise
        self.end()

    def begin(self) -> None:
        """Begin a pause."""
        with self._lock:
            self._resume_at = self._clock() + MODEL_PAUSE_SECONDS

    def end(self) -> None:
        """End the pause."""
        with self._lock:
            self._resume_at = None

    def _check(self) -> None:
        with self._lock:
            if self._resume_at is None:
                return
            if self._clock() < self._resume_at:
                raise ModelPaused("the model did not answer in time a moment ago, so it is not asked again yet")
            self._resume_at = self._clock() + MODEL_PAUSE_SECONDS  # the others wait for this try
