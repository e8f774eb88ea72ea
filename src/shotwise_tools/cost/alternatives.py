"""What a bill would be with one thing decided otherwise: the choices that save, each with what it saves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.models import Bill, CostError, Month, Resource
from shotwise_tools.cost.stacks import resources_of, scenario_stack

# Services that the functions and the page call and that a stricter network would reach by endpoints of their own.
MORE_ENDPOINTS = ("logs", "ecr.api", "ecr.dkr", "execute-api", "kms", "sqs", "xray")
Change = Callable[[tuple[Resource, ...]], tuple[Resource, ...]]


@dataclass(frozen=True)
class Choice:
    """instead: what would be otherwise; why: what it would give or take away. parameters: of the template, where it is
    one's choice; change: of the resources, where it is written into the template."""

    instead: str
    why: str
    parameters: dict[str, str] = field(default_factory=dict)
    change: Change = tuple


@dataclass(frozen=True)
class Alternative:
    """usd: what it would cost more a month (less, where negative)."""

    choice: Choice
    usd: float


def _set(kind: str, **properties: Any) -> Change:
    def change(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
        return tuple(replace(one, properties={**one.properties, **properties}) if one.kind == kind else one
                     for one in resources)
    return change


def _with_more_endpoints(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    if not any(one.kind == "AWS::EC2::VPC" for one in resources):
        return resources
    return (*resources, *(Resource(f"more.{name}", "AWS::EC2::VPCEndpoint", {
        "VpcEndpointType": "Interface", "ServiceName": name, "SubnetIds": ["a", "b"]}) for name in MORE_ENDPOINTS))


def _two_tasks(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    scaled = _set("AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=2)(resources)
    return _set("AWS::ECS::Service", DesiredCount=2)(scaled)


CHOICES = (
    Choice("OpenSearch Serverless, standby off", "search by words and meaning in one store",
           {"Index": "opensearch", "OpenSearchStandby": "DISABLED", "KnowledgeBase": "off"}),
    Choice("OpenSearch Serverless, standby on", "search survives a zone that fails",
           {"Index": "opensearch", "OpenSearchStandby": "ENABLED", "KnowledgeBase": "off"}),
    Choice("S3 Vectors", "search by meaning at the price of its use",
           {"Index": "s3vectors", "Embedder": "bedrock", "KnowledgeBase": "off"}),
    Choice("no vectors, by words alone", "a Korean question finds no English text",
           {"Index": "embedded", "Embedder": "", "KnowledgeBase": "off"}),
    Choice("two NAT gateways", "the way out survives a zone that fails", {"NatGateways": "2"}),
    Choice("one NAT gateway", "the way out fails with its zone", {"NatGateways": "1"}),
    Choice("endpoints for every service that is called", "no call of AWS goes through NAT", {}, _with_more_endpoints),
    Choice("provisioned concurrency, one each", "no cold start at one request at a time",
           {"StartMode": "provisioned", "ProvisionedConcurrency": "1"}),
    Choice("SnapStart", "starts shorten; every version that is still kept adds as much", {"StartMode": "snapstart"}),
    Choice("nothing against cold starts", "T1 starts in a third of a second", {"StartMode": "none"}),
    Choice("the page on x86", "nothing", {},
           _set("AWS::ECS::TaskDefinition", RuntimePlatform={"CpuArchitecture": "X86_64"})),
    Choice("the page on ARM", "the image has to be built for it", {},
           _set("AWS::ECS::TaskDefinition", RuntimePlatform={"CpuArchitecture": "ARM64"})),
    Choice("the page on Spot", "AWS may stop a task with two minutes' notice", {},
           _set("AWS::ECS::Service", CapacityProviderStrategy=[{"CapacityProvider": "FARGATE_SPOT"}])),
    Choice("two tasks of the page", "the page survives a zone that fails", {}, _two_tasks),
    Choice("the page at 0.25 vCPU / 0.5 GB", "document A and B say 0.5 vCPU / 1 GB", {},
           _set("AWS::ECS::TaskDefinition", Cpu="256", Memory="512")),
    Choice("no metrics of single API methods", "the API's own metrics stay, those of a single path go", {},
           _set("AWS::Serverless::Api", MethodSettings=[])),
)


def alternatives(scenario: str, month: Month, bill: Bill) -> Iterator[Alternative]:
    """Every choice that would change this bill by half a dollar or more, dearest first."""
    found = []
    for choice in CHOICES:
        changed = _changed(scenario, month, choice)
        usd = make_bill(scenario, changed).total - bill.total if changed else 0.0
        if abs(usd) >= 0.5:
            found.append(Alternative(choice, usd))
    yield from sorted(found, key=lambda one: -one.usd)


def _changed(scenario: str, month: Month, choice: Choice) -> Month | None:
    """The month under a choice; None where the template refuses it here."""
    parameters, resources = month.parameters, month.resources
    if choice.parameters:
        try:
            stack = scenario_stack(scenario, choice.parameters)
        except CostError:
            return None
        parameters, resources = stack.parameters, resources_of(stack)
    return replace(month, parameters=parameters, resources=choice.change(resources))
