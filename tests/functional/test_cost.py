"""`make cost` on the real templates: what it prints, when it fails, and that docs/cost.md is up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.usage import run as usage
from shotwise_tools.cost.__main__ import main
from shotwise_tools.cost.alternatives import ALTERNATIVES, price_alternatives
from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.stacks import scenario_inputs, scenario_stack, stack_resources


def cost_json(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """Run `make cost` and return the JSON document that it prints."""
    assert main(["--json", *arguments]) == status
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_dev_stays_under_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """It costs less than 35 USD with page, vectors and models, before always-free units are subtracted."""
    (dev,) = cost_json(capsys, "dev").values()
    assert dev["limit_usd"] == 35 and not dev["over_limit"] and dev["usd"] < 35
    assert sum(line["usd"] for line in dev["lines"]) == pytest.approx(dev["usd"], abs=0.001)
    assert {"functions", "API", "workflow", "models", "page", "vectors"} <= {line["part"] for line in dev["lines"]}


def test_a_scenario_over_its_limit_is_a_failed_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a higher price of Fargate the status is 1, and the error names the limit."""
    table = tmp_path / "mine.toml"
    table.write_text("[price]\nfargate_vcpu_hour_X86_64 = { value = 0.4 }\nfargate_vcpu_hour_ARM64 = { value = 0.4 }\n")
    assert main(["dev", "--prices", str(table)]) == 1
    printed = capsys.readouterr()
    assert "over its limit of 35" in printed.err and "OVER its limit" in printed.out


@pytest.mark.parametrize(("text", "reason"), [
    ("[price\n", "is not valid TOML"),
    ("[prices]\nnat_hour = { value = 1 }\n", "prices is not known"),
    ("[price]\nnat_hour = 0.06\n", "write each price as"),
    ("[price]\nnat_hour = { value = -0.06 }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { value = nan }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { value = true }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { dollars = 0.06 }\n", "dollars, which is not known"),
    ("[price]\nof_my_own = { value = 1 }\n", "the price of_my_own needs unit"),
])
def test_a_bad_price_table_is_bad_input(text: str, reason: str, tmp_path: Path,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is computed, and the error names what is wrong in the table."""
    table = tmp_path / "mine.toml"
    table.write_text(text)
    assert main(["--prices", str(table)]) == 2
    printed = capsys.readouterr()
    assert reason in printed.err and not printed.out


@pytest.mark.parametrize("arguments", [
    ["--prices", "no-such-file.toml"], ["moon"], ["--check", "dev"], ["--write", "--prices", "mine.toml"]])
def test_what_cannot_be_computed_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, an unknown scenario, and docs/cost.md with other scenarios or prices than its own."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("shotwise: ")


def test_the_tables_of_the_docs_are_up_to_date() -> None:
    """docs/cost.md has the tables that are printed; `make cost WRITE=1` rewrites them."""
    assert main(["--check"]) == 0


def test_the_table_of_measurements_is_made_from_the_results() -> None:
    """The table in benchmarks/usage/README.md holds the figures of results.json, for every function."""
    results = json.loads((Path(usage.__file__).with_name("results.json")).read_text("utf-8"))
    assert usage.table(results) in Path(usage.__file__).with_name("README.md").read_text("utf-8")
    assert set(results["functions"]) == set(usage.CALLS)


def test_costs_beyond_the_estimate_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    """In prod they are more than the whole estimate, so it cannot have included them."""
    prod = cost_json(capsys, "prod")["prod"]
    beyond = {line["part"] for line in prod["lines"] if not line["in_estimate"]}
    assert {"network", "balancer", "endpoints", "public addresses", "WAF", "keys", "vectors", "observability"} <= beyond
    assert prod["beyond_estimate_usd"] > prod["estimate_usd"]


def test_sizes_come_from_the_template() -> None:
    """The number of gateways follows its parameter, and the memory of functions is the template's."""
    resources = stack_resources(scenario_stack("prod", {"NatGateways": "2"}))
    assert sum(resource.kind == "AWS::EC2::NatGateway" for resource in resources) == 2
    memory = {resource.properties["CodeUri"]: resource.properties["MemorySize"] for resource in resources
              if resource.kind == "AWS::Serverless::Function"}
    assert memory["functions/predict"] == 2048 and memory["functions/importance"] == 3008


def test_an_alternative_is_priced_by_its_difference() -> None:
    """A second NAT gateway adds its hours and its address; what the template has already is not listed."""
    inputs = scenario_inputs("prod", read_prices())
    differences = {priced.alternative.name: priced.usd
                   for priced in price_alternatives("prod", inputs, make_bill("prod", inputs))}
    assert differences["two NAT gateways"] == pytest.approx(730 * (0.059 + 0.005))
    assert "one NAT gateway" not in differences and len(differences) < len(ALTERNATIVES)
