"""What the adapters of remote services share: clients with time-outs, translated errors, keys, batches, waiting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shotwise.errors import KnowledgeError

CONNECT_SECONDS = 3
T = TypeVar("T")


def aws_client(service: str, *, read_seconds: float, attempts: int = 3, connections: int = 10) -> Any:
    """A boto3 client that gives up in bounded time: at most `attempts` tries of `read_seconds` each."""
    make: Any = boto3.client  # its stubs know no service by a variable name
    return make(service, config=Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts}))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """What boto3 raises, as a KnowledgeError that begins with `what`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise KnowledgeError(f"{what}: {error}") from error


def digest(text: str) -> str:
    """32 characters that stand for a text of any length and any characters in a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def stem(name: str, version: str | None = None) -> str:
    """How the keys of a document begin, or of one version of it. Ends in a hyphen, so none begins another."""
    return f"{digest(name)}-" if version is None else f"{digest(name)}-{digest(version)}-"


def batches(items: Iterable[T], most: int, size: Callable[[T], int] = lambda item: 0,
            most_bytes: int = 0) -> Iterator[list[T]]:
    """The items in order, at most `most` and about `most_bytes` at once."""
    batch: list[T] = []
    filled = 0
    for item in items:
        adds = size(item)
        if batch and (len(batch) == most or filled + adds > most_bytes > 0):
            yield batch
            batch, filled = [], 0
        batch.append(item)
        filled += adds
    if batch:
        yield batch


def cut(text: str, most_bytes: int) -> str:
    """The beginning of a text that takes at most `most_bytes` in UTF-8, in whole characters."""
    return text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def wait_until(done: Callable[[], bool], failure: str, *, seconds: float, pause: float,
               sleep: Callable[[float], None]) -> None:
    """Ask again after each pause, at most for so many seconds of pauses; then KnowledgeError."""
    for _ in range(math.ceil(seconds / pause)):
        if done():
            return
        sleep(pause)
    if not done():
        raise KnowledgeError(f"{failure} within {seconds:.0f} s")
