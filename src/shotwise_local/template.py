"""Read from template.yaml the functions and the state machine, by their logical ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# libyaml's loader is ten times as fast; the wheels of PyYAML include it.
PlainLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(PlainLoader):  # type: ignore[misc]  # which of the two is known only at run time
    """Loads YAML, with CloudFormation's short forms expanded: `!Ref X` → {"Ref": "X"}."""


def _short_form(loader: yaml.Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    key = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {key: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {key: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Template:
    """The parts of template.yaml that the emulator needs.

    Attributes
    ----------
    functions : dict of str to Path
        Logical id of a function → the file with its `handler`.
    apps : dict of str to Path
        Logical id of a function that streams → the file with its ASGI `app`.
    definition : Path
        The ASL file of the state machine.
    substitutions : dict of str to str
        Placeholder in the ASL file → logical id of the function.
    """

    functions: dict[str, Path]
    apps: dict[str, Path]
    definition: Path
    substitutions: dict[str, str]


def load_yaml(path: Path) -> dict[str, Any]:
    """Return a CloudFormation file as plain data."""
    content: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)
    return content


def read_template(path: Path) -> Template:
    """Read template.yaml. Raises StopIteration if it has no state machine."""
    resources = load_yaml(path)["Resources"]
    files = {name: path.parent / resource["Properties"]["CodeUri"] / "app.py"
             for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"}
    apps = {name: file for name, file in files.items() if "Handler" in resources[name]["Properties"]}
    functions = {name: file for name, file in files.items() if name not in apps}
    machine = next(resource["Properties"] for resource in resources.values()
                   if resource["Type"] == "AWS::Serverless::StateMachine")
    substitutions = {name: value["Ref"].removesuffix(".Alias")
                     for name, value in machine["DefinitionSubstitutions"].items()}
    return Template(functions, apps, path.parent / machine["DefinitionUri"], substitutions)
