"""Evaluate CloudFormation's intrinsic functions.

References
----------
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from typing import Any, Protocol


class TemplateError(ValueError):
    """CloudFormation would not accept a template or its parameters.

    Parameters
    ----------
    reason : str
        What is wrong.
    path : tuple of str
        Logical ids, from the outermost nested stack to the resource with the error.
    """

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(": ".join(["/".join(path), reason] if path else [reason]))
        self.reason, self.path = reason, path

    def inside(self, logical_id: str) -> TemplateError:
        """The same error, seen from the template that contains the resource `logical_id`."""
        return TemplateError(self.reason, (logical_id, *self.path))


class Scope(Protocol):
    """Looks up the names that a template refers to."""

    def reference(self, name: str) -> Any:
        """The value of Ref: a parameter, a pseudo parameter or a resource."""

    def attribute(self, name: str, attribute: str) -> Any:
        """The value of Fn::GetAtt."""

    def condition(self, name: str) -> bool:
        """Whether a condition is true."""

    def mapping(self, name: str, first: str, second: str) -> Any:
        """The value of Fn::FindInMap."""


NO_VALUE = object()  # the value of Ref AWS::NoValue, which removes its property or list item


def evaluate(node: Any, scope: Scope) -> Any:
    """Evaluate every function in a part of a template, and drop what AWS::NoValue removes.

    Raises TemplateError if a function is unknown, or if CloudFormation would not accept its arguments.
    """
    if isinstance(node, list):
        return [member for member in (evaluate(child, scope) for child in node) if member is not NO_VALUE]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((key, argument),) = node.items()
        if key in FUNCTIONS:
            return FUNCTIONS[key](argument, scope)
        if key == "Fn::Transform":  # a macro, which CloudFormation expands before it evaluates functions
            return node
        if key.startswith("Fn::"):
            raise TemplateError(f"{key} is not allowed here")
    evaluated = {key: evaluate(child, scope) for key, child in node.items()}
    return {key: child for key, child in evaluated.items() if child is not NO_VALUE}


def evaluate_condition(node: Any, scope: Scope) -> bool:
    """Evaluate an entry of Conditions, a rule's condition or an assertion."""
    if not (isinstance(node, dict) and len(node) == 1 and next(iter(node)) in CONDITION_FUNCTIONS):
        raise TemplateError(f"not a condition: {node}")
    ((key, argument),) = node.items()
    return CONDITION_FUNCTIONS[key](argument, scope)


def parse_get_att(argument: Any) -> tuple[str, str]:
    """Split the argument of Fn::GetAtt, in either form, into (resource, attribute)."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if len(parts) != 2:
        raise TemplateError(f"Fn::GetAtt needs a resource and an attribute: {argument}")
    return parts[0], parts[1]


SUB_REFERENCE = re.compile(r"\$\{(!?)\s*([^}\s]*)\s*\}")


def sub_references(argument: Any) -> list[str]:
    """The names that Fn::Sub looks up in the template, as written: X or X.Attribute."""
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    return [name for literal, name in SUB_REFERENCE.findall(text) if not literal and name not in variables]


def _sub(argument: Any, scope: Scope) -> str:
    text, variables = (argument, {}) if isinstance(argument, str) else argument

    def substitute(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in variables:
            return _text(evaluate(variables[name], scope), f"${{{name}}}")
        referenced = scope.attribute(*parse_get_att(name)) if "." in name else scope.reference(name)
        return _text(referenced, f"${{{name}}}")

    return SUB_REFERENCE.sub(substitute, text)


def _text(scalar: Any, where: str) -> str:
    """A scalar as CloudFormation writes it; `where` describes its place for the error."""
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, str | int | float):
        return str(scalar)
    raise TemplateError(f"{where} must be a string, not {scalar if scalar is not NO_VALUE else 'AWS::NoValue'}")


def _list(argument: Any, scope: Scope, where: str) -> list[Any]:
    members = evaluate(argument, scope)
    if not isinstance(members, list):
        raise TemplateError(f"{where} needs a list, not {members}")
    return members


def _join(argument: Any, scope: Scope) -> str:
    delimiter, parts = argument
    return str(delimiter).join(_text(part, "an item of Fn::Join") for part in _list(parts, scope, "Fn::Join"))


def _select(argument: Any, scope: Scope) -> Any:
    index, members = int(evaluate(argument[0], scope)), _list(argument[1], scope, "Fn::Select")
    if not 0 <= index < len(members):
        raise TemplateError(f"Fn::Select {index} of {len(members)} items")
    return members[index]


def _split(argument: Any, scope: Scope) -> list[str]:
    return _text(evaluate(argument[1], scope), "Fn::Split").split(argument[0])


def _if(argument: Any, scope: Scope) -> Any:
    condition, if_true, if_false = argument
    return evaluate(if_true if scope.condition(condition) else if_false, scope)


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, bits = [*(evaluate(part, scope) for part in argument), 8][:3]
    network = ipaddress.ip_network(block)
    subnets = [str(subnet) for subnet, _ in zip(network.subnets(new_prefix=network.max_prefixlen - int(bits)),
                                                range(int(count)), strict=False)]
    if len(subnets) < int(count):
        raise TemplateError(f"{block} has no room for {count} blocks of {bits} bits")
    return subnets


def _availability_zones(argument: Any, scope: Scope) -> list[str]:
    region = evaluate(argument, scope) or scope.reference("AWS::Region")
    return [f"{region}{letter}" for letter in "abc"]


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text(evaluate(argument, scope), "Fn::Base64").encode()).decode()


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": lambda argument, scope: scope.reference(argument),
    "Fn::GetAtt": lambda argument, scope: scope.attribute(*parse_get_att(argument)),
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": lambda argument, scope: scope.mapping(*(evaluate(part, scope) for part in argument)),
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _availability_zones,
    "Fn::Base64": _base64,
}


def _equals(argument: Any, scope: Scope) -> bool:
    first, second = (evaluate(side, scope) for side in argument)
    if isinstance(first, list | dict) or isinstance(second, list | dict):
        raise TemplateError(f"Fn::Equals compares strings, not {first} and {second}")
    return _text(first, "Fn::Equals") == _text(second, "Fn::Equals")


def _all_conditions(argument: Any, scope: Scope) -> list[bool]:
    if not 2 <= len(argument) <= 10:
        raise TemplateError(f"Fn::And and Fn::Or take 2 to 10 conditions, not {len(argument)}")
    return [evaluate_condition(condition, scope) for condition in argument]


def _not(argument: Any, scope: Scope) -> bool:
    (condition,) = argument
    return not evaluate_condition(condition, scope)


def _members(argument: Any, scope: Scope) -> tuple[list[Any], Any]:
    """The two arguments of a rule function: a list, and what its members are compared with."""
    return _list(argument[0], scope, "a rule function"), evaluate(argument[1], scope)


def _contains(argument: Any, scope: Scope) -> bool:
    members, wanted = _members(argument, scope)
    return wanted in members


def _each_member_equals(argument: Any, scope: Scope) -> bool:
    members, wanted = _members(argument, scope)
    return all(member == wanted for member in members)


def _each_member_in(argument: Any, scope: Scope) -> bool:
    members, allowed = _members(argument, scope)
    return all(member in allowed for member in members)


CONDITION_FUNCTIONS: dict[str, Callable[[Any, Scope], bool]] = {
    "Condition": lambda argument, scope: scope.condition(argument),
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::And": lambda argument, scope: all(_all_conditions(argument, scope)),
    "Fn::Or": lambda argument, scope: any(_all_conditions(argument, scope)),
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_member_equals,
    "Fn::EachMemberIn": _each_member_in,
}
