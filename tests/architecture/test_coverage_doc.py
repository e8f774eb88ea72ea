"""The operator's pages agree with the files: names, tables of parameters and alarms, commands, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documentation import ROOT, command_flaws, missing_reason, names, page_text, spans, table, tables

from shotwise_local.gateway import NOT_EMULATED
from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.stacks import scenario_parameters

PAGES = ("coverage.md", "aws.md", "operations.md")
SCENARIOS = ("dev", "staging", "prod")
COVERAGE = ("asked for", "where", "note")
PARAMETERS = ("parameter", "default", "samconfig.toml sets", "meaning")
WRITTEN_BY_BUILDS = {"Release", "FrontendImage"}
LONG = {"ModelRegions"}  # described in words


def coverage_rows(text: str) -> list[list[str]]:
    """The rows of the coverage tables: requirement, place, note."""
    return [row for rows in tables(text) if rows[0] == list(COVERAGE) for row in rows[1:]]


def unplaced(text: str) -> list[str]:
    """The requirements with a place that is neither a name in our files nor a later issue."""
    return [requirement for requirement, where, _ in coverage_rows(text)
            if where != "later" and (not names(where) or set(spans(where)) != set(names(where)))]


@pytest.mark.parametrize("page", PAGES)
def test_every_name_exists(page: str) -> None:
    """Every file that is named exists, and so does the resource, route, test or key in it."""
    assert [missing_reason(name) for name in names(page_text(page)) if missing_reason(name)] == []


@pytest.mark.parametrize("name", [
    "infra/nothing.yaml", "template.yaml::PredictionFunction", "infra/network.yaml::Rules",
    "tests/infra/test_network.py::test_nothing", "api/openapi.yaml::/guess", "samconfig.toml::test",
    "statemachine/diagnose.asl.json::Guess", ".github/workflows/deploy.yml::publish", "Makefile::deploy"])
def test_a_wrong_name_is_found(name: str) -> None:
    """For each kind of file, a name that it does not have is reported."""
    (planted,) = names(f"| the whole | `{name}` | planted |")
    assert missing_reason(planted)


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_is_empty(page: str) -> None:
    """Every row has all cells of its table, except headings inside a table."""
    assert not [row for rows in tables(page_text(page)) for row in rows[1:] if has_empty_cell(row)]


def has_empty_cell(row: list[str]) -> bool:
    """Whether a row lacks a cell. A heading inside a table has one cell in bold and no other."""
    heading = row[0].startswith("**") and not any(row[1:])
    return not heading and any(cell in ("", "-", "–", "—", "?", "TODO", "none yet") for cell in row)


def test_every_requirement_has_its_place() -> None:
    """Requirements of earlier issues name a file of ours; those of later issues say so."""
    text = page_text("coverage.md")
    assert unplaced(text) == [] and len(coverage_rows(text)) > 90
    later = [requirement for requirement, where, _ in coverage_rows(text) if where == "later"]
    assert len(later) <= 3, "what a later issue does is the exception"


def test_a_requirement_without_a_place_is_found() -> None:
    """Words alone, a name beside other words in backticks, and an empty cell are reported."""
    head = "| asked for | where | note |\n|---|---|---|\n"
    for where in ("somewhere", "`template.yaml` and `a lot`", "soon"):
        assert unplaced(f"{head}| the moon | {where} | note |\n") == ["the moon"]
    assert has_empty_cell(["the moon", "`template.yaml`", ""]) and has_empty_cell(["the moon", "–", "note"])
    assert not has_empty_cell(["**Heading**", "", ""])


def test_every_replacement_has_its_reason() -> None:
    """The table says what document A and B ask for, what there is instead and where, and why."""
    rows = table(page_text("coverage.md"), "asked for", "instead", "reason")
    assert len(rows) >= 11
    assert not [row[0] for row in rows if not names(row[1]) or len(row[2]) < 20]


def test_the_thirteen_steps_are_thirteen() -> None:
    """They are numbered in both pages, and each is done by something."""
    operated = table(page_text("aws.md"), "step", "done by", "what is left for you")
    covered = [row for row in coverage_rows(page_text("coverage.md")) if re.match(r"\d+\. ", row[0])]
    for rows in (operated, covered):
        assert [row[0].split(".")[0] for row in rows] == [str(number) for number in range(1, 14)]
    assert all(names(row[1]) for row in operated)


def parameter_flaws(rows: list[list[str]]) -> list[str]:
    """Where the table of parameters differs from template.yaml and samconfig.toml."""
    declared = load_yaml(ROOT / "template.yaml")["Parameters"]
    documented = {spans(row[0])[0]: row for row in rows if spans(row[0])}
    flaws = sorted(set(declared) ^ set(documented))
    for name in set(declared) & set(documented):
        default = str(declared[name].get("Default"))
        if documented[name][1] != (f"`{default}`" if default else "empty"):
            flaws.append(f"{name} has the default {default!r}")
        configured = {scenario: setting for scenario in SCENARIOS
                      if (setting := scenario_parameters(scenario).get(name)) is not None}
        shown_settings = dict(span.split("=", 1) for span in spans(documented[name][2])
                              if re.match(r"(dev|staging|prod)=", span))
        if name in LONG | WRITTEN_BY_BUILDS:
            if "for each" not in documented[name][2]:
                flaws.append(f"{name} is set for each scenario")
        elif shown_settings != configured:
            flaws.append(f"{name} is set to {configured}")
    return flaws


def test_every_parameter_is_documented() -> None:
    """The table has all parameters of the root template and no others, with defaults and scenarios' settings."""
    assert parameter_flaws(table(page_text("aws.md"), *PARAMETERS)) == []


def test_a_wrong_table_of_parameters_is_found() -> None:
    """A missing row, an additional one, another default and another scenario's setting are reported."""
    rows = table(page_text("aws.md"), *PARAMETERS)
    index = next(number for number, row in enumerate(rows) if row[0] == "`Index`")
    assert parameter_flaws([*rows[:index], *rows[index + 1:]]) == ["Index"]
    assert parameter_flaws([*rows, ["`Moon`", "empty", "not set", "is none"]]) == ["Moon"]
    for column, text in ((1, "`opensearch`"), (2, "`dev=opensearch`")):
        other = [*rows[index]]
        other[column] = text
        assert len(parameter_flaws([*rows[:index], other, *rows[index + 1:]])) == 1


def alarms(path: Path) -> set[str]:
    """The alarms of a template."""
    return {name for name, resource in load_yaml(path)["Resources"].items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"}


def test_every_alarm_is_documented() -> None:
    """The table has the alarms that send mails; those that stop a roll-out are named below it."""
    text = page_text("aws.md")
    documented = {spans(row[0])[0] for row in table(text, "alarm", "it means", "look first")}
    assert documented == alarms(ROOT / "infra/observability.yaml")
    others = {f"{path.relative_to(ROOT).as_posix()}::{name}" for path in (ROOT / "infra").glob("*.yaml")
              if path.name != "observability.yaml" for name in alarms(path)}
    assert others <= set(names(text))


def test_every_widget_is_documented() -> None:
    """The table has the titles of the dashboard's widgets, in order."""
    titles = re.findall(r'"title": "([^"]+)"', (ROOT / "infra/dashboard.yaml").read_text("utf-8"))
    assert [row[0] for row in table(page_text("aws.md"), "widget", "what it tells")] == titles


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), "README.md", "README.ko.md"])
def test_every_command_exists(page: str) -> None:
    """Targets of make, commands of sam and shotwise, scripts, and operations of AWS with their options."""
    assert command_flaws((ROOT / page).read_text("utf-8")) == []


@pytest.mark.parametrize("command", [
    "make deploy", ".venv/bin/sam ship", ".venv/bin/shotwise guess", "python local/nothing.py",
    "python -m local.nothing", "aws cloudformation describe-stack --stack-name a",
    "aws moon list-stacks", "aws lambda update-alias --function a --name live"])
def test_a_wrong_command_is_found(command: str) -> None:
    """For each kind, a command that does not exist is reported, in a block and in a line."""
    assert len(command_flaws(f"Do this:\n\n    {command}\n")) == 1
    assert len(command_flaws(f"Do `{command}` now.")) == 1


def test_links_between_the_pages_lead_somewhere() -> None:
    """Every link leads to an existing file, and to a heading in it."""
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]*(?:#[^)\s]*)?)\)", page_text(page)):
            path, _, anchor = target.partition("#")
            file = ROOT / "docs" / (path or page)
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{page}: {target}")
    assert broken == []


def anchors(file: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)}


def test_every_setting_is_documented() -> None:
    """Each setting that the serving package reads is in a table of operations.md."""
    settings = (ROOT / "src/shotwise/settings.py").read_text("utf-8")
    settings_read = set(re.findall(r'"((?:SHOTWISE|OPENSEARCH|AWS)_[A-Z_]+)"', settings))
    documented = {span for rows in tables(page_text("operations.md")) for row in rows for span in spans(row[0])}
    assert len(settings_read) > 20 and settings_read <= documented


def test_both_readmes_say_what_is_not_emulated() -> None:
    """They have the line that `make run` prints, word for word."""
    for name in ("README.md", "README.ko.md"):
        assert f"shotwise: not emulated here: {NOT_EMULATED}; logs under" in (ROOT / name).read_text("utf-8"), name
