"""What CloudFormation would make of a template: parameters and rules checked, conditions decided, functions evaluated,
nested stacks included. What is refused here is refused there, before anything is made."""

from __future__ import annotations

import graphlib
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation import placeholders
from shotwise_tools.cloudformation.intrinsics import NO_VALUE, TemplateError, evaluate, holds
from shotwise_tools.cloudformation.parameters import check_parameters, check_rules

ROOT = Path(__file__).parents[3]
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Stack:
    """A resolved stack. parameters: every one, lists as lists. resources: logical id → the resource, only those that
    there are. nested: logical id → the nested stack."""

    name: str
    parameters: dict[str, Any]
    conditions: dict[str, bool]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    nested: dict[str, Stack] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id → properties of this stack's resources of a type."""
        return {name: resource.get("Properties", {}) for name, resource in self.resources.items()
                if resource["Type"] == kind}

    def stacks(self) -> Iterator[Stack]:
        """This stack and all below."""
        yield self
        for one in self.nested.values():
            yield from one.stacks()

    def everywhere(self, kind: str) -> dict[str, dict[str, Any]]:
        """Stack.LogicalId → properties of the resources of a type, of this stack and all below."""
        return {f"{stack.name}.{name}": properties for stack in self.stacks()
                for name, properties in stack.of_type(kind).items()}


def resolve(template: dict[str, Any], given: dict[str, str], name: str = "shotwise", folder: Path = ROOT) -> Stack:
    """The stack that a template gives for these parameters. folder: where local TemplateURLs start.

    Raises TemplateError with the reason, where CloudFormation would refuse it."""
    return _Resolution(template, given, name, folder).stack()


def resolve_file(path: Path, given: dict[str, str], name: str = "shotwise") -> Stack:
    """The same of a file; SAM's resources stay what they are."""
    return resolve(load_yaml(path), given, name, path.parent)


def scenario_parameters(scenario: str, path: Path = ROOT / "samconfig.toml") -> dict[str, str]:
    """What `sam deploy --config-env SCENARIO` gives: its parameter_overrides; a file that they name is read where there
    is one (it holds what belongs to one account)."""
    config = tomllib.loads(path.read_text("utf-8"))
    if "deploy" not in config.get(scenario, {}):
        raise KeyError(f"{path.name} has no scenario {scenario}")
    return _overrides(config[scenario]["deploy"]["parameters"].get("parameter_overrides", []), path.parent)


def scenarios(path: Path = ROOT / "samconfig.toml") -> list[str]:
    """The names under which samconfig.toml deploys, but SAM's own `default`."""
    config = tomllib.loads(path.read_text("utf-8"))
    return [name for name, one in config.items() if isinstance(one, dict) and "deploy" in one and name != "default"]


def _overrides(entries: Any, folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries.split() if isinstance(entries, str) else entries:
        if isinstance(entry, dict):
            found |= {key: ",".join(one) if isinstance(one, list) else str(one) for key, one in entry.items()}
        elif entry.startswith("file://"):
            path = folder / entry.removeprefix("file://")
            found |= _overrides([load_yaml(path)], path.parent) if path.is_file() else {}
        else:
            key, _, value = entry.partition("=")
            found[key] = value.strip("\"'")
    return found


class _Resolution:
    """Names looked up while a template is evaluated; which resource asked for which is noted on the way."""

    def __init__(self, template: dict[str, Any], given: dict[str, str], name: str, folder: Path) -> None:
        self.template, self.name, self.folder = template, name, folder
        self.resources: dict[str, Any] = template.get("Resources", {})
        self.parameters = check_parameters(template, given)
        check_rules(template, self.parameters)
        self.conditions: dict[str, bool] = {}
        self.nested: dict[str, Stack] = {}
        self.asked: dict[str, set[str]] = {}
        self.asking: list[str] = []

    def stack(self) -> Stack:
        """Everything that there is, evaluated."""
        for name in self.template.get("Conditions", {}):
            self.condition(name)
        there = {name: self.resource(name) for name in self.resources if self.exists(name)}
        try:
            graphlib.TopologicalSorter(self.asked).prepare()
        except graphlib.CycleError as error:
            raise TemplateError(f"Circular dependency between resources: {error.args[1]}") from None
        outputs = {}
        for name, output in self.template.get("Outputs", {}).items():
            if "Condition" not in output or self.condition(output["Condition"]):
                outputs[name] = evaluate(output["Value"], self)
                if not isinstance(outputs[name], str | int | float):
                    raise TemplateError(f"output {name} must be a string, and is {outputs[name]}")
        return Stack(self.name, self.parameters, self.conditions, there, outputs, self.nested)

    def resource(self, name: str) -> dict[str, Any]:
        """One resource, evaluated; a nested stack with all that is in it."""
        with self.asks(name):
            waits = self.resources[name].get("DependsOn", [])
            for other in [waits] if isinstance(waits, str) else waits:
                self.note(self.owner(other)[0])
            found: dict[str, Any] = evaluate(self.resources[name], self)
        if found["Type"] == NESTED:
            self.nested_stack(name)
        return found

    @contextmanager
    def asks(self, name: str) -> Iterator[None]:
        """While a resource is evaluated: what it asks for is noted, and what is refused names it."""
        self.asking.append(name)
        try:
            yield
        except TemplateError as refused:
            raise refused.inside(name) from None
        finally:
            self.asking.pop()

    def exists(self, name: str) -> bool:
        """Whether a resource is there: it has no condition, or a true one."""
        condition = self.resources[name].get("Condition")
        return condition is None or self.condition(condition)

    def note(self, name: str) -> None:
        """Note that the resource being evaluated needs `name`."""
        if self.asking:
            self.asked.setdefault(self.asking[-1], set()).add(name)

    def nested_stack(self, name: str) -> Stack:
        """A nested stack, resolved once."""
        if name not in self.nested:
            properties = self.resources[name]["Properties"]
            path = self.folder / properties["TemplateURL"]
            with self.asks(name):
                given = evaluate(properties.get("Parameters", {}), self)
                self.nested[name] = resolve(load_yaml(path), {key: _scalar(one) for key, one in given.items()},
                                            f"{self.name}-{name}", path.parent)
        return self.nested[name]

    def condition(self, name: str) -> bool:
        """Whether a condition holds; decided once."""
        if name not in self.conditions:
            if name not in self.template.get("Conditions", {}):
                raise TemplateError(f"there is no condition {name}")
            self.conditions[name] = holds(self.template["Conditions"][name], self)
        return self.conditions[name]

    def mapping(self, name: str, first: str, second: str) -> Any:
        """A value of a mapping."""
        try:
            return self.template["Mappings"][name][first][second]
        except KeyError:
            raise TemplateError(f"the mapping {name} has no {first}.{second}") from None

    def reference(self, name: str) -> Any:
        """A parameter, a pseudo parameter, or what stands for a resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        if name.startswith("AWS::"):
            own = {"AWS::StackName": self.name, "AWS::StackId": placeholders.ARNS[NESTED](self.name, None)}
            return {**placeholders.PSEUDO, **own}[name]
        return placeholders.reference(*self.known(name))

    def attribute(self, name: str, attribute: str) -> Any:
        """An attribute of a resource; a nested stack's output."""
        kind, made, of = self.known(name)
        if kind != NESTED:
            return placeholders.attribute(kind, made, attribute, of)
        output = attribute.removeprefix("Outputs.")
        outputs = self.nested_stack(name).outputs
        if output not in outputs:
            raise TemplateError(f"the stack {name} has no output {output} here; it has {', '.join(outputs) or 'none'}")
        return outputs[output]

    def owner(self, name: str) -> tuple[str, str]:
        """(resource, rest of the name): SAM makes FunctionAliaslive, Function.Alias, FunctionUrl … beside Function."""
        if name in self.resources:
            return name, ""
        for base, resource in self.resources.items():
            if name.startswith(base) and resource["Type"].startswith("AWS::Serverless::"):
                return base, name.removeprefix(base)
        raise TemplateError(f"there is no parameter or resource {name}")

    def known(self, name: str) -> tuple[str, str, Any]:
        """(type, made name, how to evaluate a property) of a resource that there is."""
        base, part = self.owner(name)
        if not self.exists(base):
            raise TemplateError(f"{name} is not there, because {self.resources[base]['Condition']} does not hold")
        self.note(base)
        return self.resources[base]["Type"] + part, f"{self.name}-{base}{part}", partial(self.property, base)

    def property(self, resource: str, name: str) -> Any:
        """One property of a resource, evaluated; None where it is not given."""
        value = self.resources[resource].get("Properties", {}).get(name)
        found = evaluate(value, self) if value is not None else None
        return None if found is NO_VALUE else found


def _scalar(value: Any) -> Any:
    """A nested stack's parameter as CloudFormation hands it on: a string; a list is refused there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
