"""Resolved resources can be created: moto's services accept their properties and return them."""

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
def prod(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Prod, in an empty account of moto; dev has no resource of these kinds that prod has not."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):  # its parser reads the definition
        yield system("prod")


def client(service: str) -> Any:
    """A client of moto's account."""
    return boto3.client(service, region_name=REGION)


def create_roles(stack: Stack) -> dict[str, dict[str, Any]]:
    """Create every role with its inline policies; name → properties."""
    iam, roles = client("iam"), {}
    for each_stack in stack.stacks():
        for logical, role in each_stack.of_type("AWS::IAM::Role").items():
            name = f"{each_stack.name}-{logical}"
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]),
                            Description=role.get("Description", ""))
            for policy in role.get("Policies", []):
                document = {"Version": "2012-10-17", **policy["PolicyDocument"]}
                iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(document))
            roles[name] = role
    return roles


def test_roles_are_created_with_their_policies(prod: Stack) -> None:
    """IAM accepts trust and inline policies, within 10,240 characters, and returns them."""
    iam = client("iam")
    for name, role in create_roles(prod).items():
        trusted = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        assert trusted["Statement"] == role["AssumeRolePolicyDocument"]["Statement"]
        inline = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                  for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]]
        assert sorted(json.dumps(policy["Statement"]) for policy in inline) == \
            sorted(json.dumps(policy["PolicyDocument"]["Statement"]) for policy in role.get("Policies", []))
        assert sum(len(json.dumps(policy, separators=(",", ":"))) for policy in inline) <= 10_240, name


def test_managed_policies_are_created(prod: Stack) -> None:
    """IAM accepts each within 6,144 characters, and no role has more than ten."""
    roles = create_roles(prod)
    attached = {name: len(role.get("ManagedPolicyArns", [])) for name, role in roles.items()}
    for name, policy in prod.all_of_type("AWS::IAM::ManagedPolicy").items():
        text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
        arn = client("iam").create_policy(PolicyName=name.replace(".", "-"), PolicyDocument=text)["Policy"]["Arn"]
        for role in policy.get("Roles", []):
            client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
            attached[role] += 1
        assert len(text) <= 6_144
    assert max(attached.values()) <= 10


def test_a_bad_policy_is_refused(prod: Stack) -> None:
    """IAM refuses a document with an unknown action."""
    name = next(iter(create_roles(prod)))
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        client("iam").put_role_policy(RoleName=name, PolicyName="bad", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "everything", "Resource": "*"}]}))


def test_the_workflow_is_created(prod: Stack) -> None:
    """Step Functions accepts the definition as an Express workflow that calls aliases."""
    create_roles(prod)
    (machine,) = prod.of_type("AWS::StepFunctions::StateMachine").values()
    states, text = client("stepfunctions"), definition(machine)
    arn = states.create_state_machine(name="diagnose", definition=text, roleArn=machine["RoleArn"],
                                      type=machine["StateMachineType"])["stateMachineArn"]
    description = states.describe_state_machine(stateMachineArn=arn)
    assert description["type"] == "EXPRESS" and json.loads(description["definition"]) == json.loads(text)
    tasks = [state for state in json.loads(text)["States"].values() if state["Type"] == "Task"]
    called = set(ALIAS.findall(text))
    assert called == {"Predict", "Importance", "RagQuery"} and tasks and "${" not in text
    with pytest.raises(ClientError, match="ASLParserException"):
        states.create_state_machine(name="bad", definition=text.replace('"StartAt"', '"Starts"'),
                                    roleArn=machine["RoleArn"])


def create_queues(prod: Stack) -> None:
    """Create every queue; dead-letter queues first, because the others refer to them."""
    queues = prod.all_of_type("AWS::SQS::Queue")
    for name, queue in sorted(queues.items(), key=lambda pair: "RedrivePolicy" in pair[1]):
        attributes = {name: setting if isinstance(setting, str) else json.dumps(setting)
                      for name, setting in queue.items() if name not in ("Tags", "QueueName")}
        client("sqs").create_queue(QueueName=name.replace(".", "-"), Attributes=attributes)


def test_queues_are_created_with_their_dead_letters(prod: Stack) -> None:
    """SQS returns the properties, and every redrive policy leads to an existing queue."""
    create_queues(prod)
    sqs = client("sqs")
    for name, queue in prod.all_of_type("AWS::SQS::Queue").items():
        url = sqs.get_queue_url(QueueName=name.replace(".", "-"))["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["SqsManagedSseEnabled"] == "true"
        if "RedrivePolicy" in queue:
            dead_letters_arn = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
            assert sqs.get_queue_url(QueueName=dead_letters_arn.rpartition(":")[2])["QueueUrl"]


def test_buckets_are_created_with_all_their_properties(prod: Stack) -> None:
    """S3 accepts encryption, versions, lifecycle, ownership, notifications and the policy, and returns them."""
    create_queues(prod)
    s3 = client("s3")
    for stack in prod.stacks():
        policies = {policy["Bucket"]: policy["PolicyDocument"]
                    for policy in stack.of_type("AWS::S3::BucketPolicy").values()}
        for logical, bucket in stack.of_type("AWS::S3::Bucket").items():
            name = f"{stack.name}-{logical}".lower()
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION},
                             ObjectOwnership=bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"])
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policies[name]))
            configure(name, bucket)
            (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
            assert [rule["ApplyServerSideEncryptionByDefault"]] == [
                configured["ServerSideEncryptionByDefault"] for configured in
                bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]]
            assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
            assert s3.get_bucket_versioning(Bucket=name).get("Status") == \
                bucket.get("VersioningConfiguration", {}).get("Status")
            lifecycle_rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
            assert [lifecycle_rule["ID"] for lifecycle_rule in lifecycle_rules] == [
                configured["Id"] for configured in bucket["LifecycleConfiguration"]["Rules"]]
            notifications = s3.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations", [])
            assert len(notifications) == len(bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", []))
            assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) == policies[name]


def configure(name: str, bucket: dict[str, Any]) -> None:
    """Make the calls that CloudFormation makes after creating a bucket."""
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
    notifications = bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": notification["Queue"], "Events": [notification["Event"]]} for notification in notifications]})


def lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """Convert a lifecycle rule from CloudFormation's form to that of S3's API."""
    converted = {key: setting for key, setting in rule.items() if key not in ("Id", "Prefix", "ExpirationInDays")}
    if "NoncurrentVersionExpiration" in converted:
        converted["NoncurrentVersionExpiration"] = dict(converted["NoncurrentVersionExpiration"])
    if "ExpirationInDays" in rule:
        converted["Expiration"] = {"Days": rule["ExpirationInDays"]}
    return {"ID": rule["Id"], "Filter": {"Prefix": rule.get("Prefix", "")}, **converted}


def imported_integrations(body: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(path, method) → integration, of the API that API Gateway creates from a description."""
    gateway, body = client("apigateway"), copy.deepcopy(body)
    for operations in body["paths"].values():
        for method in set(operations) & METHODS:  # API Gateway needs neither of a mock, moto cannot do without
            operations[method]["x-amazon-apigateway-integration"] |= {"uri": "", "httpMethod": "POST"} \
                if operations[method]["x-amazon-apigateway-integration"]["type"] == "mock" else {}
    api = gateway.import_rest_api(body=json.dumps(body).encode(), failOnWarnings=True)["id"]
    integrations = {}
    for resource in gateway.get_resources(restApiId=api, limit=500)["items"]:
        for method in resource.get("resourceMethods", {}):
            integrations[resource["path"], method.lower()] = gateway.get_integration(
                restApiId=api, resourceId=resource["id"], httpMethod=method)
    return integrations


def test_the_expanded_description_is_imported(prod: Stack) -> None:
    """Every route of api/openapi.yaml exists with its integration.

    Functions are called by their alias, the workflow by StartSyncExecution, and OPTIONS is a mock.
    """
    (api,) = prod.of_type("AWS::ApiGateway::RestApi").values()
    integrations = imported_integrations(api["Body"])
    described = load_yaml(ROOT / "api/openapi.yaml")["paths"]
    assert set(integrations) == {(path, method) for path, operations in described.items()
                                 for method in set(operations) & METHODS}
    for (path, method), integration in integrations.items():
        expected = described[path][method]["x-amazon-apigateway-integration"]
        assert integration["type"].lower() == expected["type"], path
        if expected["type"] == "aws_proxy":
            assert ALIAS.search(integration["uri"]) and "/functions/arn:aws:lambda:" in integration["uri"], path
        elif expected["type"] == "aws":
            assert integration["uri"].endswith(":states:action/StartSyncExecution") and path == "/diagnose"
        else:
            assert method == "options"


def test_a_lost_route_is_found(prod: Stack) -> None:
    """Without one of its methods the imported API differs from the description."""
    (api,) = prod.of_type("AWS::ApiGateway::RestApi").values()
    body = copy.deepcopy(api["Body"])
    del body["paths"]["/predict"]["post"]
    assert ("/predict", "post") in imported_integrations(api["Body"])
    assert ("/predict", "post") not in imported_integrations(body)
