"""The resources of a scenario: template.yaml and infra/ under the scenario's parameters, nothing typed twice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.stacks import NESTED_STACK, ROOT, Stack, resolve, scenario_parameters, scenarios
from shotwise_tools.cost.models import CostError, Month, Price, Resource
from shotwise_tools.cost.usage import read_usage

# What belongs to one account and costs nothing by its value; without it there would be no page and no index.
ACCOUNT = {
    "Release": "0" * 12,
    "AllowedCidrs": "203.0.113.0/24",
    "CertificateArn": "arn:aws:acm:ap-northeast-2:111122223333:certificate/page",
    "FrontendImage": "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/page:latest",
    "DefaultVpcId": "vpc-0a0a0a0a",
    "DefaultSubnetIds": "subnet-0a0a0a0a",
    "AlarmEmail": "quality@example.com",
}


def scenario_names() -> list[str]:
    """The scenarios of samconfig.toml. Raises CostError where it has none."""
    names = scenarios()
    if not names:
        raise CostError("samconfig.toml has no scenario: a table [NAME.deploy.parameters] for each")
    return names


def scenario_stack(scenario: str, changes: Mapping[str, str] | None = None) -> Stack:
    """The root stack of a scenario with everything in it. changes: parameters decided otherwise.

    Raises CostError where there is no such scenario or CloudFormation would refuse it."""
    try:
        given = {**ACCOUNT, **{key: value for key, value in scenario_parameters(scenario).items() if value}}
        return resolve(_root(), {**given, **(changes or {})})
    except KeyError as error:
        raise CostError(str(error.args[0])) from None
    except TemplateError as refused:
        raise CostError(f"{scenario}: {refused}") from None
    except OSError as error:
        raise CostError(f"{scenario}: {error.filename}: {error.strerror}") from None


def month_of(scenario: str, prices: Mapping[str, Price]) -> Month:
    """A scenario's month. Raises CostError as `scenario_stack` does."""
    stack = scenario_stack(scenario)
    return Month(resources_of(stack), stack.parameters, read_usage(), prices)


def resources_of(stack: Stack) -> tuple[Resource, ...]:
    """The resources of a stack and of all below; the stacks themselves are no resources here."""
    defaults = _function_defaults(ROOT / "template.yaml")
    found = []
    for one in stack.stacks():
        for name, resource in one.resources.items():
            properties: dict[str, Any] = resource.get("Properties", {})
            if resource["Type"] == "AWS::Serverless::Function":
                properties = {**defaults, **properties}
            if resource["Type"] != NESTED_STACK:
                found.append(Resource(f"{one.name}.{name}", resource["Type"], properties))
    return tuple(found)


def _root() -> dict[str, Any]:
    """template.yaml without its roll-outs: they cost nothing, and only SAM parts a function from the alarm that sees
    its version and stops its alias; as the template stands, the two need each other."""
    template = load_yaml(ROOT / "template.yaml")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("DeploymentPreference", None)
    return template


@cache
def _function_defaults(path: Path) -> dict[str, Any]:
    """What Globals says of every function, as far as it is said without functions of CloudFormation."""
    given = load_yaml(path).get("Globals", {}).get("Function", {})
    return {name: given[name] for name in ("Architectures", "MemorySize") if name in given}
