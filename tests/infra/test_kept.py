"""What is kept is private, encrypted, and outlives its stack where it cannot be made again."""

from __future__ import annotations

from typing import Any

from shotwise_tools.cloudformation.stacks import NESTED_STACK, Stack

from .systems import system

# Of these an accidental deletion or replacement would take data along, or leave something behind that costs: each says
# which of the two it wants.
STATEFUL = {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::ECR::Repository",
            "AWS::S3Vectors::VectorBucket", "AWS::S3Vectors::Index", "AWS::OpenSearchServerless::Collection",
            "AWS::Bedrock::KnowledgeBase"}
# A first deployment that fails takes along what it made: nothing is in it yet.
KEPT = ("RetainExceptOnCreate", "Retain")


BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
LOGS = {"Logs"}  # written once by the balancer, which knows no key but S3's own


def open_buckets(stack: Stack) -> list[str]:
    """Buckets with something missing of: no public access, encryption, no ACLs, TLS alone, versions where documents
    are changed."""
    tls_only = {policy["Bucket"] for policy in stack.of_type("AWS::S3::BucketPolicy").values()
                for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny" and one["Principal"] == "*"
                and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and len(one["Resource"]) == 2}
    return [name for name, bucket in stack.of_type("AWS::S3::Bucket").items() if not (
        bucket.get("PublicAccessBlockConfiguration") == BLOCKED
        and bucket.get("BucketEncryption") and bucket.get("OwnershipControls")
        and (bucket.get("VersioningConfiguration") == {"Status": "Enabled"} or name in LOGS)
        and f"{stack.name}-{name}".lower() in tls_only)]


def unsaid(stack: Stack) -> list[str]:
    """Resources that keep something and do not say what becomes of it."""
    return [name for name, one in stack.resources.items()
            if one["Type"] in STATEFUL and not ("DeletionPolicy" in one and "UpdateReplacePolicy" in one)]


def test_buckets_are_private_and_encrypted(any_system: Stack) -> None:
    """No public access, the system's own key, TLS only, versions, an end to halves of uploads."""
    key = any_system.nested["Data"].outputs["KeyArn"]
    for stack in any_system.stacks():
        assert open_buckets(stack) == [], stack.name
        for name, bucket in stack.of_type("AWS::S3::Bucket").items():
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            ours = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            wanted = {"SSEAlgorithm": "AES256"} if name in LOGS else ours
            assert rule["ServerSideEncryptionByDefault"] == wanted, name
            assert any("AbortIncompleteMultipartUpload" in one for one in bucket["LifecycleConfiguration"]["Rules"])


def test_an_open_bucket_is_found() -> None:
    """The companion: without its policy, or without one of the four blocks, a bucket is open."""
    data = system("dev").nested["Data"]
    without = {name: one for name, one in data.resources.items() if name != "ChartsTlsOnly"}
    assert open_buckets(Stack(data.name, {}, {}, without, {})) == ["ChartsBucket"]
    bucket: dict[str, Any] = data.resources["LibraryBucket"]
    loose = {**bucket["Properties"], "PublicAccessBlockConfiguration": dict(list(BLOCKED.items())[:3])}
    assert open_buckets(Stack(data.name, {}, {}, {**data.resources, "LibraryBucket": {**bucket, "Properties": loose}},
                              {})) == ["LibraryBucket"]


def test_everything_that_keeps_something_says_what_becomes_of_it(any_system: Stack) -> None:
    """DeletionPolicy and UpdateReplacePolicy, the default left to nothing."""
    assert [(stack.name, found) for stack in any_system.stacks() if (found := unsaid(stack))] == []


def test_what_says_nothing_is_found() -> None:
    """The companion."""
    queue = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {}}
    assert unsaid(Stack("shotwise", {}, {}, {"Queue": queue}, {})) == ["Queue"]


def test_no_data_is_lost_with_its_stack(any_system: Stack) -> None:
    """Buckets and their key stay when a stack is deleted, and so does the stack that holds them."""
    for stack in any_system.stacks():
        for name, one in stack.resources.items():
            if one["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key"):
                assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == KEPT, name
    data = any_system.resources["Data"]
    assert data["Type"] == NESTED_STACK and (data["DeletionPolicy"], data["UpdateReplacePolicy"]) == KEPT


def test_the_key_turns_and_is_not_lost_in_a_hurry() -> None:
    """Rotated every year, and thirty days to think again."""
    (key,) = system("prod").nested["Data"].of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True and key["PendingWindowInDays"] == 30
