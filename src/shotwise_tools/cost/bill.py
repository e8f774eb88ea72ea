"""A month's bill: every resource goes to the rule of its type, or is known to cost nothing, or is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from shotwise_tools.cost import compute, network, observability, storage
from shotwise_tools.cost.models import Bill, CostError, Line, Month, Resource

Rule = Callable[[Month, list[Resource]], Iterator[Line]]
RULES: Mapping[str, Rule] = {**compute.RULES, **network.RULES, **storage.RULES, **observability.RULES}
# What document A's estimate names. Its total is known, its parts are not: these lines it may have held.
NAMED = ("functions", "API", "workflow", "models", "page")
GROUPS = (*NAMED, "network", "public addresses", "balancer", "endpoints", "vectors", "WAF", "keys", "storage",
          "transfer", "watching")
# Types without a price of their own, and why.
FREE = {
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
    "AWS::WAFv2::LoggingConfiguration": "what it logs is what the firewall refuses: in the assumed logs of the page",
    "AWS::Route53::RecordSet": "questions for an alias of AWS are free; the zone is not made here",
    "AWS::SNS::Topic": "the first 1,000 mails a month are free",
    "AWS::SNS::Subscription": "in the price of the topic",
    "AWS::Budgets::Budget": "a budget that only tells is free",
    "AWS::XRay::SamplingRule": "traces are billed, rules are not",
    "AWS::Events::Rule": "events of AWS's own services are free",
}


def make_bill(scenario: str, month: Month) -> Bill:
    """The bill of a scenario's month. Raises CostError for a type of resource that nobody has priced."""
    unknown = sorted({one.kind for one in month.resources} - RULES.keys() - FREE.keys())
    if unknown:
        where = ", ".join(one.path for one in month.resources if one.kind in unknown)
        raise CostError(f"{', '.join(unknown)} has no price ({where}): add a rule in local/cost, or say in "
                        "src/shotwise_tools/cost/bill.py's FREE why it costs nothing")
    by_kind: dict[str, list[Resource]] = defaultdict(list)
    for resource in month.resources:
        by_kind[resource.kind].append(resource)
    lines = [line for kind, found in by_kind.items() if kind in RULES for line in RULES[kind](month, found)
             if line.quantity]
    lines.sort(key=lambda line: GROUPS.index(line.group))
    return Bill(scenario, tuple(lines), sum(line.usd for line in lines), _always_free(lines))


def _always_free(lines: list[Line]) -> float:
    """What the always-free units take off; lines at one price share them."""
    used: dict[str, float] = defaultdict(float)
    prices = {line.price.key: line.price for line in lines}
    for line in lines:
        used[line.price.key] += line.quantity
    return sum(min(used[key], price.free) * price.value for key, price in prices.items())
