"""dev is public and without a network of its own; in prod nothing is reached but the API and the balancer."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest

from shotwise_tools.cloudformation.placeholders import ARNS, REGION, stable_id
from shotwise_tools.cloudformation.stacks import Stack

from .systems import PAGE, parameters, system

ELB = "AWS::ElasticLoadBalancingV2::"
PRIVATE_KINDS = {"AWS::EC2::VPC", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", f"{ELB}LoadBalancer",
                 "AWS::WAFv2::WebACL", "AWS::OpenSearchServerless::Collection"}
ANYWHERE = {"0.0.0.0/0", "::/0"}


def kinds(found: Stack) -> set[str]:
    """Every type of resource in a system."""
    return {resource["Type"] for stack in found.stacks() for resource in stack.resources.values()}


def allowed(found: Stack) -> set[str]:
    """The networks that are let in."""
    return set(filter(None, found.parameters["AllowedCidrs"].split(",")))


def ways_in(found: Stack) -> list[tuple[str, str, Any]]:
    """(group, from where, port) of every rule that lets something in; a prefix list by each of its networks."""
    rows = []
    for stack in found.stacks():
        for name, group in stack.of_type("AWS::EC2::SecurityGroup").items():
            rows += [(f"{stack.name}.{name}", rule) for rule in group.get("SecurityGroupIngress", [])]
        rows += [(f"{stack.name}.{name}", rule) for name, rule in
                 stack.of_type("AWS::EC2::SecurityGroupIngress").items()]
    lists = {f"pl-{stable_id(name.replace('.', '-'), 17)}": [one["Cidr"] for one in found["Entries"]]
             for name, found in found.all_of_type("AWS::EC2::PrefixList").items()}
    return [(name, source, rule.get("FromPort")) for name, rule in rows for source in lists.get(
        rule.get("SourcePrefixListId", ""), [rule.get("CidrIp") or rule.get("CidrIpv6")
                                             or rule.get("SourceSecurityGroupId", "")])]


def test_dev_has_no_network_of_its_own(public: Stack) -> None:
    """No VPC, NAT, endpoint, balancer, firewall; OpenSearch only where it is chosen; functions outside of any VPC."""
    chosen = {"AWS::OpenSearchServerless::Collection"} if public.parameters["Index"] == "opensearch" else set()
    assert kinds(public) & PRIVATE_KINDS == chosen
    assert not [name for name, one in public.of_type("AWS::Lambda::Function").items() if "VpcConfig" in one]


def test_prod_runs_in_two_zones(private: Stack) -> None:
    """Public and private subnets in each of two zones, side by side in the VPC's network, a way out by NAT."""
    network = private.nested["Network"]
    subnets = network.of_type("AWS::EC2::Subnet")
    blocks = [ipaddress.ip_network(one["CidrBlock"]) for one in subnets.values()]
    (vpc,) = network.of_type("AWS::EC2::VPC").values()
    assert len(blocks) == 4 and len({one["AvailabilityZone"] for one in subnets.values()}) == 2
    assert all(one.subnet_of(ipaddress.ip_network(vpc["CidrBlock"])) for one in blocks)  # type: ignore[arg-type]
    assert not [one for place, one in enumerate(blocks) for other in blocks[:place] if one.overlaps(other)]
    for kind in ("Public", "Private"):
        zones = [subnets[f"{kind}Subnet{letter}"]["AvailabilityZone"] for letter in "AB"]
        assert len(set(zones)) == 2, kind
    assert len(network.of_type("AWS::EC2::NatGateway")) == int(private.parameters["NatGateways"])


def test_functions_run_in_private_subnets_with_a_way_out_alone(private: Stack) -> None:
    """All of them, in both zones; their group lets nothing in, and TLS out."""
    network = private.nested["Network"]
    for function in private.of_type("AWS::Lambda::Function").values():
        assert function["VpcConfig"] == {"SubnetIds": network.outputs["PrivateSubnets"].split(","),
                                         "SecurityGroupIds": [network.outputs["FunctionsGroup"]]}
    group = network.of_type("AWS::EC2::SecurityGroup")["FunctionsGroup"]
    assert "SecurityGroupIngress" not in group
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]} == {
        ("tcp", 443, 443)}


@pytest.mark.parametrize(("choice", "services"), [
    ("as it is", {"s3", "bedrock-runtime"}), ("words alone", {"s3"}), ("models elsewhere", {"s3"}),
    ("knowledge base", {"s3", "bedrock-runtime", "bedrock-agent-runtime"}), ("s3vectors", {"s3", "bedrock-runtime"})])
def test_endpoints_are_those_that_are_used(choice: str, services: set[str]) -> None:
    """S3 by a gateway, Bedrock where it is called, OpenSearch where it is; never execute-api, whose private names
    would turn calls to our own API into 403."""
    network = system("prod", choice).nested["Network"]
    endpoints = {one["ServiceName"].rpartition(".")[2]: one
                 for one in network.of_type("AWS::EC2::VPCEndpoint").values()}
    assert set(endpoints) == services
    assert endpoints.pop("s3")["VpcEndpointType"] == "Gateway"
    assert all(one["VpcEndpointType"] == "Interface" and one["PrivateDnsEnabled"] is True for one in endpoints.values())
    searches = system("prod", choice).parameters["Index"] == "opensearch"
    assert bool(network.of_type("AWS::OpenSearchServerless::VpcEndpoint")) == searches


def test_opensearch_is_reached_from_the_network_alone(private: Stack) -> None:
    """Its network policy names the endpoint and no public access; in dev it is public and signed all the same."""
    for name, policy in private.all_of_type("AWS::OpenSearchServerless::SecurityPolicy").items():
        if policy["Type"] == "network":
            for rule in json.loads(policy["Policy"]):
                assert rule["AllowFromPublic"] is False, name
                assert rule["SourceVPCEs"] == [private.nested["Network"].outputs["OpenSearchEndpointId"]]
    (policy,) = [one for one in system("dev", "opensearch").all_of_type(
        "AWS::OpenSearchServerless::SecurityPolicy").values() if one["Type"] == "network"]
    assert json.loads(policy["Policy"])[0]["AllowFromPublic"] is True


def test_only_who_is_allowed_comes_in(any_system: Stack) -> None:
    """From outside the allowlist alone: in prod to the balancer, in dev to the page's port. All else is let in from
    groups of ours."""
    own = {one for group in any_system.nested.values() for one in group.outputs.values()}
    for name, source, port in ways_in(any_system):
        if "/" in str(source):
            assert source in allowed(any_system) and source not in ANYWHERE, name
            assert (("Balancer" in name and port in (80, 443)) or
                    (any_system.parameters["Scenario"] == "dev" and port == 8501)), (name, port)
        else:
            assert str(source).startswith("sg-") or source in own, name


def test_nothing_has_a_public_address_in_prod(private: Stack) -> None:
    """No public IPs for tasks or subnets; the balancer alone faces the internet."""
    for subnet in private.all_of_type("AWS::EC2::Subnet").values():
        assert subnet.get("MapPublicIpOnLaunch") in (None, False)
    facing = [one for one in private.all_of_type(f"{ELB}LoadBalancer").values()
              if one.get("Scheme", "internet-facing") == "internet-facing"]
    public = set(private.nested["Network"].outputs["PublicSubnets"].split(","))
    assert len(facing) == 1 and set(facing[0]["Subnets"]) == public
    for service in private.all_of_type("AWS::ECS::Service").values():
        place = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert place["AssignPublicIp"] == "DISABLED" and not set(place["Subnets"]) & public


def test_a_way_in_for_everyone_is_found() -> None:
    """The companion: one rule more, open to all, is one that no allowlist holds."""
    found = system("prod", page=False)
    rule = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"CidrIp": "0.0.0.0/0", "FromPort": 443}}
    opened = Stack("shotwise", found.parameters, {}, {**found.resources, "Open": rule}, {}, found.nested)
    ((name, source, _),) = set(ways_in(opened)) - set(ways_in(found))
    assert name == "shotwise.Open" and source in ANYWHERE and source not in allowed(opened)


def test_the_firewall_stands_before_stage_and_balancer(private: Stack) -> None:
    """One web ACL, associated with the API's stage and with the page's balancer, with AWS's rules against known bad
    input, and a log of what it blocks."""
    (acl,) = private.all_of_type("AWS::WAFv2::WebACL").values()
    managed = {rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in acl["Rules"]
               if "ManagedRuleGroupStatement" in rule["Statement"]}
    assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= managed
    stage = private.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    balancer = ARNS[f"{ELB}LoadBalancer"](f"{private.nested['Balancer'].name}-Balancer", None)
    assert {one["ResourceArn"] for one in private.all_of_type("AWS::WAFv2::WebACLAssociation").values()} == {
        balancer, f"arn:aws:apigateway:{REGION}::/restapis/{stage['RestApiId']}/stages/{stage['StageName']}"}
    assert len(private.all_of_type("AWS::WAFv2::LoggingConfiguration")) == 1


def test_the_firewall_does_not_wait_for_a_page() -> None:
    """Without an image yet the API is guarded all the same."""
    associations = system("prod", page=False).all_of_type("AWS::WAFv2::WebACLAssociation").values()
    assert [one["ResourceArn"].split(":")[2] for one in associations] == ["apigateway"]


def test_names_of_ones_own_are_made_where_given() -> None:
    """API and page get their names and records with a zone; without names there is nothing of the kind."""
    named, plain = system("prod", "named"), system("prod")
    (domain,) = named.all_of_type("AWS::ApiGateway::DomainName").values()
    assert domain["DomainName"] == "api.example.com" and domain["SecurityPolicy"] == "TLS_1_2"
    records = {one["Name"].rstrip(".") for one in named.all_of_type("AWS::Route53::RecordSet").values()}
    assert records == {"api.example.com", "shotwise.example.com"}
    assert named.outputs["ApiUrl"] == "https://api.example.com"
    assert not plain.all_of_type("AWS::Route53::RecordSet") and not plain.all_of_type("AWS::ApiGateway::DomainName")
    assert parameters("prod")["FrontendImage"] == PAGE["prod"]["FrontendImage"]
