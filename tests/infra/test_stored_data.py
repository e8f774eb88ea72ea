"""Stored data is private and encrypted, and outlives its stack where it cannot be created again."""

from __future__ import annotations

from typing import Any

from shotwise_tools.cloudformation.stacks import NESTED_STACK, Stack

from .systems import system

# Deleting or replacing one of these by accident would lose data, or leave something behind that costs: each has to say
# which of the two is wanted.
STATEFUL = {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::ECR::Repository",
            "AWS::S3Vectors::VectorBucket", "AWS::S3Vectors::Index", "AWS::OpenSearchServerless::Collection",
            "AWS::Bedrock::KnowledgeBase"}
# A first deployment that fails deletes what it created: it is still empty.
RETAINED = ("RetainExceptOnCreate", "Retain")


BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
LOGS = {"Logs"}  # written once by the balancer, which supports only S3's own keys


def open_buckets(stack: Stack) -> list[str]:
    """Buckets that lack a protection.

    No public access, encryption, no ACLs, TLS only, and versions where objects are changed.
    """
    tls_only = {policy["Bucket"] for policy in stack.of_type("AWS::S3::BucketPolicy").values()
                for statement in policy["PolicyDocument"]["Statement"]
                if statement["Effect"] == "Deny" and statement["Principal"] == "*"
                and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                and len(statement["Resource"]) == 2}
    return [name for name, bucket in stack.of_type("AWS::S3::Bucket").items() if not (
        bucket.get("PublicAccessBlockConfiguration") == BLOCKED
        and bucket.get("BucketEncryption") and bucket.get("OwnershipControls")
        and (bucket.get("VersioningConfiguration") == {"Status": "Enabled"} or name in LOGS)
        and f"{stack.name}-{name}".lower() in tls_only)]


def without_deletion_policy(stack: Stack) -> list[str]:
    """Resources that store something and have no deletion policy."""
    return [name for name, resource in stack.resources.items()
            if resource["Type"] in STATEFUL and not {"DeletionPolicy", "UpdateReplacePolicy"} <= set(resource)]


def test_buckets_are_private_and_encrypted(any_system: Stack) -> None:
    """No public access, the system's own key, TLS only, versions, and an end of incomplete uploads."""
    key = any_system.nested["Data"].outputs["KeyArn"]
    for stack in any_system.stacks():
        assert open_buckets(stack) == [], stack.name
        for name, bucket in stack.of_type("AWS::S3::Bucket").items():
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            ours = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            expected = {"SSEAlgorithm": "AES256"} if name in LOGS else ours
            assert rule["ServerSideEncryptionByDefault"] == expected, name
            assert any("AbortIncompleteMultipartUpload" in lifecycle
                       for lifecycle in bucket["LifecycleConfiguration"]["Rules"])


def test_an_open_bucket_is_found() -> None:
    """Without its policy, or without one of the four blocks, a bucket is reported."""
    data = system("dev").nested["Data"]
    without = {name: resource for name, resource in data.resources.items() if name != "ChartsTlsOnly"}
    assert open_buckets(Stack(data.name, {}, {}, without, {})) == ["ChartsBucket"]
    bucket: dict[str, Any] = data.resources["LibraryBucket"]
    loose = {**bucket["Properties"], "PublicAccessBlockConfiguration": dict(list(BLOCKED.items())[:3])}
    assert open_buckets(Stack(data.name, {}, {}, {**data.resources, "LibraryBucket": {**bucket, "Properties": loose}},
                              {})) == ["LibraryBucket"]


def test_every_stateful_resource_has_a_deletion_policy(any_system: Stack) -> None:
    """DeletionPolicy and UpdateReplacePolicy are set, not left to their defaults."""
    assert [(stack.name, names) for stack in any_system.stacks() if (names := without_deletion_policy(stack))] == []


def test_a_missing_deletion_policy_is_found() -> None:
    """A queue without UpdateReplacePolicy is reported."""
    queue = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {}}
    assert without_deletion_policy(Stack("shotwise", {}, {}, {"Queue": queue}, {})) == ["Queue"]


def test_no_data_is_lost_with_its_stack(any_system: Stack) -> None:
    """Buckets and their key stay when a stack is deleted, and so does the stack that holds them."""
    for stack in any_system.stacks():
        for name, resource in stack.resources.items():
            if resource["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key"):
                assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == RETAINED, name
    data = any_system.resources["Data"]
    assert data["Type"] == NESTED_STACK and (data["DeletionPolicy"], data["UpdateReplacePolicy"]) == RETAINED


def test_the_key_is_rotated_and_deleted_late() -> None:
    """It is rotated every year, and its deletion can be cancelled for thirty days."""
    (key,) = system("prod").nested["Data"].of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True and key["PendingWindowInDays"] == 30
