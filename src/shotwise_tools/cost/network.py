"""Rules for the network: ways out, ways in, private ways to services, addresses, the firewall."""

from __future__ import annotations

from collections.abc import Iterator

from shotwise_tools.cost.compute import ANSWERING, gateway_requests
from shotwise_tools.cost.models import GB, HOURS, Line, Month, Resource, line
from shotwise_tools.cost.usage import invocations


def nat_gateways(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Each by the hour; what goes through them is the same for one and for two."""
    yield line(month, "network", f"NAT gateways, {len(found)}", "nat_hour", len(found) * HOURS)
    yield line(month, "network", "through NAT", "nat_gb", month.usage.assumed["nat_gb"])


def addresses(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Elastic addresses are billed in use and idle alike."""
    yield line(month, "public addresses", f"of NAT gateways, {len(found)}", "public_ipv4_hour", len(found) * HOURS)


def endpoints(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Interface endpoints are billed for every zone; a gateway endpoint is free."""
    interface = [one for one in found if one.properties.get("VpcEndpointType") == "Interface"]
    for one in interface:
        service = str(one.properties["ServiceName"]).split(".")[-1]
        zones = len(one.properties["SubnetIds"])
        yield line(month, "endpoints", f"{service}, {zones} zones", "endpoint_hour", zones * HOURS)
    if interface:
        asked = sum(invocations(month.usage, name) for name in ANSWERING)
        yield line(month, "endpoints", "through endpoints", "endpoint_gb", asked * month.usage.prompt_bytes / GB)


def opensearch_endpoints(month: Month, found: list[Resource]) -> Iterator[Line]:
    """OpenSearch Serverless makes an interface endpoint of its own kind, at the same price."""
    for one in found:
        zones = len(one.properties["SubnetIds"])
        yield line(month, "endpoints", f"OpenSearch, {zones} zones", "endpoint_hour", zones * HOURS)


def balancers(month: Month, found: list[Resource]) -> Iterator[Line]:
    """By the hour and by capacity units; an address for every zone where it faces the internet."""
    for one in found:
        yield line(month, "balancer", "hours", "balancer_hour", HOURS)
        yield line(month, "balancer", "capacity units", "balancer_unit_hour",
                   HOURS * month.usage.assumed["balancer_units"])
        zones = len(one.properties.get("Subnets") or one.properties["SubnetMappings"])
        if one.properties.get("Scheme", "internet-facing") == "internet-facing":
            yield line(month, "public addresses", f"of the balancer, {zones}", "public_ipv4_hour", zones * HOURS)


def firewalls(month: Month, found: list[Resource]) -> Iterator[Line]:
    """A web ACL, each of its rules (a managed group is one), and the requests that they see."""
    rules = sum(len(one.properties.get("Rules", [])) for one in found)
    yield line(month, "WAF", f"web ACLs, {len(found)}", "waf_acl_month", len(found))
    yield line(month, "WAF", f"rules, {rules}", "waf_rule_month", rules)
    yield line(month, "WAF", "requests", "waf_request", gateway_requests(month) + month.usage.assumed["page_requests"])


RULES = {"AWS::EC2::NatGateway": nat_gateways, "AWS::EC2::EIP": addresses, "AWS::EC2::VPCEndpoint": endpoints,
         "AWS::OpenSearchServerless::VpcEndpoint": opensearch_endpoints,
         "AWS::ElasticLoadBalancingV2::LoadBalancer": balancers, "AWS::WAFv2::WebACL": firewalls}
