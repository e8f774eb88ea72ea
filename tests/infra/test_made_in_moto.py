"""What is resolved can be made: moto's services take the properties as they are, and give them back."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.placeholders import ACCOUNT, REGION
from shotwise_tools.cloudformation.stacks import Stack

from .systems import system
from .transformed import ROOT, definition

ALIAS = re.compile(rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shotwise-(\w+)Function:live")
METHODS = {"get", "post", "put", "delete", "options"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """prod, inside an account of moto's that is empty. dev has nothing of these kinds that prod has not."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):  # its parser reads the definition
        yield system("prod")


def client(service: str) -> Any:
    """A client of moto's account."""
    return boto3.client(service, region_name=REGION)


def make_roles(stack: Stack) -> dict[str, dict[str, Any]]:
    """Every role with its inline policies; name → properties."""
    iam, found = client("iam"), {}
    for one in stack.stacks():
        for logical, role in one.of_type("AWS::IAM::Role").items():
            name = f"{one.name}-{logical}"
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]),
                            Description=role.get("Description", ""))
            for policy in role.get("Policies", []):
                document = {"Version": "2012-10-17", **policy["PolicyDocument"]}
                iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(document))
            found[name] = role
    return found


def test_roles_are_made_with_their_policies(made: Stack) -> None:
    """IAM takes every trust policy and every inline policy, within its 10,240 characters, and gives them back."""
    iam = client("iam")
    for name, role in make_roles(made).items():
        trusted = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        assert trusted["Statement"] == role["AssumeRolePolicyDocument"]["Statement"]
        inline = [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]
                  for one in iam.list_role_policies(RoleName=name)["PolicyNames"]]
        assert sorted(json.dumps(one["Statement"]) for one in inline) == \
            sorted(json.dumps(one["PolicyDocument"]["Statement"]) for one in role.get("Policies", []))
        assert sum(len(json.dumps(one, separators=(",", ":"))) for one in inline) <= 10_240, name


def test_managed_policies_are_made(made: Stack) -> None:
    """IAM takes each, within its 6,144 characters, and a role has ten at most."""
    roles = make_roles(made)
    attached = {name: len(role.get("ManagedPolicyArns", [])) for name, role in roles.items()}
    for name, policy in made.all_of_type("AWS::IAM::ManagedPolicy").items():
        text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
        arn = client("iam").create_policy(PolicyName=name.replace(".", "-"), PolicyDocument=text)["Policy"]["Arn"]
        for role in policy.get("Roles", []):
            client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
            attached[role] += 1
        assert len(text) <= 6_144
    assert max(attached.values()) <= 10


def test_a_bad_policy_is_not_made(made: Stack) -> None:
    """The companion: IAM refuses a document with an action that is none."""
    name = next(iter(make_roles(made)))
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        client("iam").put_role_policy(RoleName=name, PolicyName="bad", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "everything", "Resource": "*"}]}))


def test_the_workflow_is_made(made: Stack) -> None:
    """Step Functions parses the definition after its substitutions, as Express, with tracing, and calls aliases."""
    make_roles(made)
    (machine,) = made.of_type("AWS::StepFunctions::StateMachine").values()
    states, text = client("stepfunctions"), definition(machine)
    arn = states.create_state_machine(name="diagnose", definition=text, roleArn=machine["RoleArn"],
                                      type=machine["StateMachineType"])["stateMachineArn"]
    found = states.describe_state_machine(stateMachineArn=arn)
    assert found["type"] == "EXPRESS" and json.loads(found["definition"]) == json.loads(text)
    tasks = [state for state in json.loads(text)["States"].values() if state["Type"] == "Task"]
    called = set(ALIAS.findall(text))
    assert called == {"Predict", "Importance", "RagQuery"} and tasks and "${" not in text
    with pytest.raises(ClientError, match="ASLParserException"):
        states.create_state_machine(name="bad", definition=text.replace('"StartAt"', '"Starts"'),
                                    roleArn=machine["RoleArn"])


def make_queues(made: Stack) -> None:
    """Every queue by its resolved properties: dead letters first, because the others point at them."""
    queues = made.all_of_type("AWS::SQS::Queue")
    for name, queue in sorted(queues.items(), key=lambda one: "RedrivePolicy" in one[1]):
        given = {key: one if isinstance(one, str) else json.dumps(one) for key, one in queue.items()
                 if key not in ("Tags", "QueueName")}
        client("sqs").create_queue(QueueName=name.replace(".", "-"), Attributes=given)


def test_queues_are_made_and_keep_what_failed(made: Stack) -> None:
    """SQS gives the properties back, and a redrive policy leads to a queue that there is."""
    make_queues(made)
    sqs = client("sqs")
    for name, queue in made.all_of_type("AWS::SQS::Queue").items():
        url = sqs.get_queue_url(QueueName=name.replace(".", "-"))["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert found["SqsManagedSseEnabled"] == "true"
        if "RedrivePolicy" in queue:
            dead = json.loads(found["RedrivePolicy"])["deadLetterTargetArn"]
            assert sqs.get_queue_url(QueueName=dead.rpartition(":")[2])["QueueUrl"]


def test_buckets_are_made_with_all_their_properties(made: Stack) -> None:
    """S3 takes encryption, versions, lifecycle, ownership, notifications and the policy, and gives them back."""
    make_queues(made)
    s3 = client("s3")
    for one in made.stacks():
        policies = {policy["Bucket"]: policy["PolicyDocument"]
                    for policy in one.of_type("AWS::S3::BucketPolicy").values()}
        for logical, bucket in one.of_type("AWS::S3::Bucket").items():
            name = f"{one.name}-{logical}".lower()
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION},
                             ObjectOwnership=bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"])
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policies[name]))
            configure(name, bucket)
            (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
            assert [rule["ApplyServerSideEncryptionByDefault"]] == [
                one["ServerSideEncryptionByDefault"] for one in
                bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]]
            assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
            assert s3.get_bucket_versioning(Bucket=name).get("Status") == \
                bucket.get("VersioningConfiguration", {}).get("Status")
            kept = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
            assert [one["ID"] for one in kept] == [one["Id"] for one in bucket["LifecycleConfiguration"]["Rules"]]
            told = s3.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations", [])
            assert len(told) == len(bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", []))
            assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) == policies[name]


def configure(name: str, bucket: dict[str, Any]) -> None:
    """The calls that CloudFormation would make after the bucket is there."""
    s3 = client("s3")
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=bucket["PublicAccessBlockConfiguration"])
    if "VersioningConfiguration" in bucket:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=bucket["VersioningConfiguration"])
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
        {"BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
         "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        for rule in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]]})
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [
        lifecycle(rule) for rule in bucket["LifecycleConfiguration"]["Rules"]]})
    told = bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": one["Queue"], "Events": [one["Event"]]} for one in told]})


def lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as S3's own API wants it, which differs from CloudFormation's."""
    found = {key: one for key, one in rule.items() if key not in ("Id", "Prefix", "ExpirationInDays")}
    if "NoncurrentVersionExpiration" in found:
        found["NoncurrentVersionExpiration"] = dict(found["NoncurrentVersionExpiration"])
    if "ExpirationInDays" in rule:
        found["Expiration"] = {"Days": rule["ExpirationInDays"]}
    return {"ID": rule["Id"], "Filter": {"Prefix": rule.get("Prefix", "")}, **found}


def imported(body: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(path, method) → the integration, of what API Gateway makes of a description."""
    gateway, body = client("apigateway"), copy.deepcopy(body)
    for item in body["paths"].values():
        for method in set(item) & METHODS:  # API Gateway needs neither of a mock, moto cannot do without
            item[method]["x-amazon-apigateway-integration"] |= {"uri": "", "httpMethod": "POST"} \
                if item[method]["x-amazon-apigateway-integration"]["type"] == "mock" else {}
    api = gateway.import_rest_api(body=json.dumps(body).encode(), failOnWarnings=True)["id"]
    found = {}
    for resource in gateway.get_resources(restApiId=api, limit=500)["items"]:
        for method in resource.get("resourceMethods", {}):
            found[resource["path"], method.lower()] = gateway.get_integration(
                restApiId=api, resourceId=resource["id"], httpMethod=method)
    return found


def test_the_expanded_description_is_imported(made: Stack) -> None:
    """Every route of api/openapi.yaml is there, with its integration: functions by their alias, the workflow by
    StartSyncExecution, OPTIONS by a mock."""
    (api,) = made.of_type("AWS::ApiGateway::RestApi").values()
    found = imported(api["Body"])
    described = load_yaml(ROOT / "api/openapi.yaml")["paths"]
    assert set(found) == {(path, method) for path, item in described.items() for method in set(item) & METHODS}
    for (path, method), integration in found.items():
        wanted = described[path][method]["x-amazon-apigateway-integration"]
        assert integration["type"].lower() == wanted["type"], path
        if wanted["type"] == "aws_proxy":
            assert ALIAS.search(integration["uri"]) and "/functions/arn:aws:lambda:" in integration["uri"], path
        elif wanted["type"] == "aws":
            assert integration["uri"].endswith(":states:action/StartSyncExecution") and path == "/diagnose"
        else:
            assert method == "options"


def test_a_lost_route_is_found(made: Stack) -> None:
    """The companion: without one of its methods the imported API is not the described one."""
    (api,) = made.of_type("AWS::ApiGateway::RestApi").values()
    body = copy.deepcopy(api["Body"])
    del body["paths"]["/predict"]["post"]
    assert ("/predict", "post") in imported(api["Body"]) and ("/predict", "post") not in imported(body)
