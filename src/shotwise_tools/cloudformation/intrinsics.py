"""CloudFormation's intrinsic functions, evaluated where a template uses them."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from typing import Any, Protocol


class TemplateError(ValueError):
    """What CloudFormation refuses: the reason, and the nested stacks and the resource that lead to it."""

    def __init__(self, reason: str, places: tuple[str, ...] = ()) -> None:
        super().__init__(": ".join(["/".join(places), reason] if places else [reason]))
        self.reason, self.places = reason, places

    def inside(self, place: str) -> TemplateError:
        """The same, one level up."""
        return TemplateError(self.reason, (place, *self.places))


class Names(Protocol):
    """What the names in a template stand for."""

    def reference(self, name: str) -> Any:
        """What Ref gives: a parameter, a pseudo parameter or a resource."""

    def attribute(self, name: str, attribute: str) -> Any:
        """What Fn::GetAtt gives."""

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""

    def mapping(self, name: str, first: str, second: str) -> Any:
        """What Fn::FindInMap gives."""


NO_VALUE = object()  # what Ref AWS::NoValue gives: it takes its property or list item away


def evaluate(value: Any, names: Names) -> Any:
    """`value` without functions and without what AWS::NoValue takes away."""
    if isinstance(value, list):
        return [item for item in (evaluate(one, names) for one in value) if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, argument),) = value.items()
        if key in FUNCTIONS:
            return FUNCTIONS[key](argument, names)
        if key == "Fn::Transform":  # a macro's, which CloudFormation expands before it looks at functions
            return value
        if key.startswith("Fn::"):
            raise TemplateError(f"{key} cannot stand here")
    found = {key: evaluate(one, names) for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not NO_VALUE}


def holds(value: Any, names: Names) -> bool:
    """Whether what stands under Conditions, in a rule's condition or in its assertion is true."""
    if not (isinstance(value, dict) and len(value) == 1 and next(iter(value)) in TRUTHS):
        raise TemplateError(f"not a condition: {value}")
    ((key, argument),) = value.items()
    return TRUTHS[key](argument, names)


def attribute_of(argument: Any) -> tuple[str, str]:
    """(resource, attribute) of either form of Fn::GetAtt."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if len(parts) != 2:
        raise TemplateError(f"Fn::GetAtt needs a resource and an attribute: {argument}")
    return parts[0], parts[1]


SUBSTITUTED = re.compile(r"\$\{(!?)\s*([^}\s]*)\s*\}")


def substituted_names(argument: Any) -> list[str]:
    """The names that Fn::Sub looks up in the template, as they stand: X or X.Attribute."""
    text, given = (argument, {}) if isinstance(argument, str) else argument
    return [name for literal, name in SUBSTITUTED.findall(text) if not literal and name not in given]


def _sub(argument: Any, names: Names) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument

    def one(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in given:
            return _text(evaluate(given[name], names), f"${{{name}}}")
        value = names.attribute(*attribute_of(name)) if "." in name else names.reference(name)
        return _text(value, f"${{{name}}}")

    return SUBSTITUTED.sub(one, text)


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{where} must be a string, and is {value if value is not NO_VALUE else 'AWS::NoValue'}")


def _list(argument: Any, names: Names, where: str) -> list[Any]:
    found = evaluate(argument, names)
    if not isinstance(found, list):
        raise TemplateError(f"{where} needs a list, and has {found}")
    return found


def _join(argument: Any, names: Names) -> str:
    between, parts = argument
    return str(between).join(_text(part, "an item of Fn::Join") for part in _list(parts, names, "Fn::Join"))


def _select(argument: Any, names: Names) -> Any:
    index, found = int(evaluate(argument[0], names)), _list(argument[1], names, "Fn::Select")
    if not 0 <= index < len(found):
        raise TemplateError(f"Fn::Select {index} of {len(found)} items")
    return found[index]


def _split(argument: Any, names: Names) -> list[str]:
    return _text(evaluate(argument[1], names), "Fn::Split").split(argument[0])


def _if(argument: Any, names: Names) -> Any:
    name, yes, no = argument
    return evaluate(yes if names.condition(name) else no, names)


def _cidr(argument: Any, names: Names) -> list[str]:
    block, count, bits = [*(evaluate(one, names) for one in argument), 8][:3]
    network = ipaddress.ip_network(block)
    found = [str(one) for one, _ in zip(network.subnets(new_prefix=network.max_prefixlen - int(bits)),
                                        range(int(count)), strict=False)]
    if len(found) < int(count):
        raise TemplateError(f"{block} has no room for {count} blocks of {bits} bits")
    return found


def _zones(argument: Any, names: Names) -> list[str]:
    region = evaluate(argument, names) or names.reference("AWS::Region")
    return [f"{region}{letter}" for letter in "abc"]


def _base64(argument: Any, names: Names) -> str:
    return base64.b64encode(_text(evaluate(argument, names), "Fn::Base64").encode()).decode()


FUNCTIONS: dict[str, Callable[[Any, Names], Any]] = {
    "Ref": lambda argument, names: names.reference(argument),
    "Fn::GetAtt": lambda argument, names: names.attribute(*attribute_of(argument)),
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": lambda argument, names: names.mapping(*(evaluate(one, names) for one in argument)),
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _zones,
    "Fn::Base64": _base64,
}


def _equals(argument: Any, names: Names) -> bool:
    first, second = (evaluate(one, names) for one in argument)
    if isinstance(first, list | dict) or isinstance(second, list | dict):
        raise TemplateError(f"Fn::Equals compares strings, not {first} and {second}")
    return _text(first, "Fn::Equals") == _text(second, "Fn::Equals")


def _several(argument: Any, names: Names) -> list[bool]:
    if not 2 <= len(argument) <= 10:
        raise TemplateError(f"Fn::And and Fn::Or take 2 to 10 conditions, not {len(argument)}")
    return [holds(one, names) for one in argument]


def _not(argument: Any, names: Names) -> bool:
    (one,) = argument
    return not holds(one, names)


def _each(argument: Any, names: Names) -> tuple[list[Any], Any]:
    return _list(argument[0], names, "a function of a rule"), evaluate(argument[1], names)


def _contains(argument: Any, names: Names) -> bool:
    found, wanted = _each(argument, names)
    return wanted in found


def _each_equals(argument: Any, names: Names) -> bool:
    found, wanted = _each(argument, names)
    return all(one == wanted for one in found)


def _each_in(argument: Any, names: Names) -> bool:
    found, wanted = _each(argument, names)
    return all(one in wanted for one in found)


TRUTHS: dict[str, Callable[[Any, Names], bool]] = {
    "Condition": lambda argument, names: names.condition(argument),
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::And": lambda argument, names: all(_several(argument, names)),
    "Fn::Or": lambda argument, names: any(_several(argument, names)),
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
}
