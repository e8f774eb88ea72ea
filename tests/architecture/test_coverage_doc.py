"""The pages agree with the files: every name and command in them exists; see also `test_docs.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documentation import ROOT, command_flaws, missing_reason, names, spans, table, tables

from shotwise_local.gateway import NOT_EMULATED
from shotwise_local.template import load_yaml
from shotwise_tools.docs.pages import read_pages

# These have the names of their day.
HISTORY = ("docs/decisions/0", "CHANGELOG.md")
PAGES = {page: text for page, text in read_pages().items() if not page.startswith(HISTORY)}
COVERAGE = ("asked for", "where", "note")
LATER = re.compile(r"later(, beside (`[^`]+`(, | and )?)+)?")


def coverage_rows(text: str) -> list[list[str]]:
    """The rows of the coverage tables: requirement, place, note."""
    return [row for rows in tables(text) if rows[0] == list(COVERAGE) for row in rows[1:]]


def unplaced(text: str) -> list[str]:
    """The requirements whose place is neither made of names in our files nor later; later, the note says what lacks."""
    return [requirement for requirement, where, note in coverage_rows(text)
            if (not note.startswith("lacks ") if LATER.fullmatch(where)
                else not names(where) or set(spans(where)) != set(names(where)))]


@pytest.mark.parametrize("page", PAGES)
def test_every_name_exists(page: str) -> None:
    """Every file that is named exists, and so does the resource, route, test or key in it."""
    assert [reason for name in names(PAGES[page]) if (reason := missing_reason(name))] == []


@pytest.mark.parametrize("name", [
    "infra/nothing.yaml", "template.yaml::PredictionFunction", "infra/network.yaml::Rules",
    "tests/infra/test_network.py::test_nothing", "api/openapi.yaml::/guess", "samconfig.toml::test",
    "statemachine/diagnose.asl.json::Guess", ".github/workflows/deploy.yml::publish", "Makefile::deploy"])
def test_a_wrong_name_is_found(name: str) -> None:
    """For each kind of file, a name that it does not have is reported."""
    (planted,) = names(f"| the whole | `{name}` | planted |")
    assert missing_reason(planted)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/cost.md"])
def test_no_cell_is_empty(page: str) -> None:
    """Every row has all cells of its table, except headings inside a table; an amount of costs may lack a note."""
    assert not [row for rows in tables(PAGES[page]) for row in rows[1:] if has_empty_cell(row)]


def has_empty_cell(row: list[str]) -> bool:
    """Whether a row lacks a cell. A heading inside a table has one cell in bold and no other."""
    heading = row[0].startswith("**") and not any(row[1:])
    return not heading and any(cell in ("", "-", "–", "—", "?", "TODO", "none yet") for cell in row)


def test_every_requirement_has_its_place() -> None:
    """A requirement names files of ours; one that is left for later says what it lacks."""
    assert coverage_rows(PAGES["docs/coverage.md"]) and unplaced(PAGES["docs/coverage.md"]) == []


def test_a_requirement_without_a_place_is_found() -> None:
    """Words alone, a name beside other words in backticks, an empty cell, and a later one that lacks nothing."""
    head = "| asked for | where | note |\n|---|---|---|\n"
    for where in ("somewhere", "`template.yaml` and `a lot`", "soon", "later", "later, beside `template.yaml`"):
        assert unplaced(f"{head}| the moon | {where} | note |\n") == ["the moon"]
    for where in ("later", "later, beside `template.yaml` and `Makefile::docs`"):
        assert unplaced(f"{head}| the moon | {where} | lacks a rocket |\n") == []
    assert has_empty_cell(["the moon", "`template.yaml`", ""]) and has_empty_cell(["the moon", "–", "note"])
    assert not has_empty_cell(["**Heading**", "", ""])


def test_every_replacement_and_every_step_names_a_file() -> None:
    """What there is instead of what was asked for, and what does a step of document B, is in a file of ours."""
    replaced = table(PAGES["docs/coverage.md"], "asked for", "instead", "reason")
    steps = table(PAGES["docs/aws.md"], "step", "done by", "what is left for you")
    assert replaced and steps
    assert not [row[0] for row in [*replaced, *steps] if not names(row[1])]


def alarms(path: Path) -> set[str]:
    """The alarms of a template."""
    return {name for name, resource in load_yaml(path)["Resources"].items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"}


def test_every_alarm_that_stops_a_roll_out_is_named() -> None:
    """They are not in the table of alarms, which is made of infra/observability.yaml."""
    others = {f"{path.relative_to(ROOT).as_posix()}::{name}" for path in (ROOT / "infra").glob("*.yaml")
              if path.name != "observability.yaml" for name in alarms(path)}
    assert others and others <= set(names(PAGES["docs/aws.md"]))


def test_every_widget_is_documented() -> None:
    """The table has the titles of the dashboard's widgets, in order."""
    titles = re.findall(r'"title": "([^"]+)"', (ROOT / "infra/dashboard.yaml").read_text("utf-8"))
    assert [row[0] for row in table(PAGES["docs/aws.md"], "widget", "what it tells")] == titles


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str) -> None:
    """Targets of make, commands of sam and shotwise, scripts, and operations of AWS with their options."""
    assert command_flaws(PAGES[page]) == []


@pytest.mark.parametrize("command", [
    "make deploy", ".venv/bin/sam ship", ".venv/bin/shotwise guess", "python local/nothing.py",
    "python -m local.nothing", "aws cloudformation describe-stack --stack-name a",
    "aws moon list-stacks", "aws lambda update-alias --function a --name live"])
def test_a_wrong_command_is_found(command: str) -> None:
    """For each kind, a command that does not exist is reported, in a block and in a line."""
    assert len(command_flaws(f"Do this:\n\n    {command}\n")) == 1
    assert len(command_flaws(f"Do `{command}` now.")) == 1


def test_both_readmes_say_what_is_not_emulated() -> None:
    """They have the line that `make run` prints, word for word."""
    for name in ("README.md", "README.ko.md"):
        assert f"shotwise: not emulated here: {NOT_EMULATED}; logs under" in PAGES[name], name
