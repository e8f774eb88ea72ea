"""Check the parameters of a deployment against a template's constraints and rules."""

from __future__ import annotations

import re
from typing import Any

from shotwise_tools.cloudformation.intrinsics import TemplateError, evaluate, evaluate_condition


def resolve_parameters(template: dict[str, Any], overrides: dict[str, str]) -> dict[str, Any]:
    """Resolve every parameter of a template: an override if there is one, else the default.

    Returns
    -------
    dict of str to str or list of str
        Parameter → its text; a list of texts for list types.

    Raises
    ------
    TemplateError
        If a parameter violates a constraint or has neither override nor default, or if an override is for a parameter
        that the template does not declare.
    """
    declarations = template.get("Parameters", {})
    if undeclared := sorted(set(overrides) - set(declarations)):
        raise TemplateError(f"Parameters: [{', '.join(undeclared)}] do not exist in the template")
    if missing := sorted(name for name, declaration in declarations.items()
                         if name not in overrides and "Default" not in declaration):
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, override in overrides.items():
        if not isinstance(override, str):
            raise TemplateError(f"Parameter {name} must be a string, not {override}")
    return {name: _parse(name, declaration, str(overrides.get(name, declaration.get("Default"))))
            for name, declaration in declarations.items()}


def _parse(name: str, declaration: dict[str, Any], text: str) -> str | list[str]:
    kind = declaration["Type"]
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    # In CloudFormation an empty list has one empty member, and the constraints apply to it.
    members = [member.strip() for member in text.split(",")] if is_list else [text]
    is_aws_type = kind.startswith(("AWS::", "List<AWS::")) and not kind.startswith("AWS::SSM::Parameter::")
    for member in members:
        if kind in ("Number", "List<Number>") and not _is_number(member):
            raise TemplateError(f"Parameter {name} must be a number, not '{member}'")
        if is_aws_type and not member:
            raise TemplateError(f"Parameter {name} is of type {kind}, which must not be empty")
        if not _satisfies_constraints(member, declaration):
            reason = declaration.get("ConstraintDescription", "no description is given")
            raise TemplateError(f"Parameter {name} failed to satisfy constraint: {reason}")
    return members if is_list else text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _satisfies_constraints(text: str, declaration: dict[str, Any]) -> bool:
    if "AllowedValues" in declaration and text not in [str(allowed) for allowed in declaration["AllowedValues"]]:
        return False
    if "AllowedPattern" in declaration and re.fullmatch(declaration["AllowedPattern"], text) is None:
        return False
    if not int(declaration.get("MinLength", 0)) <= len(text) <= int(declaration.get("MaxLength", len(text))):
        return False
    if "MinValue" in declaration or "MaxValue" in declaration:
        number = float(text)
        return float(declaration.get("MinValue", number)) <= number <= float(declaration.get("MaxValue", number))
    return True


class _RuleScope:
    """The scope of a rule, which can refer to parameters only."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters

    def reference(self, name: str) -> Any:
        if name not in self.parameters:
            raise TemplateError(f"a rule refers to {name}, which is not a parameter")
        return self.parameters[name]

    def attribute(self, name: str, attribute: str) -> Any:
        raise TemplateError(f"a rule refers to {name}.{attribute}, but rules cannot refer to resources")

    def condition(self, name: str) -> bool:
        raise TemplateError(f"a rule refers to the condition {name}, but rules cannot refer to conditions")

    def mapping(self, name: str, first: str, second: str) -> Any:
        raise TemplateError(f"a rule refers to the mapping {name}, but rules cannot refer to mappings")


def check_rules(template: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Check the rules of a template that have no condition or a true one.

    Raises TemplateError with the descriptions of all assertions that fail.
    """
    scope = _RuleScope(parameters)
    failures = []
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not evaluate_condition(rule["RuleCondition"], scope):
            continue
        failures += [str(evaluate(assertion.get("AssertDescription", f"the rule {name}"), scope))
                     for assertion in rule["Assertions"] if not evaluate_condition(assertion["Assert"], scope)]
    if failures:
        raise TemplateError("; ".join(failures))
