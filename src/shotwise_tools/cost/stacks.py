"""List the resources of a scenario, by resolving template.yaml and infra/ with its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.stacks import NESTED_STACK, ROOT, Stack, resolve, scenario_parameters, scenarios
from shotwise_tools.cost.models import CostError, CostInputs, PriceTable, Resource
from shotwise_tools.cost.usage import read_usage

# Parameters that differ by account. They cost nothing, but without them the template makes no page and no index.
ACCOUNT_PARAMETERS = {
    "Release": "0" * 12,
    "AllowedCidrs": "203.0.113.0/24",
    "CertificateArn": "arn:aws:acm:ap-northeast-2:111122223333:certificate/page",
    "FrontendImage": "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/page:latest",
    "DefaultVpcId": "vpc-0a0a0a0a",
    "DefaultSubnetIds": "subnet-0a0a0a0a",
    "AlarmEmail": "quality@example.com",
}


def scenario_names() -> list[str]:
    """List the scenarios of samconfig.toml. Raises CostError if it has none."""
    names = scenarios()
    if not names:
        raise CostError("samconfig.toml has no scenario: a table [NAME.deploy.parameters] for each")
    return names


def scenario_stack(scenario: str, changes: Mapping[str, str] | None = None) -> Stack:
    """Resolve the root stack of a scenario with everything that is optional, such as the page.

    Parameters
    ----------
    scenario : str
        A scenario of samconfig.toml.
    changes : mapping, optional
        Parameters that differ from the scenario's.

    Raises
    ------
    CostError
        If there is no such scenario, or if CloudFormation would refuse it.
    """
    try:
        configured = {name: setting for name, setting in scenario_parameters(scenario).items() if setting}
        return resolve(_root_template(), {**ACCOUNT_PARAMETERS, **configured, **(changes or {})})
    except KeyError as error:
        raise CostError(str(error.args[0])) from None
    except TemplateError as error:
        raise CostError(f"{scenario}: {error}") from None
    except OSError as error:
        raise CostError(f"{scenario}: {error.filename}: {error.strerror}") from None


def scenario_inputs(scenario: str, prices: PriceTable) -> CostInputs:
    """Gather what the bill of a scenario is computed from. Raises CostError as `scenario_stack` does."""
    stack = scenario_stack(scenario)
    return CostInputs(stack_resources(stack), stack.parameters, read_usage(), prices)


def stack_resources(stack: Stack) -> tuple[Resource, ...]:
    """List the resources of a stack and of all nested stacks below it, without the nested stacks themselves."""
    defaults = _function_defaults(ROOT / "template.yaml")
    resources = []
    for each_stack in stack.stacks():
        for name, resource in each_stack.resources.items():
            properties: dict[str, Any] = resource.get("Properties", {})
            if resource["Type"] == "AWS::Serverless::Function":
                properties = {**defaults, **properties}
            if resource["Type"] != NESTED_STACK:
                resources.append(Resource(f"{each_stack.name}.{name}", resource["Type"], properties))
    return tuple(resources)


def _root_template() -> dict[str, Any]:
    """Load template.yaml without its deployment preferences, which cost nothing.

    With them a function and the alarm on its version would depend on each other, a circle that only SAM resolves.
    """
    template = load_yaml(ROOT / "template.yaml")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("DeploymentPreference", None)
    return template


@cache
def _function_defaults(path: Path) -> dict[str, Any]:
    """The properties of all functions that Globals sets to plain values."""
    properties = load_yaml(path).get("Globals", {}).get("Function", {})
    return {name: properties[name] for name in ("Architectures", "MemorySize") if name in properties}
