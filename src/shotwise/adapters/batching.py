"""Splitting what is sent to a service into requests that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], max_items: int, size: Callable[[T], int] = lambda _: 0,
            max_bytes: int = 0) -> Iterator[list[T]]:
    """Split items into lists, in order.

    Parameters
    ----------
    items : iterable
    max_items : int
        The most items of a list.
    size : callable
        About how many bytes an item takes in the request.
    max_bytes : int
        About the most bytes of a list; an item that is larger by itself goes alone. 0: no limit.
    """
    batch: list[T] = []
    batch_bytes = 0
    for element in items:
        element_bytes = size(element)
        if batch and (len(batch) == max_items or batch_bytes + element_bytes > max_bytes > 0):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(element)
        batch_bytes += element_bytes
    if batch:
        yield batch


def truncate_utf8(text: str, max_bytes: int) -> str:
    """The beginning of a text that takes at most `max_bytes` in UTF-8, in whole characters."""
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
