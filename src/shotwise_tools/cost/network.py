"""Pricing rules for the network: NAT gateways, endpoints, balancer, public addresses, firewall."""

from __future__ import annotations

from collections.abc import Iterator

from shotwise_tools.cost.compute import ANSWERING, gateway_requests
from shotwise_tools.cost.models import GB, HOURS, CostInputs, LineItem, Resource, line_item
from shotwise_tools.cost.usage import invocations


def price_nat_gateways(inputs: CostInputs, gateways: list[Resource]) -> Iterator[LineItem]:
    """Price NAT gateways by the hour, and the data through them, which does not depend on their number."""
    yield line_item(inputs, "network", f"NAT gateways, {len(gateways)}", "nat_hour", len(gateways) * HOURS)
    yield line_item(inputs, "network", "through NAT", "nat_gb", inputs.usage.assumed["nat_gb"])


def price_elastic_ips(inputs: CostInputs, addresses: list[Resource]) -> Iterator[LineItem]:
    """Price elastic addresses, which are billed whether or not they are in use."""
    yield line_item(inputs, "public addresses", f"of NAT gateways, {len(addresses)}", "public_ipv4_hour",
                    len(addresses) * HOURS)


def price_endpoints(inputs: CostInputs, endpoints: list[Resource]) -> Iterator[LineItem]:
    """Price interface endpoints for every zone; a gateway endpoint is free."""
    interfaces = [endpoint for endpoint in endpoints if endpoint.properties.get("VpcEndpointType") == "Interface"]
    for endpoint in interfaces:
        service = str(endpoint.properties["ServiceName"]).split(".")[-1]
        zones = len(endpoint.properties["SubnetIds"])
        yield line_item(inputs, "endpoints", f"{service}, {zones} zones", "endpoint_hour", zones * HOURS)
    if interfaces:
        questions = sum(invocations(inputs.usage, name) for name in ANSWERING)
        yield line_item(inputs, "endpoints", "through endpoints", "endpoint_gb",
                        questions * inputs.usage.prompt_bytes / GB)


def price_opensearch_endpoints(inputs: CostInputs, endpoints: list[Resource]) -> Iterator[LineItem]:
    """Price the endpoints of OpenSearch Serverless, a type of their own at the price of interface endpoints."""
    for endpoint in endpoints:
        zones = len(endpoint.properties["SubnetIds"])
        yield line_item(inputs, "endpoints", f"OpenSearch, {zones} zones", "endpoint_hour", zones * HOURS)


def price_balancers(inputs: CostInputs, balancers: list[Resource]) -> Iterator[LineItem]:
    """Price hours and capacity units, and an address in every zone if the balancer faces the internet."""
    for balancer in balancers:
        yield line_item(inputs, "balancer", "hours", "balancer_hour", HOURS)
        yield line_item(inputs, "balancer", "capacity units", "balancer_unit_hour",
                        HOURS * inputs.usage.assumed["balancer_units"])
        zones = len(balancer.properties.get("Subnets") or balancer.properties["SubnetMappings"])
        if balancer.properties.get("Scheme", "internet-facing") == "internet-facing":
            yield line_item(inputs, "public addresses", f"of the balancer, {zones}", "public_ipv4_hour", zones * HOURS)


def price_web_acls(inputs: CostInputs, web_acls: list[Resource]) -> Iterator[LineItem]:
    """Price web ACLs, each of their rules (a managed group counts as one), and the requests that they check."""
    rules = sum(len(web_acl.properties.get("Rules", [])) for web_acl in web_acls)
    yield line_item(inputs, "WAF", f"web ACLs, {len(web_acls)}", "waf_acl_month", len(web_acls))
    yield line_item(inputs, "WAF", f"rules, {rules}", "waf_rule_month", rules)
    yield line_item(inputs, "WAF", "requests", "waf_request",
                    gateway_requests(inputs) + inputs.usage.assumed["page_requests"])


RULES = {"AWS::EC2::NatGateway": price_nat_gateways, "AWS::EC2::EIP": price_elastic_ips,
         "AWS::EC2::VPCEndpoint": price_endpoints, "AWS::OpenSearchServerless::VpcEndpoint": price_opensearch_endpoints,
         "AWS::ElasticLoadBalancingV2::LoadBalancer": price_balancers, "AWS::WAFv2::WebACL": price_web_acls}
