"""Run calls that may block in threads of their own, so that whoever waits for them keeps to a deadline."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

from shotwise.deadline import Deadline
from shotwise.limits import MAX_PIECES_AHEAD

Piece = TypeVar("Piece")


def iterate_in_thread(produce: Callable[[], Generator[Piece, None, None]], deadline: Deadline, subject: str,
                      hang_up: Callable[[], None] = lambda: None) -> Generator[Piece, None, None]:
    """Yield what a generator yields, which runs in a thread of its own from the first piece that is read.

    Parameters
    ----------
    produce : callable
        Returns the generator. It needs a time limit of its own, because a thread cannot be killed.
    deadline : Deadline
        Ends the waiting, by its time or when it is cancelled.
    subject : str
        What is waited for; the message of a TimeLimitExceeded begins with it.
    hang_up : callable
        Makes the generator end soon. It is called from another thread.

    Raises
    ------
    TimeLimitExceeded, Cancelled
        The deadline has passed or was cancelled.
    """
    buffer = _Buffer[Piece]()
    threading.Thread(target=buffer.fill, args=(produce,), name="shotwise-call", daemon=True).start()
    try:
        with deadline.on_cancel(buffer.close):
            yield from buffer.pieces(deadline, subject)
    finally:
        buffer.close()
        hang_up()


def call_in_thread(call: Callable[[], Piece], deadline: Deadline, subject: str,
                   hang_up: Callable[[], None] = lambda: None) -> Piece:
    """Return what `call` returns, with the time limit of `iterate_in_thread`."""
    def produce() -> Generator[Piece, None, None]:
        yield call()

    (returned,) = iterate_in_thread(produce, deadline, subject, hang_up)
    return returned


class _Buffer(Generic[Piece]):
    """Hands pieces from the thread that makes them to the one that reads them; a few may be waiting."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._closed = self._ended = False
        self._error: BaseException | None = None

    def close(self) -> None:
        """Let the reader and the writer end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fill(self, produce: Callable[[], Generator[Piece, None, None]]) -> None:
        """Put the pieces of the generator into the buffer until it ends, fails, or nobody reads any more."""
        error: BaseException | None = None
        try:
            with closing(produce()) as pieces:
                for piece in pieces:
                    if not self._put(piece):
                        break
        except BaseException as raised:  # it is raised where the pieces are read
            error = raised
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def pieces(self, deadline: Deadline, subject: str) -> Iterator[Piece]:
        """Yield the pieces, and raise the error of the generator after them."""
        ended = False
        while not ended:
            deadline.check(subject)
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self._ended or self._closed, deadline.seconds_left)
                pieces = list(self._pieces)
                self._pieces.clear()
                ended = self._ended
                self._changed.notify_all()
            yield from pieces
        if self._error is not None:
            raise self._error

    def _put(self, piece: Piece) -> bool:
        """Add a piece as soon as there is room for it; returns whether it is still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._pieces) < MAX_PIECES_AHEAD)
            self._pieces.append(piece)
            self._changed.notify_all()
            return not self._closed
