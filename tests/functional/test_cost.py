"""`make cost` on the real template: what it prints, when it fails, and that docs/cost.md says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.usage import run as usage
from shotwise_tools.cost.__main__ import main
from shotwise_tools.cost.alternatives import CHOICES, alternatives
from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.prices import read_prices
from shotwise_tools.cost.stacks import month_of, resources_of, scenario_stack


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The one JSON document on standard output."""
    assert main(["--json", *arguments]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_dev_stays_under_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """35 USD with the page, the vectors and the models in it, before anything that is always free is taken off."""
    (dev,) = printed(capsys, "dev").values()
    assert dev["limit_usd"] == 35 and not dev["over_limit"] and dev["usd"] < 35
    assert sum(line["usd"] for line in dev["lines"]) == pytest.approx(dev["usd"], abs=0.001)
    assert {"functions", "API", "workflow", "models", "page", "vectors"} <= {line["part"] for line in dev["lines"]}


def test_dearer_fargate_breaks_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The limit is a check that can fail: the status is 1, and the sentence names both sums."""
    table = tmp_path / "mine.toml"
    table.write_text("[price]\nfargate_vcpu_hour_X86_64 = { value = 0.4 }\nfargate_vcpu_hour_ARM64 = { value = 0.4 }\n")
    assert main(["dev", "--prices", str(table)]) == 1
    caught = capsys.readouterr()
    assert "over its limit of 35" in caught.err and "OVER its limit" in caught.out


@pytest.mark.parametrize(("text", "reason"), [
    ("[price\n", "is no TOML"),
    ("[prices]\nnat_hour = { value = 1 }\n", "prices is not known"),
    ("[price]\nnat_hour = 0.06\n", "write each price as"),
    ("[price]\nnat_hour = { value = -0.06 }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { value = nan }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { value = true }\n", "the price nat_hour needs value"),
    ("[price]\nnat_hour = { dollars = 0.06 }\n", "dollars, which is not known"),
    ("[price]\nof_my_own = { value = 1 }\n", "the price of_my_own needs unit"),
])
def test_a_bad_table_is_bad_input(text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is computed from half of a table; the sentence names what is wrong in it."""
    table = tmp_path / "mine.toml"
    table.write_text(text)
    assert main(["--prices", str(table)]) == 2
    caught = capsys.readouterr()
    assert reason in caught.err and not caught.out


@pytest.mark.parametrize("arguments", [
    ["--prices", "no-such-file.toml"], ["moon"], ["--check", "dev"], ["--write", "--prices", "mine.toml"]])
def test_what_cannot_be_computed_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, a scenario that is none, a page of half the scenarios."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("shotwise: ")


def test_the_page_of_the_docs_is_what_is_printed() -> None:
    """docs/cost.md cannot go stale: `make cost WRITE=1` writes it anew."""
    assert main(["--check"]) == 0


def test_the_table_of_measurements_is_that_of_the_results() -> None:
    """Nobody edited a figure in benchmarks/usage."""
    results = json.loads((Path(usage.__file__).with_name("results.json")).read_text("utf-8"))
    assert usage.table(results) in Path(usage.__file__).with_name("README.md").read_text("utf-8")
    assert set(results["functions"]) == set(usage.CALLS)


def test_what_the_estimate_forgot_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """In prod it is more than all of the estimate: it cannot have held these lines."""
    prod = printed(capsys, "prod")["prod"]
    beyond = {line["part"] for line in prod["lines"] if not line["in_estimate"]}
    assert {"network", "balancer", "endpoints", "public addresses", "WAF", "keys", "vectors", "watching"} <= beyond
    assert prod["beyond_estimate_usd"] > prod["estimate_usd"]


def test_sizes_come_from_the_template() -> None:
    """Another number of gateways is another number of resources; T1's memory is the template's."""
    two = resources_of(scenario_stack("prod", {"NatGateways": "2"}))
    assert sum(one.kind == "AWS::EC2::NatGateway" for one in two) == 2
    memory = {one.properties["CodeUri"]: one.properties["MemorySize"] for one in two
              if one.kind == "AWS::Serverless::Function"}
    assert memory["functions/predict"] == 2048 and memory["functions/importance"] == 3008


def test_a_choice_says_what_it_saves() -> None:
    """A second NAT gateway costs its hours and its address; what the template has already is no alternative."""
    month = month_of("prod", read_prices())
    found = {one.choice.instead: one.usd for one in alternatives("prod", month, make_bill("prod", month))}
    assert found["two NAT gateways"] == pytest.approx(730 * (0.059 + 0.005))
    assert "one NAT gateway" not in found and len(found) < len(CHOICES)
