"""Networks: dev has none of its own; in prod only the API and the balancer can be reached."""

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


def kinds(system_stack: Stack) -> set[str]:
    """Every type of resource in a system."""
    return {resource["Type"] for stack in system_stack.stacks() for resource in stack.resources.values()}


def allowed(system_stack: Stack) -> set[str]:
    """The networks of the allowlist."""
    return set(filter(None, system_stack.parameters["AllowedCidrs"].split(",")))


def ingress_rules(system_stack: Stack) -> list[tuple[str, str, Any]]:
    """(group, source, port) of every rule for incoming traffic; a prefix list counts by each of its networks."""
    rows = []
    for stack in system_stack.stacks():
        for name, group in stack.of_type("AWS::EC2::SecurityGroup").items():
            rows += [(f"{stack.name}.{name}", rule) for rule in group.get("SecurityGroupIngress", [])]
        rows += [(f"{stack.name}.{name}", rule) for name, rule in
                 stack.of_type("AWS::EC2::SecurityGroupIngress").items()]
    lists = {f"pl-{stable_id(name.replace('.', '-'), 17)}": [entry["Cidr"] for entry in prefix_list["Entries"]]
             for name, prefix_list in system_stack.all_of_type("AWS::EC2::PrefixList").items()}
    return [(name, source, rule.get("FromPort")) for name, rule in rows for source in lists.get(
        rule.get("SourcePrefixListId", ""), [rule.get("CidrIp") or rule.get("CidrIpv6")
                                             or rule.get("SourceSecurityGroupId", "")])]


def test_dev_has_no_network_of_its_own(public: Stack) -> None:
    """No VPC, NAT gateway, endpoint, balancer or firewall; OpenSearch only where it is chosen."""
    chosen = {"AWS::OpenSearchServerless::Collection"} if public.parameters["Index"] == "opensearch" else set()
    assert kinds(public) & PRIVATE_KINDS == chosen
    assert not [name for name, function in public.of_type("AWS::Lambda::Function").items() if "VpcConfig" in function]


def test_prod_runs_in_two_zones(private: Stack) -> None:
    """A public and a private subnet in each of two zones, disjoint and inside the VPC, and NAT gateways."""
    network = private.nested["Network"]
    subnets = network.of_type("AWS::EC2::Subnet")
    blocks = [ipaddress.ip_network(block["CidrBlock"]) for block in subnets.values()]
    (vpc,) = network.of_type("AWS::EC2::VPC").values()
    assert len(blocks) == 4 and len({block["AvailabilityZone"] for block in subnets.values()}) == 2
    assert all(block.subnet_of(ipaddress.ip_network(vpc["CidrBlock"])) for block in blocks)  # type: ignore[arg-type]
    assert not [block for index, block in enumerate(blocks) for other in blocks[:index] if block.overlaps(other)]
    for kind in ("Public", "Private"):
        zones = [subnets[f"{kind}Subnet{letter}"]["AvailabilityZone"] for letter in "AB"]
        assert len(set(zones)) == 2, kind
    assert len(network.of_type("AWS::EC2::NatGateway")) == int(private.parameters["NatGateways"])


def test_functions_run_in_private_subnets_with_a_way_out_alone(private: Stack) -> None:
    """All of them run in both zones; their group admits nothing and allows outgoing TLS alone."""
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
    """S3 has a gateway endpoint, Bedrock and OpenSearch have endpoints where they are used.

    There is none for execute-api: its private names would turn calls to our own API into 403.
    """
    network = system("prod", choice).nested["Network"]
    endpoints = {endpoint["ServiceName"].rpartition(".")[2]: endpoint
                 for endpoint in network.of_type("AWS::EC2::VPCEndpoint").values()}
    assert set(endpoints) == services
    assert endpoints.pop("s3")["VpcEndpointType"] == "Gateway"
    assert all(endpoint["VpcEndpointType"] == "Interface" and endpoint["PrivateDnsEnabled"] is True
               for endpoint in endpoints.values())
    searches = system("prod", choice).parameters["Index"] == "opensearch"
    assert bool(network.of_type("AWS::OpenSearchServerless::VpcEndpoint")) == searches


def test_opensearch_is_reached_from_the_network_alone(private: Stack) -> None:
    """Its network policy names the endpoint and allows no public access; in dev it is public, but signed."""
    for name, policy in private.all_of_type("AWS::OpenSearchServerless::SecurityPolicy").items():
        if policy["Type"] == "network":
            for rule in json.loads(policy["Policy"]):
                assert rule["AllowFromPublic"] is False, name
                assert rule["SourceVPCEs"] == [private.nested["Network"].outputs["OpenSearchEndpointId"]]
    (policy,) = [network_policy for network_policy in system("dev", "opensearch").all_of_type(
        "AWS::OpenSearchServerless::SecurityPolicy").values() if network_policy["Type"] == "network"]
    assert json.loads(policy["Policy"])[0]["AllowFromPublic"] is True


def test_only_who_is_allowed_comes_in(any_system: Stack) -> None:
    """From outside only the allowlist reaches the balancer, or in dev the page's port; the rest are our groups."""
    own_groups = {output for group in any_system.nested.values() for output in group.outputs.values()}
    for name, source, port in ingress_rules(any_system):
        if "/" in str(source):
            assert source in allowed(any_system) and source not in ANYWHERE, name
            assert (("Balancer" in name and port in (80, 443)) or
                    (any_system.parameters["Scenario"] == "dev" and port == 8501)), (name, port)
        else:
            assert str(source).startswith("sg-") or source in own_groups, name


def test_nothing_has_a_public_address_in_prod(private: Stack) -> None:
    """No task or subnet has public addresses; only the balancer faces the internet."""
    for subnet in private.all_of_type("AWS::EC2::Subnet").values():
        assert subnet.get("MapPublicIpOnLaunch") in (None, False)
    facing = [balancer for balancer in private.all_of_type(f"{ELB}LoadBalancer").values()
              if balancer.get("Scheme", "internet-facing") == "internet-facing"]
    public = set(private.nested["Network"].outputs["PublicSubnets"].split(","))
    assert len(facing) == 1 and set(facing[0]["Subnets"]) == public
    for service in private.all_of_type("AWS::ECS::Service").values():
        network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED" and not set(network["Subnets"]) & public


def test_a_way_in_for_everyone_is_found() -> None:
    """A planted rule that is open to everyone is not covered by an allowlist."""
    prod = system("prod", page=False)
    rule = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"CidrIp": "0.0.0.0/0", "FromPort": 443}}
    with_open_rule = Stack("shotwise", prod.parameters, {}, {**prod.resources, "Open": rule}, {}, prod.nested)
    ((name, source, _),) = set(ingress_rules(with_open_rule)) - set(ingress_rules(prod))
    assert name == "shotwise.Open" and source in ANYWHERE and source not in allowed(with_open_rule)


def test_the_firewall_protects_stage_and_balancer(private: Stack) -> None:
    """One web ACL protects the API's stage and the page's balancer.

    It has the rules of AWS against known bad input, and a log of what it blocks.
    """
    (acl,) = private.all_of_type("AWS::WAFv2::WebACL").values()
    managed = {rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in acl["Rules"]
               if "ManagedRuleGroupStatement" in rule["Statement"]}
    assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= managed
    stage = private.of_type("AWS::ApiGateway::Stage")["ApiStage"]
    balancer = ARNS[f"{ELB}LoadBalancer"](f"{private.nested['Balancer'].name}-Balancer", None)
    associations = private.all_of_type("AWS::WAFv2::WebACLAssociation").values()
    assert {association["ResourceArn"] for association in associations} == {
        balancer, f"arn:aws:apigateway:{REGION}::/restapis/{stage['RestApiId']}/stages/{stage['StageName']}"}
    assert len(private.all_of_type("AWS::WAFv2::LoggingConfiguration")) == 1


def test_the_firewall_does_not_wait_for_a_page() -> None:
    """Without an image of the page it still protects the API."""
    associations = system("prod", page=False).all_of_type("AWS::WAFv2::WebACLAssociation").values()
    assert [association["ResourceArn"].split(":")[2] for association in associations] == ["apigateway"]


def test_host_names_are_created_where_configured() -> None:
    """API and page get host names and records where these are configured, and otherwise none."""
    named, plain = system("prod", "named"), system("prod")
    (domain,) = named.all_of_type("AWS::ApiGateway::DomainName").values()
    assert domain["DomainName"] == "api.example.com" and domain["SecurityPolicy"] == "TLS_1_2"
    records = {record["Name"].rstrip(".") for record in named.all_of_type("AWS::Route53::RecordSet").values()}
    assert records == {"api.example.com", "shotwise.example.com"}
    assert named.outputs["ApiUrl"] == "https://api.example.com"
    assert not plain.all_of_type("AWS::Route53::RecordSet") and not plain.all_of_type("AWS::ApiGateway::DomainName")
    assert parameters("prod")["FrontendImage"] == PAGE["prod"]["FrontendImage"]
