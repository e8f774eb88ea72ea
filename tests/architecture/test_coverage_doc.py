"""The operator's pages say what the files hold: names, tables of parameters and alarms, commands, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documentation import ROOT, command_flaws, document, lacking, names, spans, table, tables

from shotwise_local.gateway import NOT_EMULATED
from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.stacks import scenario_parameters

PAGES = ("coverage.md", "aws.md", "operations.md")
SCENARIOS = ("dev", "staging", "prod")
COVERAGE = ("asked for", "where", "note")
PARAMETERS = ("parameter", "default", "samconfig.toml sets", "meaning")
WRITTEN_BY_BUILDS = {"Release", "FrontendImage"}
LONG = {"ModelRegions"}  # told in words


def rows_of_coverage(text: str) -> list[list[str]]:
    """Every demand: what, where, note."""
    return [row for rows in tables(text) if rows[0] == list(COVERAGE) for row in rows[1:]]


def unplaced(text: str) -> list[str]:
    """The demands whose place is neither a name in our files nor a later issue."""
    return [asked for asked, where, _ in rows_of_coverage(text)
            if where != "later" and (not names(where) or set(spans(where)) != set(names(where)))]


@pytest.mark.parametrize("page", PAGES)
def test_every_name_is_there(page: str) -> None:
    """A file, and the resource, route, test or key in it."""
    assert [lacking(name) for name in names(document(page)) if lacking(name)] == []


@pytest.mark.parametrize("name", [
    "infra/nothing.yaml", "template.yaml::PredictionFunction", "infra/network.yaml::Rules",
    "tests/infra/test_network.py::test_nothing", "api/openapi.yaml::/guess", "samconfig.toml::test",
    "statemachine/diagnose.asl.json::Guess", ".github/workflows/deploy.yml::publish", "Makefile::deploy"])
def test_a_wrong_name_is_found(name: str) -> None:
    """The companion: of each kind of file one name that it does not hold, on a page."""
    (found,) = names(f"| the whole | `{name}` | planted |")
    assert lacking(found)


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_is_empty(page: str) -> None:
    """Every row says all that its table asks; headings inside a table stand alone."""
    assert not [row for rows in tables(document(page)) for row in rows[1:] if empty(row)]


def empty(row: list[str]) -> bool:
    """A heading inside a table has one cell in bold and no other."""
    heading = row[0].startswith("**") and not any(row[1:])
    return not heading and any(cell in ("", "-", "–", "—", "?", "TODO", "none yet") for cell in row)


def test_every_demand_has_its_place() -> None:
    """What earlier issues cover is named by a file of ours; a later issue is said."""
    text = document("coverage.md")
    assert unplaced(text) == [] and len(rows_of_coverage(text)) > 90
    later = [asked for asked, where, _ in rows_of_coverage(text) if where == "later"]
    assert len(later) <= 3, "what a later issue does is the exception"


def test_a_demand_without_a_place_is_found() -> None:
    """The companion: words alone, a name beside words in backticks that are none, an empty cell."""
    head = "| asked for | where | note |\n|---|---|---|\n"
    for where in ("somewhere", "`template.yaml` and `a lot`", "soon"):
        assert unplaced(f"{head}| the moon | {where} | note |\n") == ["the moon"]
    assert empty(["the moon", "`template.yaml`", ""]) and empty(["the moon", "–", "note"])
    assert not empty(["**Heading**", "", ""])


def test_every_replacement_has_its_reason() -> None:
    """What document A and B say, what there is instead and where, and why."""
    rows = table(document("coverage.md"), "asked for", "instead", "reason")
    assert len(rows) >= 11
    assert not [row[0] for row in rows if not names(row[1]) or len(row[2]) < 20]


def test_the_thirteen_steps_are_thirteen() -> None:
    """Numbered, in both pages, each done by something or left for a person."""
    operated = table(document("aws.md"), "step", "done by", "what is left for you")
    covered = [row for row in rows_of_coverage(document("coverage.md")) if re.match(r"\d+\. ", row[0])]
    for rows in (operated, covered):
        assert [row[0].split(".")[0] for row in rows] == [str(number) for number in range(1, 14)]
    assert all(names(row[1]) for row in operated)


def parameter_flaws(rows: list[list[str]]) -> list[str]:
    """Where the table of parameters says other than template.yaml and samconfig.toml."""
    declared = load_yaml(ROOT / "template.yaml")["Parameters"]
    told = {spans(row[0])[0]: row for row in rows if spans(row[0])}
    flaws = sorted(set(declared) ^ set(told))
    for name in set(declared) & set(told):
        default = str(declared[name].get("Default"))
        if told[name][1] != (f"`{default}`" if default else "empty"):
            flaws.append(f"{name} has the default {default!r}")
        given = {scenario: value for scenario in SCENARIOS
                 if (value := scenario_parameters(scenario).get(name)) is not None}
        shown = dict(span.split("=", 1) for span in spans(told[name][2]) if re.match(r"(dev|staging|prod)=", span))
        if name in LONG | WRITTEN_BY_BUILDS:
            if "for each" not in told[name][2]:
                flaws.append(f"{name} is set for each scenario")
        elif shown != given:
            flaws.append(f"{name} is set to {given}")
    return flaws


def test_every_parameter_is_told() -> None:
    """All of the root template, none besides, with defaults and what the scenarios set."""
    assert parameter_flaws(table(document("aws.md"), *PARAMETERS)) == []


def test_another_table_of_parameters_is_found() -> None:
    """The companion: a row that is missing, one too many, another default, another scenario's value."""
    rows = table(document("aws.md"), *PARAMETERS)
    index = next(number for number, row in enumerate(rows) if row[0] == "`Index`")
    assert parameter_flaws([*rows[:index], *rows[index + 1:]]) == ["Index"]
    assert parameter_flaws([*rows, ["`Moon`", "empty", "not set", "is none"]]) == ["Moon"]
    for place, text in ((1, "`opensearch`"), (2, "`dev=opensearch`")):
        other = [*rows[index]]
        other[place] = text
        assert len(parameter_flaws([*rows[:index], other, *rows[index + 1:]])) == 1


def alarms(path: Path) -> set[str]:
    """The alarms of a template."""
    return {name for name, one in load_yaml(path)["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"}


def test_every_alarm_is_told() -> None:
    """Those that mail somebody in the table, those that stop a roll-out below it, none besides."""
    text = document("aws.md")
    told = {spans(row[0])[0] for row in table(text, "alarm", "it means", "look first")}
    assert told == alarms(ROOT / "infra/observability.yaml")
    others = {f"{path.relative_to(ROOT).as_posix()}::{name}" for path in (ROOT / "infra").glob("*.yaml")
              if path.name != "observability.yaml" for name in alarms(path)}
    assert others <= set(names(text))


def test_every_widget_is_told() -> None:
    """The dashboard's titles, in its order."""
    titles = re.findall(r'"title": "([^"]+)"', (ROOT / "infra/dashboard.yaml").read_text("utf-8"))
    assert [row[0] for row in table(document("aws.md"), "widget", "what it tells")] == titles


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), "README.md", "README.ko.md"])
def test_every_command_is_there(page: str) -> None:
    """Targets of make, commands of sam and shotwise, scripts, operations of AWS and their options."""
    assert command_flaws((ROOT / page).read_text("utf-8")) == []


@pytest.mark.parametrize("command", [
    "make deploy", ".venv/bin/sam ship", ".venv/bin/shotwise guess", "python local/nothing.py",
    "python -m local.nothing", "aws cloudformation describe-stack --stack-name a",
    "aws moon list-stacks", "aws lambda update-alias --function a --name live"])
def test_a_wrong_command_is_found(command: str) -> None:
    """The companion: of each kind one that there is not, in a block and in a line."""
    assert len(command_flaws(f"Do this:\n\n    {command}\n")) == 1
    assert len(command_flaws(f"Do `{command}` now.")) == 1


def test_links_between_the_pages_lead_somewhere() -> None:
    """To a file that is there, and to a heading in it."""
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]*(?:#[^)\s]*)?)\)", document(page)):
            path, _, anchor = target.partition("#")
            file = ROOT / "docs" / (path or page)
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{page}: {target}")
    assert broken == []


def anchors(file: Path) -> set[str]:
    """What GitHub makes of headings."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)}


def test_every_setting_is_told() -> None:
    """Each that the serving package reads stands in a table of operations.md."""
    settings = (ROOT / "src/shotwise/settings.py").read_text("utf-8")
    read = set(re.findall(r'"((?:SHOTWISE|OPENSEARCH|AWS)_[A-Z_]+)"', settings))
    told = {span for rows in tables(document("operations.md")) for row in rows for span in spans(row[0])}
    assert len(read) > 20 and read <= told


def test_both_readmes_say_what_is_not_emulated() -> None:
    """The line that `make run` prints, word for word."""
    for name in ("README.md", "README.ko.md"):
        assert f"shotwise: not emulated here: {NOT_EMULATED}; logs under" in (ROOT / name).read_text("utf-8"), name
