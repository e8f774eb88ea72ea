"""Make placeholders for what AWS would return for Ref and Fn::GetAtt: names, ids and ARNs that look real."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
PSEUDO_PARAMETERS: dict[str, Any] = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws",
                          "AWS::URLSuffix": "amazonaws.com", "AWS::NotificationARNs": []}

# The property that sets a resource's name; without it CloudFormation generates one.
NAME_PROPERTIES = {
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


def stable_id(text: str, length: int = 10) -> str:
    """Return hexadecimal digits that look random; the same text always gives the same ones."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _ids(prefix: str) -> Callable[[str, Any], str]:
    return lambda name, properties: f"{prefix}-{stable_id(name, 17)}"


def _elb_arn(kind: str) -> Callable[[str, Any], str]:
    return lambda name, properties: _arn("elasticloadbalancing", f"{kind}/{name[:32]}/{stable_id(name, 16)}")


def _regional_domain(name: str, properties: Any) -> str:
    return f"d-{stable_id(name)}.execute-api.{REGION}.amazonaws.com"


# (name of a resource, function that evaluates one of its properties) → placeholder
Placeholder = Callable[[str, Any], str]

ARNS: dict[str, Placeholder] = {
    "AWS::IAM::Role": lambda name, _: f"arn:aws:iam::{ACCOUNT}:role/{name}",
    "AWS::IAM::ManagedPolicy": lambda name, _: f"arn:aws:iam::{ACCOUNT}:policy/{name}",
    "AWS::Lambda::Function": lambda name, _: _arn("lambda", f"function:{name}"),
    "AWS::Serverless::Function": lambda name, _: _arn("lambda", f"function:{name}"),
    "AWS::Lambda::Alias": lambda name, prop: _arn("lambda", f"function:{prop('FunctionName')}:{prop('Name')}"),
    "AWS::Lambda::Version": lambda name, prop: _arn("lambda", f"function:{prop('FunctionName')}:1"),
    "AWS::Lambda::LayerVersion": lambda name, _: _arn("lambda", f"layer:{name}:1"),
    "AWS::Serverless::LayerVersion": lambda name, _: _arn("lambda", f"layer:{name}:1"),
    "AWS::S3::Bucket": lambda name, _: f"arn:aws:s3:::{name}",
    "AWS::SQS::Queue": lambda name, _: _arn("sqs", name),
    "AWS::SNS::Topic": lambda name, _: _arn("sns", name),
    "AWS::StepFunctions::StateMachine": lambda name, _: _arn("states", f"stateMachine:{name}"),
    "AWS::Serverless::StateMachine": lambda name, _: _arn("states", f"stateMachine:{name}"),
    "AWS::Logs::LogGroup": lambda name, _: _arn("logs", f"log-group:{name}:*"),
    "AWS::KMS::Key": lambda name, _: _arn("kms", f"key/{_uuid(name)}"),
    "AWS::ECS::Cluster": lambda name, _: _arn("ecs", f"cluster/{name}"),
    "AWS::ECS::Service": lambda name, prop: _arn("ecs", f"service/{prop('Cluster').rpartition('/')[2]}/{name}"),
    "AWS::ECS::TaskDefinition": lambda name, _: _arn("ecs", f"task-definition/{name}:1"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _elb_arn("loadbalancer/app"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _elb_arn("targetgroup"),
    "AWS::ElasticLoadBalancingV2::Listener": _elb_arn("listener/app"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": _elb_arn("listener-rule/app"),
    "AWS::WAFv2::WebACL": lambda name, _: _arn("wafv2", f"regional/webacl/{name}/{stable_id(name)}"),
    "AWS::WAFv2::IPSet": lambda name, _: _arn("wafv2", f"regional/ipset/{name}/{stable_id(name)}"),
    "AWS::OpenSearchServerless::Collection": lambda name, _: _arn("aoss", f"collection/{stable_id(name, 20)}"),
    "AWS::S3Vectors::VectorBucket": lambda name, _: _arn("s3vectors", f"bucket/{name}"),
    "AWS::S3Vectors::Index": lambda name, prop: f"{prop('VectorBucketArn')}/index/{name}",
    "AWS::Bedrock::KnowledgeBase": lambda name, _: _arn("bedrock", f"knowledge-base/{stable_id(name).upper()}"),
    "AWS::CloudWatch::Alarm": lambda name, _: _arn("cloudwatch", f"alarm:{name}"),
    "AWS::CloudWatch::CompositeAlarm": lambda name, _: _arn("cloudwatch", f"alarm:{name}"),
    "AWS::CloudFormation::Stack": lambda name, _: _arn("cloudformation", f"stack/{name}/{_uuid(name)}"),
    "AWS::Lambda::CodeSigningConfig": lambda name, _: _arn("lambda", f"code-signing-config:csc-{stable_id(name, 17)}"),
}

# Values of Ref, for types where it is not the name.
REF_VALUES: dict[str, Placeholder] = {kind: ARNS[kind] for kind in (
    "AWS::IAM::ManagedPolicy", "AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion",
    "AWS::Serverless::LayerVersion", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::StateMachine", "AWS::ECS::Service", "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::S3Vectors::VectorBucket", "AWS::S3Vectors::Index", "AWS::CloudFormation::Stack")} | {
    "AWS::SQS::Queue": lambda name, _: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
    "AWS::KMS::Key": lambda name, _: _uuid(name),
    "AWS::ApiGateway::RestApi": lambda name, _: stable_id(name),
    "AWS::Serverless::Api": lambda name, _: stable_id(name),
    "AWS::ApiGateway::Deployment": lambda name, _: stable_id(name, 6),
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
    "AWS::OpenSearchServerless::Collection": lambda name, _: stable_id(name, 20),
    "AWS::Bedrock::KnowledgeBase": lambda name, _: stable_id(name).upper(),
    "AWS::Bedrock::DataSource": lambda name, prop: f"{prop('KnowledgeBaseId')}|{stable_id(name).upper()}",
    "AWS::WAFv2::WebACL": lambda name, _: f"{name}|{stable_id(name)}|REGIONAL",
}

_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
ATTRIBUTES: dict[tuple[str, str], Placeholder] = {
    ("AWS::S3::Bucket", "DomainName"): lambda name, _: f"{name}.s3.amazonaws.com",
    ("AWS::S3::Bucket", "RegionalDomainName"): lambda name, _: f"{name}.s3.{REGION}.amazonaws.com",
    ("AWS::EC2::SecurityGroup", "GroupId"): _ids("sg"),
    ("AWS::EC2::VPC", "DefaultSecurityGroup"): _ids("sg"),
    ("AWS::EC2::PrefixList", "PrefixListId"): _ids("pl"),
    ("AWS::EC2::VPC", "CidrBlock"): lambda name, prop: str(prop("CidrBlock")),
    ("AWS::EC2::EIP", "AllocationId"): _ids("eipalloc"),
    ("AWS::Lambda::Url", "FunctionUrl"): lambda name, _: f"https://{stable_id(name, 32)}.lambda-url.{REGION}.on.aws/",
    ("AWS::Lambda::Version", "Version"): lambda name, _: "1",
    ("AWS::ApiGateway::RestApi", "RootResourceId"): lambda name, _: stable_id(f"{name}/"),
    ("AWS::ApiGateway::DomainName", "RegionalDomainName"): _regional_domain,
    ("AWS::ApiGateway::DomainName", "RegionalHostedZoneId"): lambda name, _: "Z1UJRXOUMOOFQ8",
    (_LOAD_BALANCER, "DNSName"): lambda name, _: f"{name[:32]}-1.{REGION}.elb.amazonaws.com",
    (_LOAD_BALANCER, "CanonicalHostedZoneID"): lambda name, _: "Z35SXDOTRQ7X7K",
    (_LOAD_BALANCER, "LoadBalancerFullName"): lambda name, _: f"app/{name[:32]}/{stable_id(name, 16)}",
    (_LOAD_BALANCER, "LoadBalancerName"): lambda name, _: name[:32],
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName"):
        lambda name, _: f"targetgroup/{name[:32]}/{stable_id(name, 16)}",
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupName"): lambda name, _: name[:32],
    ("AWS::OpenSearchServerless::Collection", "Id"): lambda name, _: stable_id(name, 20),
    ("AWS::OpenSearchServerless::Collection", "CollectionEndpoint"):
        lambda name, _: f"https://{stable_id(name, 20)}.{REGION}.aoss.amazonaws.com",
    ("AWS::Bedrock::KnowledgeBase", "KnowledgeBaseId"): lambda name, _: stable_id(name).upper(),
    ("AWS::Bedrock::DataSource", "DataSourceId"): lambda name, _: stable_id(name).upper(),
    ("AWS::WAFv2::WebACL", "Id"): lambda name, _: stable_id(name),
    ("AWS::IAM::Role", "RoleId"): lambda name, _: f"AROA{stable_id(name, 17).upper()}",
}


def _uuid(name: str) -> str:
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", stable_id(name, 32))


def _name(kind: str, generated: str, prop: Callable[[str], Any]) -> str:
    name = prop(NAME_PROPERTIES[kind]) if kind in NAME_PROPERTIES else None
    return str(name) if name else generated.lower() if kind.startswith(("AWS::S3", "AWS::Open")) else generated


def ref_value(kind: str, generated: str, prop: Callable[[str], Any]) -> str:
    """Make the value of Ref.

    Parameters
    ----------
    kind : str
        Type of the resource.
    generated : str
        Name that CloudFormation would generate.
    prop : callable
        Returns the value of one of the resource's properties; None if it is not set.
    """
    name = _name(kind, generated, prop)
    return REF_VALUES[kind](name, prop) if kind in REF_VALUES else name


def attribute_value(kind: str, generated: str, attribute: str, prop: Callable[[str], Any]) -> str:
    """Make the value of Fn::GetAtt; NAME.ATTRIBUTE for an attribute not listed here. Parameters as of `ref_value`."""
    name = _name(kind, generated, prop)
    if (kind, attribute) in ATTRIBUTES:
        return ATTRIBUTES[kind, attribute](name, prop)
    if attribute.endswith("Arn"):
        service, _, resource = kind.removeprefix("AWS::").lower().partition("::")
        return ARNS[kind](name, prop) if kind in ARNS else _arn(service, f"{resource}/{name}")
    if attribute.endswith("Name"):
        return name
    return f"{name}.{attribute}"
