"""Split and cut content to the sizes that a service accepts."""

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
        The items.
    max_items : int
        Maximum number of items per list.
    size : callable
        Estimates the bytes of an item in the request.
    max_bytes : int
        Maximum of the estimated bytes per list; a larger item gets its own list. 0 for no limit.
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
    """Cut a text to complete characters of at most `max_bytes` in UTF-8."""
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")
