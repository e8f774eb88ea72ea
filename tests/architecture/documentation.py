"""Parse a page into tables, names and commands, and check that names and commands exist."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from botocore import xform_name

from shotwise_local.template import load_yaml

ROOT = Path(__file__).parents[2]
SPAN = re.compile(r"`([^`\n]+)`")
NAMED = re.compile(r"(?:[\w./*-]+\.\w+|Makefile)::\S+")
TOPS = "|".join(sorted(re.escape(path.name) for path in ROOT.iterdir() if not path.name.startswith(".venv")))
PATH = re.compile(rf"(?:{TOPS})(?:/[\w./*-]+)?")
CFN_PARTS = ("Parameters", "Rules", "Conditions", "Resources", "Outputs")

# Commands of the AWS CLI that are not an operation of a service: their options are the CLI's own.
AWS_OWN = {"cloudformation deploy", "ecr get-login-password", "logs tail", "s3 cp", "s3 rb"}
AWS_SERVICES = {"deploy": "codedeploy", "s3api": "s3"}
AWS_OPTIONS = {"query", "output", "region", "profile", "max-items"}


def tables(text: str) -> Iterator[list[list[str]]]:
    """Each table as rows of cells, its header first, without the line below the header."""
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            yield [rows[0], *rows[2:]]
            rows = []


def table(text: str, *header: str) -> list[list[str]]:
    """The rows of the one table with this header. Raises ValueError where there is none, or more than one."""
    (matching,) = [rows[1:] for rows in tables(text) if rows[0] == list(header)]
    return matching


def spans(text: str) -> list[str]:
    """The texts between backticks."""
    return SPAN.findall(text)


def names(text: str) -> list[str]:
    """The spans that name a file of ours, or a part of one as `file::Name`."""
    return [span for span in spans(text) if NAMED.fullmatch(span) or PATH.fullmatch(span)]


def missing_reason(name: str) -> str | None:
    """Why a name does not exist, or None."""
    path, _, part = name.partition("::")
    files = sorted(ROOT.glob(path)) if "*" in path else [ROOT / path]
    if not files or not all(file.exists() for file in files):
        return f"{name}: there is no {path}"
    if part and part not in parts_of(files[0]):
        return f"{name}: {path} holds no {part}"
    return None


def parts_of(path: Path) -> set[str]:
    """The names that may follow `::` for a file."""
    if path.suffix == ".py":
        tree = ast.parse(path.read_text("utf-8"))
        return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if path.name == "Makefile":
        return targets()
    if path.suffix == ".toml":
        return set(re.findall(r"^\[(\w+)", path.read_text("utf-8"), re.M)) | \
            set(re.findall(r"^(\w+) = ", path.read_text("utf-8"), re.M))
    if path.suffix == ".json":
        return set(json.loads(path.read_text("utf-8"))["States"])
    if ".github" in path.parts:
        return set(yaml.safe_load(path.read_text("utf-8"))["jobs"])
    return _parts_of_yaml(load_yaml(path))


def _parts_of_yaml(content: dict[str, Any]) -> set[str]:
    """The parameters, rules, resources and so on of a template; the routes, schemas and extensions of the API."""
    if "openapi" in content:
        components = content["components"]
        return {*content, *content["paths"], *components["schemas"], *components["securitySchemes"]}
    return {name for section in CFN_PARTS for name in content.get(section, {})}


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def code(text: str) -> str:
    """The code in a page: indented lines with continuations joined, and spans, also over the ends of lines."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    lines = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    parts = re.split(r"\n\s*\n|\n(?=[|-])", text)
    spans_of_text = [span for part in parts if not part.startswith("    ") for span in spans(part.replace("\n", " "))]
    return "\n".join([re.sub(r"\\\n\s*", " ", lines), *spans_of_text])


def command_flaws(text: str) -> list[str]:
    """The commands of a page that do not exist: of make, sam, shotwise, python and aws."""
    commands = code(text)
    flaws = [f"make {name}" for name in re.findall(r"\bmake ([a-z][a-z-]*)", commands) if name not in targets()]
    sam = {"validate", "build", "deploy", "delete", "local"}
    flaws += [f"sam {name}" for name in re.findall(r"\bsam ([a-z]+)", commands) if name not in sam]
    flaws += [f"shotwise {name}" for name in re.findall(r"(?:bin/|`)shotwise ([a-z-]+)", commands)
              if name not in _shotwise_commands()]
    flaws += [f"python {name}" for name in re.findall(r"\bpython ((?:[a-z_]+/)+\w+\.py)", commands)
              if not (ROOT / name).exists()]
    for module in re.findall(r"\bpython -m ([\w.]+)", commands):
        paths = [top / module.replace(".", "/") for top in (ROOT, ROOT / "src")]
        ours = any(path.is_dir() or path.with_suffix(".py").exists() for path in paths)
        flaws += [] if ours or find_spec(module.partition(".")[0]) else [f"python -m {module}"]
    for service, operation, rest in re.findall(r"\baws ([a-z0-9-]+) ([a-z][a-z-]+)([^|;)\n]*)", commands):
        flaws += _aws_flaws(service, operation, rest)
    return flaws


def _shotwise_commands() -> set[str]:
    return {name for path in (ROOT / "src/shotwise_cli").glob("*.py")
            for name in re.findall(r'add_parser\(\s*"([a-z-]+)"', path.read_text("utf-8"))}


def _aws_flaws(service: str, operation: str, rest: str) -> list[str]:
    """Report an operation that the service does not have, or options that its input does not have."""
    if f"{service} {operation}" in AWS_OWN:
        return []
    try:
        model = botocore.session.get_session().get_service_model(AWS_SERVICES.get(service, service))
    except botocore.exceptions.UnknownServiceError:
        return [f"aws {service}"]
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        return [f"aws {service} {operation}"]
    options = {xform_name(name, "-") for name in model.operation_model(operations[operation]).input_shape.members}
    return [f"aws {service} {operation} --{option}" for option in re.findall(r"(?<!\S)--([a-z-]+)", rest)
            if option.removeprefix("no-") not in options | AWS_OPTIONS]
