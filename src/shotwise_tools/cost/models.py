"""Data classes of the cost computation: resources, prices, a month of usage, line items, bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOURS = 730.0  # of a month, as AWS counts them
SECONDS = HOURS * 3600
GB = 1024**3


class CostError(Exception):
    """The cost cannot be computed; the message says what is missing and where to add it."""


@dataclass(frozen=True)
class Resource:
    """A resource that a scenario creates.

    Attributes
    ----------
    path : str
        STACK.LOGICAL_ID.
    kind : str
        Its CloudFormation type.
    properties : dict
        Its properties, evaluated.
    """

    path: str
    kind: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class Price:
    """The price of one unit in ap-northeast-2.

    Attributes
    ----------
    key : str
        Name in the price table.
    usd_per_unit : float
        US dollars, without tax.
    unit : str
        The unit, such as GB-month.
    source : str
        Where AWS publishes the price.
    date : str
        Day on which the price was valid, in ISO format.
    basis : str
        How the price was found out.
    weak : bool
        Whether it is uncertain: found for another region only, or remembered.
    free : float
        Units a month that are free in every account, without time limit.
    """

    key: str
    usd_per_unit: float
    unit: str
    source: str
    date: str
    basis: str
    weak: bool
    free: float


PriceTable = Mapping[str, Price]


@dataclass(frozen=True)
class RequestUsage:
    """The requests of one kind in a month.

    Attributes
    ----------
    count : int
        Requests a month.
    runs : mapping of str to int
        Function → number of its calls for one request.
    workflow : bool
        Whether the state machine makes these calls.
    streams : bool
        Whether the answer is a stream, which in dev has a function URL instead of API Gateway.
    """

    count: int
    runs: Mapping[str, int]
    workflow: bool = False
    streams: bool = False


@dataclass(frozen=True)
class FunctionUsage:
    """What one call of a function uses, as benchmarks/usage measured it.

    Attributes
    ----------
    init_ms : float
        Time of the start of a container.
    first_ms : float
        Time of the first call in a container.
    billed_ms : float
        Time of a later call.
    log_bytes, log_events : float
        Size and number of the log lines of a call.
    reply_bytes : float
        Size of the reply.
    metrics : tuple of str
        Metrics that it sends.
    """

    init_ms: float
    first_ms: float
    billed_ms: float
    log_bytes: float
    log_events: float
    reply_bytes: float
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class UsageProfile:
    """A month of usage.

    Attributes
    ----------
    requests : mapping
        Kind of request → its usage.
    functions : mapping
        Folder of a function → its usage per call.
    assumed : mapping
        Quantities that cannot be measured here; usage.toml gives a reason for each.
    chart_bytes, document_bytes : float
        The size of a chart and of a document.
    passages : float
        Passages of a document.
    prompt_bytes : float
        The size of a prompt for a text generator.
    limits : mapping
        Scenario → US dollars that it may cost a month.
    estimate_usd : float
        The total of document A's own estimate.
    """

    requests: Mapping[str, RequestUsage]
    functions: Mapping[str, FunctionUsage]
    assumed: Mapping[str, float]
    chart_bytes: float
    document_bytes: float
    passages: float
    prompt_bytes: float
    limits: Mapping[str, float]
    estimate_usd: float


@dataclass(frozen=True)
class CostInputs:
    """Everything that a pricing rule may use.

    Attributes
    ----------
    resources : tuple of Resource
        Resources of a scenario.
    parameters : mapping
        Parameters of its root template.
    usage : UsageProfile
        A month of usage.
    prices : mapping of str to Price
        Key → price.
    """

    resources: tuple[Resource, ...]
    parameters: Mapping[str, Any]
    usage: UsageProfile
    prices: PriceTable


@dataclass(frozen=True)
class LineItem:
    """A line of a bill.

    Attributes
    ----------
    group : str
        The part of the bill, one of `bill.GROUPS`.
    description : str
        What is billed.
    quantity : float
        In the unit of the price.
    price : Price
        The price of one unit.
    usd : float
        Quantity times price.
    """

    group: str
    description: str
    quantity: float
    price: Price
    usd: float


@dataclass(frozen=True)
class Bill:
    """The bill of a scenario's month.

    Attributes
    ----------
    scenario : str
        A scenario of samconfig.toml.
    lines : tuple of LineItem
        In the order of `bill.GROUPS`.
    total : float
        US dollars before always-free units are subtracted.
    free : float
        Value of the always-free units in US dollars.
    """

    scenario: str
    lines: tuple[LineItem, ...]
    total: float
    free: float


def line_item(inputs: CostInputs, group: str, description: str, price_key: str, quantity: float) -> LineItem:
    """Make a line at a price of the table. Raises CostError if the table has no such price."""
    if price_key not in inputs.prices:
        raise CostError(f"there is no price {price_key!r}, which {description} needs: add [price.{price_key!r}] to the "
                        "price table")
    price = inputs.prices[price_key]
    return LineItem(group, description, quantity, price, quantity * price.usd_per_unit)


def resources_of_kind(inputs: CostInputs, kind: str) -> list[Resource]:
    """The resources of one type."""
    return [resource for resource in inputs.resources if resource.kind == kind]
