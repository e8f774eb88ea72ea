"""The tables of commands, routes, limits, make targets and decisions."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shotwise import limits as limit_values
from shotwise_cli.main import make_parser
from shotwise_local import ROOT
from shotwise_local.template import load_yaml
from shotwise_tools.docs.models import DocsError, Rows

# What a caller can meet; the other sections of limits.py are of models by URL, of the page and of training.
SECTIONS_OF_LIMITS = ("Requests", "Documents", "Answers")
TARGET = re.compile(r"^([a-z-]+):.*?## (.+)$", re.MULTILINE)
STATUS = re.compile(r"^Status: ((?:accepted|superseded (?:in part )?by \[).*?)\n\n", re.MULTILINE | re.DOTALL)


def commands() -> Rows:
    """Make the table of the commands of `shotwise` with their arguments."""
    rows = [["command, argument", "meaning"]]
    for command, parser in _subcommands(make_parser()):
        rows.append([f"**`shotwise {command.dest}`**", f"**{command.help}**"])
        rows += [[f"`{_syntax(action)}`", str(action.help % {"default": action.default}) if action.help else ""]
                 for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    return rows


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.Action, argparse.ArgumentParser]]:
    """Each subcommand, with its help, and its parser. argparse has no public way to these."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action._get_subactions():
                yield command, action.choices[command.dest]


def _syntax(action: argparse.Action) -> str:
    """Show an argument as its help does: `--language {ko,en}`, `FILE`."""
    text = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else action.dest.upper())
    if not action.option_strings:
        return f"[{text} …]" if action.nargs == "*" else str(text)
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {text}"


def routes() -> Rows:
    """Make the table of the routes of api/openapi.yaml, each with the function that answers it."""
    functions = {name: Path(resource["Properties"]["CodeUri"]).name
                 for name, resource in load_yaml(ROOT / "template.yaml")["Resources"].items()
                 if resource["Type"] == "AWS::Serverless::Function"}
    rows = [["route", "what it does", "answered by"]]
    for path, operations in load_yaml(ROOT / "api/openapi.yaml")["paths"].items():
        rows += [[f"`{method.upper()} {path}`", operation["summary"], _answered_by(operation, functions)]
                 for method, operation in operations.items() if method in ("get", "post", "delete")]
    return rows


def _answered_by(operation: dict[str, Any], functions: dict[str, str]) -> str:
    uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    function = re.search(r"\$\{(\w+)Aliaslive\}", uri)
    return f"`{functions[function.group(1)]}`" if function else "the workflow"


def limits() -> Rows:
    """Make the table of the limits that a caller can meet, with the reasons that stand above them."""
    rows, section, reason, last = [["limit", "value", "reason"]], "", "", ""
    for line in (ROOT / "src/shotwise/limits.py").read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"# --- (.+) ---", line):
            section, reason = heading.group(1), ""
            rows += [[f"**{section}**"]] if section in SECTIONS_OF_LIMITS else []
        elif line.startswith("# "):
            reason = f"{reason} {line[2:]}" if last.startswith("# ") and reason else line[2:]
        elif (names := re.match(r"([A-Z][A-Z_, ]+) = ", line)) and section in SECTIONS_OF_LIMITS:
            cells = [", ".join(f"`{name}`" for name in names.group(1).split(", ")),
                     ", ".join(_shown(name, getattr(limit_values, name)) for name in names.group(1).split(", "))]
            if last.startswith("# "):
                rows.append([*cells, reason])
            else:  # under the same comment
                rows[-1][:2] = [f"{earlier}, {cell}" for earlier, cell in zip(rows[-1], cells, strict=False)]
        last = line
    return rows


def _shown(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown("SECONDS", part) for part in value)
    if "BYTES" in name:
        return f"{value // 2**20} MiB" if value % 2**20 == 0 else f"{value // 2**10} KiB" if value % 2**10 == 0 \
            else f"{value} bytes"
    return f"{value:g} s" if "SECONDS" in name else f"{value:,}"


def targets() -> Rows:
    """Make the table of the targets of make, as `make help` lists them."""
    return [["command", "what it does"], *([f"`make {name}`", text] for name, text in
                                           TARGET.findall((ROOT / "Makefile").read_text("utf-8")))]


def decisions() -> Rows:
    """Make the index of docs/decisions."""
    rows = [["number", "decision", "date", "status"]]
    for path in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        rows.append(decision_row(path.name, path.read_text("utf-8")))
    return rows


def decision_row(name: str, text: str) -> list[str]:
    """Make a decision's row of the index. Raises DocsError where it has no title, date or status of the right form."""
    head = re.match(r"# (\d{4}) (.+)\n\n(\d{4}-\d\d-\d\d)\n\n", text)
    status = STATUS.match(text, head.end()) if head else None
    if not head or not status:
        raise DocsError(f"docs/decisions/{name}: begins with '# NNNN title', a date, and 'Status: accepted' or "
                        "'Status: superseded by [NNNN](file)', with empty lines between them")
    return [f"[{head.group(1)}]({name})", head.group(2), head.group(3), " ".join(status.group(1).split())]
