"""Write bills as Markdown tables for people, and as one JSON document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shotwise_tools.cost.alternatives import PricedAlternative
from shotwise_tools.cost.bill import ESTIMATED_GROUPS, GROUPS
from shotwise_tools.cost.models import Bill, UsageProfile


def report(bill: Bill, alternatives: Sequence[PricedAlternative], usage: UsageProfile) -> str:
    """Write a scenario's tables: the lines of its bill, the comparison with the estimate, the alternatives."""
    rows = [(line.group, line.description, _number(line.quantity), line.price.unit, _price(line.price.usd_per_unit),
             f"{line.usd:,.2f}", "*" if line.price.weak else "") for line in bill.lines]
    parts = [f"## {bill.scenario}: {bill.total:,.2f} USD a month{_limit_note(bill, usage)}",
             _table(("part", "what", "quantity", "unit", "USD each", "USD", "*"), rows, right=(2, 4, 5)),
             _comparison(bill, usage)]
    if alternatives:
        parts.append("### Alternatives\n\n" + _table(
            ("alternative", "USD a month", "consequence"),
            [(priced.alternative.name, f"{priced.usd:+,.2f}", priced.alternative.consequence)
             for priced in alternatives], right=(1,)))
    return "\n\n".join(parts)


def over_limit(bill: Bill, usage: UsageProfile) -> bool:
    """Whether a scenario costs more than it may."""
    return bill.total > usage.limits.get(bill.scenario, float("inf"))


def weak_note(bills: Sequence[Bill]) -> str:
    """Explain the star beside a price, and say which part of each bill has one."""
    weak_prices = {line.price.key: line.price for bill in bills for line in bill.lines if line.price.weak}
    if not weak_prices:
        return "Every price in these tables is known for Seoul."
    shares = ", ".join(f"{_weak_usd(bill):,.2f} of {bill.total:,.2f} USD in {bill.scenario}" for bill in bills)
    names = "\n".join(f"- {price.key}: {price.basis} (as of {price.date})" for price in weak_prices.values())
    return f"\\* No price of Seoul was at hand for these; together they are {shares}.\n\n{names}"


def as_json(bill: Bill, alternatives: Sequence[PricedAlternative], usage: UsageProfile) -> dict[str, Any]:
    """Convert a scenario's bill to plain data for JSON."""
    return {"usd": round(bill.total, 4), "always_free_usd": round(bill.free, 4),
            "limit_usd": usage.limits.get(bill.scenario), "over_limit": over_limit(bill, usage),
            "estimate_usd": usage.estimate_usd, "beyond_estimate_usd": round(_beyond_estimate_usd(bill), 4),
            "weak_usd": round(_weak_usd(bill), 4),
            "lines": [{"part": line.group, "what": line.description, "quantity": line.quantity, "unit": line.price.unit,
                       "usd_each": line.price.usd_per_unit, "usd": round(line.usd, 6), "price": line.price.key,
                       "as_of": line.price.date, "weak": line.price.weak, "in_estimate": line.group in ESTIMATED_GROUPS}
                      for line in bill.lines],
            "otherwise": [{"instead": priced.alternative.name, "usd": round(priced.usd, 4),
                           "meaning": priced.alternative.consequence} for priced in alternatives]}


def _comparison(bill: Bill, usage: UsageProfile) -> str:
    """Write a table of the bill by groups, compared with the total of document A's estimate."""
    rows = []
    for group in GROUPS:
        usd = sum(line.usd for line in bill.lines if line.group == group)
        if usd:
            rows.append((group, f"{usd:,.2f}", _estimate_note(group, usd, usage)))
    rows += [("all", f"{bill.total:,.2f}", f"~{usage.estimate_usd:g} in total"),
             ("of it, named by the estimate", f"{bill.total - _beyond_estimate_usd(bill):,.2f}", ""),
             ("of it, beyond the estimate", f"{_beyond_estimate_usd(bill):,.2f}", ""),
             ("always free, in an account with nothing else", f"{-bill.free:,.2f}", ""),
             ("to pay then", f"{bill.total - bill.free:,.2f}", "")]
    return _table(("part", "USD", f"document A, ~{usage.estimate_usd:g}"), rows, right=(1,))


def _estimate_note(group: str, usd: float, usage: UsageProfile) -> str:
    """Whether document A's estimate can include a group."""
    if usd > usage.estimate_usd:
        return "cannot be in it: more than all of it"
    return "may be in it" if group in ESTIMATED_GROUPS else "is not named"


def _limit_note(bill: Bill, usage: UsageProfile) -> str:
    limit = usage.limits.get(bill.scenario)
    if limit is None:
        return ""
    return f" ({'OVER' if over_limit(bill, usage) else 'under'} its limit of {limit:g})"


def _beyond_estimate_usd(bill: Bill) -> float:
    return sum(line.usd for line in bill.lines if line.group not in ESTIMATED_GROUPS)


def _weak_usd(bill: Bill) -> float:
    return sum(line.usd for line in bill.lines if line.price.weak)


def _number(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 1000 or quantity == int(quantity) else f"{quantity:,.3g}"


def _price(usd: float) -> str:
    return f"{usd:.10f}".rstrip("0").rstrip(".")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    """Write a Markdown table that can be read as text; `right` lists the columns that are aligned to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def cells(row: Sequence[str]) -> str:
        return "| " + " | ".join(text.rjust(width) if column in right else text.ljust(width)
                                 for column, (text, width) in enumerate(zip(row, widths, strict=True))) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if column in right else "-")
                          for column, width in enumerate(widths)) + "|"
    return "\n".join([cells(header), rule, *map(cells, rows)])
