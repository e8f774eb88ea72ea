"""What travels through the computation: resources, prices, a month of use, lines, bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOURS = 730.0  # of a month, as AWS counts them
SECONDS = HOURS * 3600
GB = 1024**3


class CostError(Exception):
    """The month cannot be computed; the text says what is missing and where."""


@dataclass(frozen=True)
class Resource:
    """One resource that a scenario makes. path: stack and logical id."""

    path: str
    kind: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class Price:
    """value: USD per unit. source: where AWS publishes it; date: as of when it is known here; basis: how it is known.
    weak: not known for the region itself. free: units a month that no account ever pays for."""

    key: str
    value: float
    unit: str
    source: str
    date: str
    basis: str
    weak: bool
    free: float


@dataclass(frozen=True)
class Requests:
    """A kind of request. count: a month; runs: calls of each function that one request makes; workflow: by the state
    machine; streams: its answer is a stream, which dev gives under the function's own address."""

    count: int
    runs: Mapping[str, int]
    workflow: bool = False
    streams: bool = False


@dataclass(frozen=True)
class Calls:
    """What one call of a function uses up. init_ms: its start; first_ms: the first call; billed_ms: a later one."""

    init_ms: float
    first_ms: float
    billed_ms: float
    log_bytes: float
    log_events: float
    reply_bytes: float
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Usage:
    """A month. functions: by the name of their folder; assumed: quantities that nothing here can measure, see
    usage.toml; limits: scenario → USD; estimate_usd: document A's."""

    requests: Mapping[str, Requests]
    functions: Mapping[str, Calls]
    assumed: Mapping[str, float]
    chart_bytes: float
    document_bytes: float
    passages: float
    prompt_bytes: float
    limits: Mapping[str, float]
    estimate_usd: float


@dataclass(frozen=True)
class Month:
    """Everything that a rule may look at. parameters: the root's."""

    resources: tuple[Resource, ...]
    parameters: Mapping[str, Any]
    usage: Usage
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class Line:
    """A line of a bill. group: see bill.NAMED; quantity in the price's unit; usd: their product."""

    group: str
    what: str
    quantity: float
    price: Price
    usd: float


@dataclass(frozen=True)
class Bill:
    """A scenario's month. total: USD before what is always free; free: USD of that."""

    scenario: str
    lines: tuple[Line, ...]
    total: float
    free: float


def line(month: Month, group: str, what: str, key: str, quantity: float) -> Line:
    """A line at the price `key`."""
    if key not in month.prices:
        raise CostError(f"there is no price {key!r}, which {what} needs: add [price.{key!r}] to the price table")
    price = month.prices[key]
    return Line(group, what, quantity, price, quantity * price.value)


def of_kind(month: Month, kind: str) -> list[Resource]:
    """The month's resources of a type."""
    return [resource for resource in month.resources if resource.kind == kind]
