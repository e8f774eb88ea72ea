"""How much time the pages of a document may take together."""

from __future__ import annotations

import time
from collections.abc import Callable

from shotwise.limits import (
    MAX_DOCUMENT_SECONDS,
    MIN_DOCUMENT_SECONDS,
    PREPARE_SECONDS,
    PREPARE_SECONDS_PER_PAGE,
    SECONDS_PER_PAGE,
    STOPPED_SECONDS,
    STOPPED_SECONDS_PER_PAGE_READ,
)


def prepare_seconds(page_count: int) -> float:
    """Return the time limit for finding the headings of a document, before the first page is read."""
    return PREPARE_SECONDS + PREPARE_SECONDS_PER_PAGE * page_count


class TimeBudget:
    """Two budgets: one for the document, one for its pages that stop a worker.

    The second grows with every page that is read, so that a long document keeps its pages beside some bad ones, while
    a document of bad pages is soon given up.

    Parameters
    ----------
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._last_page: float | None = None  # when the last page was read, or the first was begun
        self._seconds = MIN_DOCUMENT_SECONDS
        self._stopped_seconds = STOPPED_SECONDS

    def begin_pages(self, page_count: int) -> None:
        """Begin with the pages, once the document is open; only the first call counts."""
        if self._last_page is None:
            self._last_page = self._clock()
            self._seconds = min(MAX_DOCUMENT_SECONDS, MIN_DOCUMENT_SECONDS + SECONDS_PER_PAGE * page_count)

    def count_page(self, *, stopped: bool = False) -> None:
        """Count a page that is done; `stopped` says whether it stopped a worker."""
        now = self._clock()
        if stopped:
            self._stopped_seconds -= now - (self._last_page or self._start)
        else:
            self._stopped_seconds += STOPPED_SECONDS_PER_PAGE_READ
        self._last_page = now

    def left(self) -> float:
        """Return the seconds until the document is given up, if the current page stops the worker; 0 at least."""
        now = self._clock()
        document = self._start + self._seconds - now
        page = self._stopped_seconds - (now - self._last_page) if self._last_page is not None else document
        return max(0.0, min(document, page))
