"""Bills as tables for readers and as one JSON document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shotwise_tools.cost.alternatives import Alternative
from shotwise_tools.cost.bill import GROUPS, NAMED
from shotwise_tools.cost.models import Bill, Line, Usage


def report(bill: Bill, others: Sequence[Alternative], usage: Usage) -> str:
    """A scenario's tables, in Markdown that reads as text too."""
    rows = [(line.group, line.what, _number(line.quantity), line.price.unit, _price(line.price.value),
             f"{line.usd:,.2f}", "*" if line.price.weak else "") for line in bill.lines]
    parts = [f"## {bill.scenario}: {bill.total:,.2f} USD a month{_verdict(bill, usage)}",
             _table(("part", "what", "quantity", "unit", "USD each", "USD", "*"), rows, right=(2, 4, 5)),
             _comparison(bill, usage)]
    if others:
        parts.append("### Decided otherwise\n\n" + _table(
            ("instead", "USD a month", "what it would mean"),
            [(one.choice.instead, f"{one.usd:+,.2f}", one.choice.why) for one in others], right=(1,)))
    return "\n\n".join(parts)


def over_limit(bill: Bill, usage: Usage) -> bool:
    """Whether a scenario costs more than it may."""
    return bill.total > usage.limits.get(bill.scenario, float("inf"))


def weak_note(bills: Sequence[Bill]) -> str:
    """What the star means, and how much of the bills it touches."""
    weak = {line.price.key: line.price for bill in bills for line in bill.lines if line.price.weak}
    if not weak:
        return "Every price in these tables is known for Seoul."
    shares = ", ".join(f"{_weak_usd(bill):,.2f} of {bill.total:,.2f} USD in {bill.scenario}" for bill in bills)
    names = "\n".join(f"- {price.key}: {price.basis} (as of {price.date})" for price in weak.values())
    return f"\\* No price of Seoul was at hand for these; together they are {shares}.\n\n{names}"


def as_json(bill: Bill, others: Sequence[Alternative], usage: Usage) -> dict[str, Any]:
    """A scenario's month as plain data."""
    return {"usd": round(bill.total, 4), "always_free_usd": round(bill.free, 4),
            "limit_usd": usage.limits.get(bill.scenario), "over_limit": over_limit(bill, usage),
            "estimate_usd": usage.estimate_usd, "beyond_estimate_usd": round(_beyond(bill), 4),
            "weak_usd": round(_weak_usd(bill), 4),
            "lines": [{"part": line.group, "what": line.what, "quantity": line.quantity, "unit": line.price.unit,
                       "usd_each": line.price.value, "usd": round(line.usd, 6), "price": line.price.key,
                       "as_of": line.price.date, "weak": line.price.weak, "in_estimate": line.group in NAMED}
                      for line in bill.lines],
            "otherwise": [{"instead": one.choice.instead, "usd": round(one.usd, 4), "meaning": one.choice.why}
                          for one in others]}


def _comparison(bill: Bill, usage: Usage) -> str:
    """The bill by parts, beside document A's total."""
    rows = []
    for group in GROUPS:
        usd = sum(line.usd for line in bill.lines if line.group == group)
        if usd:
            rows.append((group, f"{usd:,.2f}", _place(group, usd, usage)))
    rows += [("all", f"{bill.total:,.2f}", f"~{usage.estimate_usd:g} in total"),
             ("of it, named by the estimate", f"{bill.total - _beyond(bill):,.2f}", ""),
             ("of it, beyond the estimate", f"{_beyond(bill):,.2f}", ""),
             ("always free, in an account with nothing else", f"{-bill.free:,.2f}", ""),
             ("to pay then", f"{bill.total - bill.free:,.2f}", "")]
    return _table(("part", "USD", f"document A, ~{usage.estimate_usd:g}"), rows, right=(1,))


def _place(group: str, usd: float, usage: Usage) -> str:
    """What document A's estimate can have held of a part."""
    if usd > usage.estimate_usd:
        return "cannot be in it: more than all of it"
    return "may be in it" if group in NAMED else "is not named"


def _verdict(bill: Bill, usage: Usage) -> str:
    limit = usage.limits.get(bill.scenario)
    if limit is None:
        return ""
    return f" ({'OVER' if over_limit(bill, usage) else 'under'} its limit of {limit:g})"


def _beyond(bill: Bill) -> float:
    return sum(line.usd for line in bill.lines if line.group not in NAMED)


def _weak_usd(bill: Bill) -> float:
    weak: list[Line] = [line for line in bill.lines if line.price.weak]
    return sum(line.usd for line in weak)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.3g}"


def _price(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]

    def cells(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.rjust(width) if place in right else text.ljust(width)
                                 for place, (text, width) in enumerate(zip(row, widths, strict=True))) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if place in right else "-")
                          for place, width in enumerate(widths)) + "|"
    return "\n".join([cells(heads), rule, *map(cells, rows)])
