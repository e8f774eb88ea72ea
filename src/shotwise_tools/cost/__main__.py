"""Print the cost of a month: `make cost`.

Exit status: 0 done, 1 a scenario is over its limit or docs/cost.md is stale, 2 bad input.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from shotwise_cli.console import fail, print_json
from shotwise_tools.cloudformation.stacks import ROOT
from shotwise_tools.cost.alternatives import PricedAlternative, price_alternatives
from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.models import Bill, CostError, UsageProfile
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.report import as_json, over_limit, report, weak_note
from shotwise_tools.cost.stacks import scenario_inputs, scenario_names
from shotwise_tools.cost.usage import read_usage

PAGE = ROOT / "docs/cost.md"
DEFAULT_SCENARIOS = ("dev", "prod")  # staging has the resources of prod
GENERATED_PART = re.compile(r"(?<=<!-- made by: make cost WRITE=1 -->\n).*?(?=<!-- end -->)", re.DOTALL)
BillWithAlternatives = tuple[Bill, list[PricedAlternative]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except CostError as error:
        return fail(str(error), 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("cost", description="Print the cost of a month of document A's traffic.")
    parser.add_argument("scenarios", nargs="*",
                        help=f"of samconfig.toml; {' and '.join(DEFAULT_SCENARIOS)} if none is given")
    parser.add_argument("--prices", type=Path, metavar="TOML",
                        help="a file that overrides prices of src/shotwise_tools/cost/prices.toml")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--write", action="store_true", help="rewrite the tables of docs/cost.md")
    parser.add_argument("--check", action="store_true", help="fail if the tables of docs/cost.md are stale")
    return parser


def _run(options: argparse.Namespace) -> int:
    names, usage = scenario_names(), read_usage()
    if unknown := {*(options.scenarios or DEFAULT_SCENARIOS)} - set(names):
        raise CostError(f"samconfig.toml has no scenario {', '.join(sorted(unknown))}; it has {', '.join(names)}")
    if (options.write or options.check) and (options.prices or options.scenarios):
        raise CostError("--write and --check use the scenarios and prices of docs/cost.md: give none")
    prices = read_prices(options.prices)
    bills: list[BillWithAlternatives] = []
    for name in options.scenarios or DEFAULT_SCENARIOS:
        inputs = scenario_inputs(name, prices)
        bill = make_bill(name, inputs)
        bills.append((bill, list(price_alternatives(name, inputs, bill))))
    if options.json:
        print_json({bill.scenario: as_json(bill, alternatives, usage)
                    for bill, alternatives in bills})
    else:
        text = tables_text(bills, usage)
        if options.check:
            return _check(text)
        if options.write:
            _write(text)
        print(text, end="")
    return _check_limits(bills, usage)


def tables_text(bills: Sequence[BillWithAlternatives], usage: UsageProfile) -> str:
    """Write all tables, as printed and as in docs/cost.md."""
    tables = [report(bill, alternatives, usage) for bill, alternatives in bills]
    return "\n\n".join([*tables, weak_note([bill for bill, _ in bills])]) + "\n"


def _write(text: str) -> None:
    PAGE.write_text(GENERATED_PART.sub(lambda _: text, PAGE.read_text("utf-8")), "utf-8")


def _check(text: str) -> int:
    current = GENERATED_PART.search(PAGE.read_text("utf-8"))
    if current is None or current[0] != text:
        return fail("docs/cost.md is not what `make cost` prints now; run `make cost WRITE=1`", 1)
    return 0


def _check_limits(bills: Sequence[BillWithAlternatives], usage: UsageProfile) -> int:
    over = [bill for bill, _ in bills if over_limit(bill, usage)]
    for bill in over:
        fail(f"{bill.scenario} costs {bill.total:,.2f} USD a month, over its limit of "
             f"{usage.limits[bill.scenario]:g} (src/shotwise_tools/cost/usage.toml)", 1)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
