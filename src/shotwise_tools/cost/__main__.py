"""What a month costs: `make cost`. Exit status 0: done, 1: over a limit, or docs/cost.md is stale; 2: bad input."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from shotwise_cli.console import fail, print_json
from shotwise_tools.cloudformation.stacks import ROOT
from shotwise_tools.cost.alternatives import Alternative, alternatives
from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.models import Bill, CostError, Usage
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.report import as_json, over_limit, report, weak_note
from shotwise_tools.cost.stacks import month_of, scenario_names
from shotwise_tools.cost.usage import read_usage

PAGE = ROOT / "docs/cost.md"
SHOWN = ("dev", "prod")  # staging has the shape of prod
PLACE = re.compile(r"(?<=<!-- made by: make cost WRITE=1 -->\n).*?(?=<!-- end -->)", re.DOTALL)
Computed = tuple[Bill, list[Alternative]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute, print, and say whether a limit is kept."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except CostError as error:
        return fail(str(error), 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("cost", description="What a month of document A's traffic costs, line by line.")
    parser.add_argument("scenarios", nargs="*", help=f"of samconfig.toml; {' and '.join(SHOWN)} without any")
    parser.add_argument("--prices", type=Path, metavar="TOML", help="a table of your own over src/shotwise_tools/cost/prices.toml")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/cost.md anew")
    parser.add_argument("--check", action="store_true", help="fail where docs/cost.md holds other tables")
    return parser


def _run(options: argparse.Namespace) -> int:
    names, usage = scenario_names(), read_usage()
    if unknown := {*(options.scenarios or SHOWN)} - set(names):
        raise CostError(f"samconfig.toml has no scenario {', '.join(sorted(unknown))}; it has {', '.join(names)}")
    if (options.write or options.check) and (options.prices or options.scenarios):
        raise CostError("docs/cost.md has scenarios and prices of its own: leave yours out")
    prices = read_prices(options.prices)
    months: list[Computed] = []
    for name in options.scenarios or SHOWN:
        month = month_of(name, prices)
        bill = make_bill(name, month)
        months.append((bill, list(alternatives(name, month, bill))))
    if options.json:
        print_json({bill.scenario: as_json(bill, others, usage) for bill, others in months})
    else:
        text = page_text(months, usage)
        if options.check:
            return _check(text)
        if options.write:
            _write(text)
        print(text, end="")
    return _judge(months, usage)


def page_text(months: Sequence[Computed], usage: Usage) -> str:
    """All tables, as they are printed and as docs/cost.md holds them."""
    tables = [report(bill, others, usage) for bill, others in months]
    return "\n\n".join([*tables, weak_note([bill for bill, _ in months])]) + "\n"


def _write(text: str) -> None:
    PAGE.write_text(PLACE.sub(lambda _: text, PAGE.read_text("utf-8")), "utf-8")


def _check(text: str) -> int:
    found = PLACE.search(PAGE.read_text("utf-8"))
    if found is None or found[0] != text:
        return fail("docs/cost.md is not what `make cost` prints now; run `make cost WRITE=1`", 1)
    return 0


def _judge(months: Sequence[Computed], usage: Usage) -> int:
    over = [bill for bill, _ in months if over_limit(bill, usage)]
    for bill in over:
        fail(f"{bill.scenario} costs {bill.total:,.2f} USD a month, over its limit of "
             f"{usage.limits[bill.scenario]:g} (src/shotwise_tools/cost/usage.toml)", 1)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
