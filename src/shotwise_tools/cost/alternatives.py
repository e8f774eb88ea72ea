"""Price the alternatives: the same bill with one choice changed, and the difference that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from shotwise_tools.cost.bill import make_bill
from shotwise_tools.cost.models import Bill, CostError, CostInputs, Resource
from shotwise_tools.cost.stacks import scenario_stack, stack_resources

# Services that functions and page call through NAT, and that could have endpoints instead.
MORE_ENDPOINTS = ("logs", "ecr.api", "ecr.dkr", "execute-api", "kms", "sqs", "xray")
MIN_DIFFERENCE_USD = 0.5  # a month; alternatives that change the bill by less are not shown
Change = Callable[[tuple[Resource, ...]], tuple[Resource, ...]]


@dataclass(frozen=True)
class Alternative:
    """A choice that could be made differently.

    Attributes
    ----------
    name : str
        The other choice.
    consequence : str
        What it gains or loses, apart from money.
    parameters : dict of str to str
        Parameters of the template for this choice.
    change : callable
        Changes the resources, for a choice that the template has no parameter for.
    """

    name: str
    consequence: str
    parameters: dict[str, str] = field(default_factory=dict)
    change: Change = tuple


@dataclass(frozen=True)
class PricedAlternative:
    """An alternative and what it would add to the bill.

    Attributes
    ----------
    alternative : Alternative
        The alternative.
    usd : float
        US dollars a month; negative if it saves money.
    """

    alternative: Alternative
    usd: float


def _set(kind: str, **properties: Any) -> Change:
    """A change that sets properties of all resources of a type."""
    def change(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
        return tuple(replace(resource, properties={**resource.properties, **properties}) if resource.kind == kind
                     else resource for resource in resources)
    return change


def _with_more_endpoints(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    if not any(resource.kind == "AWS::EC2::VPC" for resource in resources):
        return resources
    return (*resources, *(Resource(f"more.{name}", "AWS::EC2::VPCEndpoint", {
        "VpcEndpointType": "Interface", "ServiceName": name, "SubnetIds": ["a", "b"]}) for name in MORE_ENDPOINTS))


def _two_tasks(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    scaled = _set("AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=2)(resources)
    return _set("AWS::ECS::Service", DesiredCount=2)(scaled)


ALTERNATIVES = (
    Alternative("OpenSearch Serverless, standby off", "search by words and meaning in one store",
                {"Index": "opensearch", "OpenSearchStandby": "DISABLED", "KnowledgeBase": "off"}),
    Alternative("OpenSearch Serverless, standby on", "search survives a zone that fails",
                {"Index": "opensearch", "OpenSearchStandby": "ENABLED", "KnowledgeBase": "off"}),
    Alternative("S3 Vectors", "search by meaning at the price of its use",
                {"Index": "s3vectors", "Embedder": "bedrock", "KnowledgeBase": "off"}),
    Alternative("no vectors, search by words alone", "a Korean question finds no English text",
                {"Index": "embedded", "Embedder": "", "KnowledgeBase": "off"}),
    Alternative("two NAT gateways", "access to the internet survives a zone that fails", {"NatGateways": "2"}),
    Alternative("one NAT gateway", "access to the internet fails with its zone", {"NatGateways": "1"}),
    Alternative("endpoints for every service that is called", "no call of AWS goes through NAT", {},
                _with_more_endpoints),
    Alternative("provisioned concurrency, one each", "no cold start at one request at a time",
                {"StartMode": "provisioned", "ProvisionedConcurrency": "1"}),
    Alternative("SnapStart", "starts are shorter; every version that is still kept adds as much",
                {"StartMode": "snapstart"}),
    Alternative("nothing against cold starts", "predict starts in a third of a second", {"StartMode": "none"}),
    Alternative("the page on x86", "nothing", {},
                _set("AWS::ECS::TaskDefinition", RuntimePlatform={"CpuArchitecture": "X86_64"})),
    Alternative("the page on ARM", "the image has to be built for it", {},
                _set("AWS::ECS::TaskDefinition", RuntimePlatform={"CpuArchitecture": "ARM64"})),
    Alternative("the page on Spot", "AWS may stop a task with two minutes' notice", {},
                _set("AWS::ECS::Service", CapacityProviderStrategy=[{"CapacityProvider": "FARGATE_SPOT"}])),
    Alternative("two tasks of the page", "the page survives a zone that fails", {}, _two_tasks),
    Alternative("the page at 0.25 vCPU / 0.5 GB", "document A and B say 0.5 vCPU / 1 GB", {},
                _set("AWS::ECS::TaskDefinition", Cpu="256", Memory="512")),
    Alternative("no metrics of single API methods", "the API's own metrics stay, those of a single path go", {},
                _set("AWS::Serverless::Api", MethodSettings=[])),
)


def price_alternatives(scenario: str, inputs: CostInputs, bill: Bill) -> Iterator[PricedAlternative]:
    """Price every alternative that would change this bill noticeably, the most expensive first."""
    priced = []
    for alternative in ALTERNATIVES:
        changed = _changed_inputs(scenario, inputs, alternative)
        usd = make_bill(scenario, changed).total - bill.total if changed else 0.0
        if abs(usd) >= MIN_DIFFERENCE_USD:
            priced.append(PricedAlternative(alternative, usd))
    yield from sorted(priced, key=lambda priced_alternative: -priced_alternative.usd)


def _changed_inputs(scenario: str, inputs: CostInputs, alternative: Alternative) -> CostInputs | None:
    """The inputs under an alternative; None if the template refuses it in this scenario."""
    parameters, resources = inputs.parameters, inputs.resources
    if alternative.parameters:
        try:
            stack = scenario_stack(scenario, alternative.parameters)
        except CostError:
            return None
        parameters, resources = stack.parameters, stack_resources(stack)
    return replace(inputs, parameters=parameters, resources=alternative.change(resources))
