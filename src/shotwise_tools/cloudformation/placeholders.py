"""What Ref and Fn::GetAtt of a resource would give: names, ids and ARNs that read like the real ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
PSEUDO: dict[str, Any] = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws",
                          "AWS::URLSuffix": "amazonaws.com", "AWS::NotificationARNs": []}

# The property that fixes a resource's name; without it CloudFormation makes one.
NAMED_BY = {
    "AWS::Logs::LogGroup": "LogGroupName", "AWS::Lambda::Function": "FunctionName", "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::S3::Bucket": "BucketName", "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName", "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::ECS::Cluster": "ClusterName", "AWS::ECS::Service": "ServiceName", "AWS::ECS::TaskDefinition": "Family",
    "AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName", "AWS::ApiGateway::Stage": "StageName",
    "AWS::ApiGateway::DomainName": "DomainName", "AWS::ApiGatewayV2::Stage": "StageName",
    "AWS::Serverless::Api.Stage": "StageName",
    "AWS::Route53::RecordSet": "Name", "AWS::KMS::Alias": "AliasName", "AWS::WAFv2::WebACL": "Name",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name", "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::S3Vectors::VectorBucket": "VectorBucketName", "AWS::S3Vectors::Index": "IndexName",
    "Custom::OpenSearchIndex": "Index", "AWS::Serverless::Function": "FunctionName",
    "AWS::Serverless::StateMachine": "Name", "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
}


def mark(text: str, length: int = 10) -> str:
    """Letters and digits that are always the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _ids(prefix: str) -> Callable[[str, Any], str]:
    return lambda name, properties: f"{prefix}-{mark(name, 17)}"


def _balanced(kind: str) -> Callable[[str, Any], str]:
    return lambda name, properties: _arn("elasticloadbalancing", f"{kind}/{name[:32]}/{mark(name, 16)}")


def _domain(name: str, properties: Any) -> str:
    return f"d-{mark(name)}.execute-api.{REGION}.amazonaws.com"


Maker = Callable[[str, Any], str]  # from the name, and from a function that evaluates one of the properties

ARNS: dict[str, Maker] = {
    "AWS::IAM::Role": lambda name, _: f"arn:aws:iam::{ACCOUNT}:role/{name}",
    "AWS::IAM::ManagedPolicy": lambda name, _: f"arn:aws:iam::{ACCOUNT}:policy/{name}",
    "AWS::Lambda::Function": lambda name, _: _arn("lambda", f"function:{name}"),
    "AWS::Serverless::Function": lambda name, _: _arn("lambda", f"function:{name}"),
    "AWS::Lambda::Alias": lambda name, of: _arn("lambda", f"function:{of('FunctionName')}:{of('Name')}"),
    "AWS::Lambda::Version": lambda name, of: _arn("lambda", f"function:{of('FunctionName')}:1"),
    "AWS::Lambda::LayerVersion": lambda name, _: _arn("lambda", f"layer:{name}:1"),
    "AWS::Serverless::LayerVersion": lambda name, _: _arn("lambda", f"layer:{name}:1"),
    "AWS::S3::Bucket": lambda name, _: f"arn:aws:s3:::{name}",
    "AWS::SQS::Queue": lambda name, _: _arn("sqs", name),
    "AWS::SNS::Topic": lambda name, _: _arn("sns", name),
    "AWS::StepFunctions::StateMachine": lambda name, _: _arn("states", f"stateMachine:{name}"),
    "AWS::Serverless::StateMachine": lambda name, _: _arn("states", f"stateMachine:{name}"),
    "AWS::Logs::LogGroup": lambda name, _: _arn("logs", f"log-group:{name}:*"),
    "AWS::KMS::Key": lambda name, _: _arn("kms", f"key/{_key(name)}"),
    "AWS::ECS::Cluster": lambda name, _: _arn("ecs", f"cluster/{name}"),
    "AWS::ECS::Service": lambda name, of: _arn("ecs", f"service/{of('Cluster').rpartition('/')[2]}/{name}"),
    "AWS::ECS::TaskDefinition": lambda name, _: _arn("ecs", f"task-definition/{name}:1"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balanced("loadbalancer/app"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _balanced("targetgroup"),
    "AWS::ElasticLoadBalancingV2::Listener": _balanced("listener/app"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": _balanced("listener-rule/app"),
    "AWS::WAFv2::WebACL": lambda name, _: _arn("wafv2", f"regional/webacl/{name}/{mark(name)}"),
    "AWS::WAFv2::IPSet": lambda name, _: _arn("wafv2", f"regional/ipset/{name}/{mark(name)}"),
    "AWS::OpenSearchServerless::Collection": lambda name, _: _arn("aoss", f"collection/{mark(name, 20)}"),
    "AWS::S3Vectors::VectorBucket": lambda name, _: _arn("s3vectors", f"bucket/{name}"),
    "AWS::S3Vectors::Index": lambda name, of: f"{of('VectorBucketArn')}/index/{name}",
    "AWS::Bedrock::KnowledgeBase": lambda name, _: _arn("bedrock", f"knowledge-base/{mark(name).upper()}"),
    "AWS::CloudWatch::Alarm": lambda name, _: _arn("cloudwatch", f"alarm:{name}"),
    "AWS::CloudWatch::CompositeAlarm": lambda name, _: _arn("cloudwatch", f"alarm:{name}"),
    "AWS::CloudFormation::Stack": lambda name, _: _arn("cloudformation", f"stack/{name}/{_key(name)}"),
    "AWS::Lambda::CodeSigningConfig": lambda name, _: _arn("lambda", f"code-signing-config:csc-{mark(name, 17)}"),
}

# What Ref gives where it is not the name.
REFERENCES: dict[str, Maker] = {kind: ARNS[kind] for kind in (
    "AWS::IAM::ManagedPolicy", "AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion",
    "AWS::Serverless::LayerVersion", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::StateMachine", "AWS::ECS::Service", "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::S3Vectors::VectorBucket", "AWS::S3Vectors::Index", "AWS::CloudFormation::Stack")} | {
    "AWS::SQS::Queue": lambda name, _: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
    "AWS::KMS::Key": lambda name, _: _key(name),
    "AWS::ApiGateway::RestApi": lambda name, _: mark(name),
    "AWS::Serverless::Api": lambda name, _: mark(name),
    "AWS::ApiGateway::Deployment": lambda name, _: mark(name, 6),
    "AWS::EC2::VPC": _ids("vpc"),
    "AWS::EC2::Subnet": _ids("subnet"),
    "AWS::EC2::SecurityGroup": _ids("sg"),
    "AWS::EC2::RouteTable": _ids("rtb"),
    "AWS::EC2::PrefixList": _ids("pl"),
    "AWS::EC2::NatGateway": _ids("nat"),
    "AWS::EC2::InternetGateway": _ids("igw"),
    "AWS::EC2::VPCEndpoint": _ids("vpce"),
    "AWS::OpenSearchServerless::VpcEndpoint": _ids("vpce"),
    "AWS::EC2::EIP": lambda name, _: "198.51.100.7",
    "AWS::OpenSearchServerless::Collection": lambda name, _: mark(name, 20),
    "AWS::Bedrock::KnowledgeBase": lambda name, _: mark(name).upper(),
    "AWS::Bedrock::DataSource": lambda name, of: f"{of('KnowledgeBaseId')}|{mark(name).upper()}",
    "AWS::WAFv2::WebACL": lambda name, _: f"{name}|{mark(name)}|REGIONAL",
}

_LOADED = "AWS::ElasticLoadBalancingV2::LoadBalancer"
ATTRIBUTES: dict[tuple[str, str], Maker] = {
    ("AWS::S3::Bucket", "DomainName"): lambda name, _: f"{name}.s3.amazonaws.com",
    ("AWS::S3::Bucket", "RegionalDomainName"): lambda name, _: f"{name}.s3.{REGION}.amazonaws.com",
    ("AWS::EC2::SecurityGroup", "GroupId"): _ids("sg"),
    ("AWS::EC2::VPC", "DefaultSecurityGroup"): _ids("sg"),
    ("AWS::EC2::PrefixList", "PrefixListId"): _ids("pl"),
    ("AWS::EC2::VPC", "CidrBlock"): lambda name, of: str(of("CidrBlock")),
    ("AWS::EC2::EIP", "AllocationId"): _ids("eipalloc"),
    ("AWS::Lambda::Url", "FunctionUrl"): lambda name, _: f"https://{mark(name, 32)}.lambda-url.{REGION}.on.aws/",
    ("AWS::Lambda::Version", "Version"): lambda name, _: "1",
    ("AWS::ApiGateway::RestApi", "RootResourceId"): lambda name, _: mark(f"{name}/"),
    ("AWS::ApiGateway::DomainName", "RegionalDomainName"): _domain,
    ("AWS::ApiGateway::DomainName", "RegionalHostedZoneId"): lambda name, _: "Z1UJRXOUMOOFQ8",
    (_LOADED, "DNSName"): lambda name, _: f"{name[:32]}-1.{REGION}.elb.amazonaws.com",
    (_LOADED, "CanonicalHostedZoneID"): lambda name, _: "Z35SXDOTRQ7X7K",
    (_LOADED, "LoadBalancerFullName"): lambda name, _: f"app/{name[:32]}/{mark(name, 16)}",
    (_LOADED, "LoadBalancerName"): lambda name, _: name[:32],
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName"):
        lambda name, _: f"targetgroup/{name[:32]}/{mark(name, 16)}",
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupName"): lambda name, _: name[:32],
    ("AWS::OpenSearchServerless::Collection", "Id"): lambda name, _: mark(name, 20),
    ("AWS::OpenSearchServerless::Collection", "CollectionEndpoint"):
        lambda name, _: f"https://{mark(name, 20)}.{REGION}.aoss.amazonaws.com",
    ("AWS::Bedrock::KnowledgeBase", "KnowledgeBaseId"): lambda name, _: mark(name).upper(),
    ("AWS::Bedrock::DataSource", "DataSourceId"): lambda name, _: mark(name).upper(),
    ("AWS::WAFv2::WebACL", "Id"): lambda name, _: mark(name),
    ("AWS::IAM::Role", "RoleId"): lambda name, _: f"AROA{mark(name, 17).upper()}",
}


def _key(name: str) -> str:
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", mark(name, 32))


def _name(kind: str, made: str, of: Callable[[str], Any]) -> str:
    given = of(NAMED_BY[kind]) if kind in NAMED_BY else None
    return str(given) if given else made.lower() if kind.startswith(("AWS::S3", "AWS::Open")) else made


def reference(kind: str, made: str, of: Callable[[str], Any]) -> str:
    """What Ref gives. `made` is the name that CloudFormation would make; `of` evaluates a property, None without."""
    name = _name(kind, made, of)
    return REFERENCES[kind](name, of) if kind in REFERENCES else name


def attribute(kind: str, made: str, attribute: str, of: Callable[[str], Any]) -> str:
    """What Fn::GetAtt gives; of kinds and attributes that are not listed, something that says what it stands for."""
    name = _name(kind, made, of)
    if (kind, attribute) in ATTRIBUTES:
        return ATTRIBUTES[kind, attribute](name, of)
    if attribute.endswith("Arn"):
        service, _, what = kind.removeprefix("AWS::").lower().partition("::")
        return ARNS[kind](name, of) if kind in ARNS else _arn(service, f"{what}/{name}")
    if attribute.endswith("Name"):
        return name
    return f"{name}.{attribute}"
