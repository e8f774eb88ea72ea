"""A template's parameters and rules, held against the values that a deployment gives."""

from __future__ import annotations

import re
from typing import Any

from shotwise_tools.cloudformation.intrinsics import TemplateError, evaluate, holds


def check_parameters(template: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """The value of every parameter, lists as lists; a given value first, else the default.

    TemplateError where a value breaks a constraint, is missing, or is given for a parameter that there is not."""
    declared = template.get("Parameters", {})
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := sorted(name for name, one in declared.items() if name not in given and "Default" not in one):
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in given.items():
        if not isinstance(value, str):
            raise TemplateError(f"Parameter {name} must be a string, and is {value}")
    return {name: _value(name, one, str(given.get(name, one.get("Default")))) for name, one in declared.items()}


def _value(name: str, declared: dict[str, Any], text: str) -> Any:
    kind = declared["Type"]
    listed = kind == "CommaDelimitedList" or kind.startswith("List<")
    # An empty list is one empty item for CloudFormation, and is held against the constraints as that.
    items = [one.strip() for one in text.split(",")] if listed else [text]
    of_aws = kind.startswith(("AWS::", "List<AWS::")) and not kind.startswith("AWS::SSM::Parameter::")
    for item in items:
        if kind in ("Number", "List<Number>") and not _is_number(item):
            raise TemplateError(f"Parameter {name} must be a number, and is '{item}'")
        if of_aws and not item:
            raise TemplateError(f"Parameter {name} is of type {kind}, which is never empty")
        if not _allowed(item, declared):
            said = declared.get("ConstraintDescription", "it breaks a constraint that nothing describes")
            raise TemplateError(f"Parameter {name} failed to satisfy constraint: {said}")
    return items if listed else text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _allowed(text: str, declared: dict[str, Any]) -> bool:
    if "AllowedValues" in declared and text not in [str(one) for one in declared["AllowedValues"]]:
        return False
    if "AllowedPattern" in declared and re.fullmatch(declared["AllowedPattern"], text) is None:
        return False
    if not int(declared.get("MinLength", 0)) <= len(text) <= int(declared.get("MaxLength", len(text))):
        return False
    if "MinValue" in declared or "MaxValue" in declared:
        number = float(text)
        return float(declared.get("MinValue", number)) <= number <= float(declared.get("MaxValue", number))
    return True


class _Given:
    """In a rule only parameters have a value."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def reference(self, name: str) -> Any:
        if name not in self.values:
            raise TemplateError(f"a rule refers to {name}, which is no parameter")
        return self.values[name]

    def attribute(self, name: str, attribute: str) -> Any:
        raise TemplateError(f"a rule asks for {name}.{attribute}, before there is a resource")

    def condition(self, name: str) -> bool:
        raise TemplateError(f"a rule names the condition {name}, which rules cannot")

    def mapping(self, name: str, first: str, second: str) -> Any:
        raise TemplateError(f"a rule looks into the mapping {name}, which rules cannot")


def check_rules(template: dict[str, Any], values: dict[str, Any]) -> None:
    """TemplateError, with all their descriptions, where assertions fail of rules whose condition holds."""
    names = _Given(values)
    failed = []
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], names):
            continue
        failed += [str(evaluate(one.get("AssertDescription", f"the rule {name}"), names))
                   for one in rule["Assertions"] if not holds(one["Assert"], names)]
    if failed:
        raise TemplateError("; ".join(failed))
