"""Resolve a template as CloudFormation would, nested stacks included.

Parameters and rules are checked, conditions and functions evaluated. Whatever raises TemplateError here, CloudFormation
would refuse before it creates anything.
"""

from __future__ import annotations

import graphlib
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation import placeholders
from shotwise_tools.cloudformation.intrinsics import NO_VALUE, TemplateError, evaluate, evaluate_condition
from shotwise_tools.cloudformation.parameters import check_rules, resolve_parameters

ROOT = Path(__file__).parents[3]
NESTED_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Stack:
    """A resolved stack.

    Attributes
    ----------
    name : str
        The stack's name; that of a nested stack is its parent's name and its own logical id.
    parameters : dict
        Parameter → text, or list of texts.
    conditions : dict of str to bool
        Condition → whether it is true.
    resources : dict
        Logical id → evaluated resource. Resources with a false condition are left out.
    outputs : dict
        Output → value.
    nested : dict of str to Stack
        Logical id → nested stack.
    """

    name: str
    parameters: dict[str, Any]
    conditions: dict[str, bool]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    nested: dict[str, Stack] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return logical id → properties of this stack's resources of a type."""
        return {name: resource.get("Properties", {}) for name, resource in self.resources.items()
                if resource["Type"] == kind}

    def stacks(self) -> Iterator[Stack]:
        """Iterate over this stack and all nested stacks below it."""
        yield self
        for nested in self.nested.values():
            yield from nested.stacks()

    def all_of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return STACK.LOGICAL_ID → properties of the resources of a type, in this stack and all below it."""
        return {f"{stack.name}.{name}": properties for stack in self.stacks()
                for name, properties in stack.of_type(kind).items()}


def resolve(template: dict[str, Any], overrides: dict[str, str], name: str = "shotwise",
            folder: Path = ROOT) -> Stack:
    """Resolve a template into the stack that it would create.

    Parameters
    ----------
    template : dict
        The template; SAM's resources are evaluated but not expanded.
    overrides : dict of str to str
        Parameter → value; other parameters have their defaults.
    name : str
        The stack's name.
    folder : Path
        The folder that the TemplateURLs of nested stacks are relative to.

    Raises
    ------
    TemplateError
        If CloudFormation would refuse the template or its parameters.
    """
    return _Resolution(template, overrides, name, folder).stack()


def resolve_file(path: Path, overrides: dict[str, str], name: str = "shotwise") -> Stack:
    """Resolve the template in a file, as `resolve` does."""
    return resolve(load_yaml(path), overrides, name, path.parent)


def scenario_parameters(scenario: str, path: Path = ROOT / "samconfig.toml") -> dict[str, str]:
    """Return the parameters that `sam deploy --config-env SCENARIO` passes.

    A file that `parameter_overrides` names, with the parameters of one account, is read if it exists. Raises KeyError
    if samconfig.toml has no such scenario.
    """
    config = tomllib.loads(path.read_text("utf-8"))
    if "deploy" not in config.get(scenario, {}):
        raise KeyError(f"{path.name} has no scenario {scenario}")
    return _parse_overrides(config[scenario]["deploy"]["parameters"].get("parameter_overrides", []), path.parent)


def scenarios(path: Path = ROOT / "samconfig.toml") -> list[str]:
    """List the scenarios of samconfig.toml; SAM's own section `default` is not one."""
    config = tomllib.loads(path.read_text("utf-8"))
    return [name for name, section in config.items()
            if isinstance(section, dict) and "deploy" in section and name != "default"]


def _parse_overrides(entries: Any, folder: Path) -> dict[str, str]:
    overrides: dict[str, str] = {}
    for entry in entries.split() if isinstance(entries, str) else entries:
        if isinstance(entry, dict):
            overrides |= {name: ",".join(setting) if isinstance(setting, list) else str(setting)
                          for name, setting in entry.items()}
        elif entry.startswith("file://"):
            path = folder / entry.removeprefix("file://")
            overrides |= _parse_overrides([load_yaml(path)], path.parent) if path.is_file() else {}
        else:
            name, _, setting = entry.partition("=")
            overrides[name] = setting.strip("\"'")
    return overrides


class _Resolution:
    """The resolution of one template: the scope of its functions, which records dependencies between resources.

    Attributes
    ----------
    dependencies : dict of str to set of str
        Resource → resources that it refers to.
    current : list of str
        Resources that are being evaluated, the innermost last.
    """

    def __init__(self, template: dict[str, Any], overrides: dict[str, str], name: str, folder: Path) -> None:
        self.template, self.name, self.folder = template, name, folder
        self.resources: dict[str, Any] = template.get("Resources", {})
        self.parameters = resolve_parameters(template, overrides)
        check_rules(template, self.parameters)
        self.conditions: dict[str, bool] = {}
        self.nested: dict[str, Stack] = {}
        self.dependencies: dict[str, set[str]] = {}
        self.current: list[str] = []

    def stack(self) -> Stack:
        """Evaluate the whole template."""
        for name in self.template.get("Conditions", {}):
            self.condition(name)
        resources = {name: self.resource(name) for name in self.resources if self.exists(name)}
        try:
            graphlib.TopologicalSorter(self.dependencies).prepare()
        except graphlib.CycleError as error:
            raise TemplateError(f"Circular dependency between resources: {error.args[1]}") from None
        outputs = {}
        for name, output in self.template.get("Outputs", {}).items():
            if "Condition" not in output or self.condition(output["Condition"]):
                outputs[name] = evaluate(output["Value"], self)
                if not isinstance(outputs[name], str | int | float):
                    raise TemplateError(f"output {name} must be a string, not {outputs[name]}")
        return Stack(self.name, self.parameters, self.conditions, resources, outputs, self.nested)

    def resource(self, name: str) -> dict[str, Any]:
        """Evaluate a resource; a nested stack with everything in it."""
        with self.evaluating(name):
            depends_on = self.resources[name].get("DependsOn", [])
            for other in [depends_on] if isinstance(depends_on, str) else depends_on:
                self.note_dependency(self.owner(other)[0])
            resource: dict[str, Any] = evaluate(self.resources[name], self)
        if resource["Type"] == NESTED_STACK:
            self.nested_stack(name)
        return resource

    @contextmanager
    def evaluating(self, name: str) -> Iterator[None]:
        """Context in which a resource is evaluated: references are recorded as its own, and errors name it."""
        self.current.append(name)
        try:
            yield
        except TemplateError as error:
            raise error.inside(name) from None
        finally:
            self.current.pop()

    def exists(self, name: str) -> bool:
        """Whether a resource would be created, because it has no condition or a true one."""
        condition = self.resources[name].get("Condition")
        return condition is None or self.condition(condition)

    def note_dependency(self, name: str) -> None:
        """Record that the resource being evaluated refers to `name`."""
        if self.current:
            self.dependencies.setdefault(self.current[-1], set()).add(name)

    def nested_stack(self, name: str) -> Stack:
        """A nested stack; resolved at the first call."""
        if name not in self.nested:
            properties = self.resources[name]["Properties"]
            path = self.folder / properties["TemplateURL"]
            with self.evaluating(name):
                overrides = {parameter: _parameter_text(argument) for parameter, argument in
                             evaluate(properties.get("Parameters", {}), self).items()}
                self.nested[name] = resolve(load_yaml(path), overrides, f"{self.name}-{name}", path.parent)
        return self.nested[name]

    def condition(self, name: str) -> bool:
        """Whether a condition is true; evaluated at the first call."""
        if name not in self.conditions:
            if name not in self.template.get("Conditions", {}):
                raise TemplateError(f"there is no condition {name}")
            self.conditions[name] = evaluate_condition(self.template["Conditions"][name], self)
        return self.conditions[name]

    def mapping(self, name: str, first: str, second: str) -> Any:
        """An entry of a mapping."""
        try:
            return self.template["Mappings"][name][first][second]
        except KeyError:
            raise TemplateError(f"the mapping {name} has no {first}.{second}") from None

    def reference(self, name: str) -> Any:
        """A parameter, a pseudo parameter, or the placeholder of a resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        if name.startswith("AWS::"):
            of_this_stack = {"AWS::StackName": self.name,
                             "AWS::StackId": placeholders.ARNS[NESTED_STACK](self.name, None)}
            return {**placeholders.PSEUDO_PARAMETERS, **of_this_stack}[name]
        return placeholders.ref_value(*self.referenced(name))

    def attribute(self, name: str, attribute: str) -> Any:
        """The placeholder of a resource's attribute; the output of a nested stack."""
        kind, generated, prop = self.referenced(name)
        if kind != NESTED_STACK:
            return placeholders.attribute_value(kind, generated, attribute, prop)
        output = attribute.removeprefix("Outputs.")
        outputs = self.nested_stack(name).outputs
        if output not in outputs:
            raise TemplateError(f"the stack {name} has no output {output} here; it has {', '.join(outputs) or 'none'}")
        return outputs[output]

    def owner(self, name: str) -> tuple[str, str]:
        """Split a name into a resource of the template and the suffix of what SAM creates beside it, if any.

        For a resource Function, SAM creates FunctionAliaslive, Function.Alias, FunctionUrl and others.
        """
        if name in self.resources:
            return name, ""
        for base, resource in self.resources.items():
            if name.startswith(base) and resource["Type"].startswith("AWS::Serverless::"):
                return base, name.removeprefix(base)
        raise TemplateError(f"there is no parameter or resource {name}")

    def referenced(self, name: str) -> tuple[str, str, Callable[[str], Any]]:
        """(type, generated name, function that evaluates a property) of a resource; records the dependency."""
        base, suffix = self.owner(name)
        if not self.exists(base):
            raise TemplateError(f"{name} does not exist, because {self.resources[base]['Condition']} is false")
        self.note_dependency(base)
        return self.resources[base]["Type"] + suffix, f"{self.name}-{base}{suffix}", partial(self.property, base)

    def property(self, resource: str, name: str) -> Any:
        """Evaluate one property of a resource; None if it is not set."""
        setting = self.resources[resource].get("Properties", {}).get(name)
        evaluated = evaluate(setting, self) if setting is not None else None
        return None if evaluated is NO_VALUE else evaluated


def _parameter_text(argument: Any) -> Any:
    """A nested stack's parameter as CloudFormation passes it, as a string; a list is unchanged and refused there."""
    if isinstance(argument, bool):
        return "true" if argument else "false"
    return str(argument) if isinstance(argument, int | float) else argument
