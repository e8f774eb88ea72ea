"""Make the bill of a month: each resource is priced by the rule of its type, is free, or is an error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from shotwise_tools.cost import compute, network, observability, storage
from shotwise_tools.cost.models import Bill, CostError, CostInputs, LineItem, Resource

Rule = Callable[[CostInputs, list[Resource]], Iterator[LineItem]]
RULES: Mapping[str, Rule] = {**compute.RULES, **network.RULES, **storage.RULES, **observability.RULES}
# The groups that document A's estimate names. It only gives a total, so any of these may be included in it.
ESTIMATED_GROUPS = ("functions", "API", "workflow", "models", "page")
GROUPS = (*ESTIMATED_GROUPS, "network", "public addresses", "balancer", "endpoints", "vectors", "WAF", "keys",
          "storage", "transfer", "observability")
# Type without a price of its own → reason.
FREE_KINDS = {
    **dict.fromkeys(("AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy",
                     "AWS::Lambda::Permission", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy",
                     "AWS::SNS::TopicPolicy", "AWS::KMS::Alias", "AWS::Logs::ResourcePolicy",
                     "AWS::OpenSearchServerless::AccessPolicy", "AWS::OpenSearchServerless::SecurityPolicy",
                     "AWS::S3Vectors::VectorBucketPolicy"), "permissions and names"),
    **dict.fromkeys(("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment",
                     "AWS::EC2::RouteTable", "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation",
                     "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress",
                     "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry", "AWS::EC2::PrefixList"),
                    "parts of a network"),
    **dict.fromkeys(("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule",
                     "AWS::ElasticLoadBalancingV2::ListenerCertificate",
                     "AWS::ElasticLoadBalancingV2::TargetGroup"), "in the price of the balancer"),
    **dict.fromkeys(("AWS::ApiGateway::Account", "AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping",
                     "AWS::Lambda::Url", "AWS::Serverless::LayerVersion"), "in the price of requests and functions"),
    **dict.fromkeys(("AWS::ECS::TaskDefinition", "AWS::ApplicationAutoScaling::ScalableTarget"),
                    "in the price of the page's tasks"),
    **dict.fromkeys(("AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::IPSet"), "in the price of the web ACL"),
    **dict.fromkeys(("AWS::S3Vectors::VectorBucket", "Custom::OpenSearchIndex", "AWS::Bedrock::KnowledgeBase",
                     "AWS::Bedrock::DataSource"), "in the price of vectors and tokens"),
    "AWS::WAFv2::LoggingConfiguration": "it logs blocked requests, which are in the assumed logs of the page",
    "AWS::Route53::RecordSet": "queries for an alias record are free; the zone is not created here",
    "AWS::SNS::Topic": "the first 1,000 mails a month are free",
    "AWS::SNS::Subscription": "in the price of the topic",
    "AWS::Budgets::Budget": "a budget that only notifies is free",
    "AWS::XRay::SamplingRule": "traces are billed, rules are not",
    "AWS::Events::Rule": "events of AWS's own services are free",
}


def make_bill(scenario: str, inputs: CostInputs) -> Bill:
    """Make the bill of a scenario's inputs. Raises CostError for a type of resource without a price."""
    unpriced = sorted({resource.kind for resource in inputs.resources} - RULES.keys() - FREE_KINDS.keys())
    if unpriced:
        paths = ", ".join(resource.path for resource in inputs.resources if resource.kind in unpriced)
        raise CostError(f"{', '.join(unpriced)} has no price ({paths}): add a rule in src/shotwise_tools/cost, or say "
                        "in FREE_KINDS of src/shotwise_tools/cost/bill.py why it costs nothing")
    by_kind: dict[str, list[Resource]] = defaultdict(list)
    for resource in inputs.resources:
        by_kind[resource.kind].append(resource)
    lines = [line for kind, resources in by_kind.items() if kind in RULES for line in RULES[kind](inputs, resources)
             if line.quantity]
    lines.sort(key=lambda line: GROUPS.index(line.group))
    return Bill(scenario, tuple(lines), sum(line.usd for line in lines), _always_free(lines))


def _always_free(lines: list[LineItem]) -> float:
    """The value of the always-free units in US dollars; lines at the same price share these units."""
    used: dict[str, float] = defaultdict(float)
    prices = {line.price.key: line.price for line in lines}
    for line in lines:
        used[line.price.key] += line.quantity
    return sum(min(used[key], price.free) * price.usd_per_unit for key, price in prices.items())
