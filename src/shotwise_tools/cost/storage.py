"""Rules for what is kept: buckets and their key, the queue, the stores of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shotwise_tools.cost.compute import ANSWERING, reply_gb
from shotwise_tools.cost.models import GB, HOURS, Line, Month, Resource, line
from shotwise_tools.cost.usage import invocations

CHART_MONTHS = 3.0  # where no lifecycle says otherwise
BUCKET_KEY_SHARE = 0.01  # of S3's requests that still reach KMS where a bucket has a key of its own


def buckets(month: Month, found: list[Resource]) -> Iterator[Line]:
    """What lies in S3 and how often it is asked, and what leaves for the internet."""
    usage = month.usage
    charts = usage.requests["chart"].count  # each drawn once, fetched once
    months = next((days / 30 for days in map(_chart_days, found) if days), CHART_MONTHS)
    kept = charts * usage.chart_bytes * months + 2 * usage.assumed["documents_kept"] * usage.document_bytes
    changed = usage.assumed["documents_changed"]
    reads = charts + usage.assumed["library_reads"]
    writes = charts + changed * (2 + usage.passages / 10)
    yield line(month, "storage", f"S3, {len(found)} buckets", "s3_gb_month", kept / GB)
    yield line(month, "storage", "S3 writes", "s3_write", writes)
    yield line(month, "storage", "S3 reads", "s3_read", reads)
    encrypted = [rule for bucket in found for rule in _encryption(bucket)
                 if rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"].startswith("aws:kms")]
    if encrypted:
        share = BUCKET_KEY_SHARE if all(rule.get("BucketKeyEnabled") for rule in encrypted) else 1.0
        yield line(month, "keys", "requests of S3", "key_request", (reads + writes) * share)
    yield line(month, "transfer", "to the internet", "transfer_out_gb", reply_gb(month) + usage.assumed["page_gb"])


def _chart_days(bucket: Resource) -> float:
    """After how many days a bucket drops charts; 0 where it says nothing of them."""
    rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return sum(float(rule.get("ExpirationInDays", 0)) for rule in rules if rule.get("Prefix", "").startswith("charts"))


def _encryption(bucket: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bucket.properties.get("BucketEncryption", {}).get(
        "ServerSideEncryptionConfiguration", [])
    return found


def keys(month: Month, found: list[Resource]) -> Iterator[Line]:
    """Each of one's own; the first two yearly rotations add as much each."""
    yield line(month, "keys", f"KMS keys, {len(found)}", "key_month", len(found))


def queues(month: Month, found: list[Resource]) -> Iterator[Line]:
    """What Lambda's polling asks of the queues that feed a function; messages are few beside it."""
    fed = sum(event.get("Type") == "SQS" for function in month.resources
              if function.kind == "AWS::Serverless::Function"
              for event in function.properties.get("Events", {}).values())
    yield line(month, "storage", f"polls of {fed} of {len(found)} queues", "queue_request",
               fed * month.usage.assumed["queue_polls"])


def collections(month: Month, found: list[Resource]) -> Iterator[Line]:
    """The least that OpenSearch Serverless bills, whether or not anyone asks; with standby replicas twice that."""
    standby = any(one.properties.get("StandbyReplicas", "ENABLED") != "DISABLED" for one in found)
    units = month.usage.assumed["opensearch_units"] * (2 if standby else 1)
    yield line(month, "vectors", f"OpenSearch Serverless, {units:g} OCU", "opensearch_unit_hour", units * HOURS)


def vector_indexes(month: Month, found: list[Resource]) -> Iterator[Line]:
    """S3 Vectors: what lies there, what is put there, what is asked and looked through."""
    usage = month.usage
    size = 4 * float(found[0].properties.get("Dimension", 1024)) + usage.assumed["vector_metadata_bytes"]
    kept = usage.assumed["documents_kept"] * usage.passages * size
    asked = sum(invocations(usage, name) for name in ANSWERING)
    yield line(month, "vectors", "S3 Vectors, kept", "vector_gb_month", kept / GB)
    yield line(month, "vectors", "S3 Vectors, written", "vector_write_gb",
               usage.assumed["documents_changed"] * usage.passages * size / GB)
    yield line(month, "vectors", "S3 Vectors, questions", "vector_query", asked)
    yield line(month, "vectors", "S3 Vectors, looked through", "vector_scanned_tb", asked * kept / GB / 1024)


RULES = {"AWS::S3::Bucket": buckets, "AWS::KMS::Key": keys, "AWS::SQS::Queue": queues,
         "AWS::OpenSearchServerless::Collection": collections, "AWS::S3Vectors::Index": vector_indexes}
