"""Pricing rules for storage: buckets and their key, queues, vector indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shotwise_tools.cost.compute import ANSWERING, reply_gb
from shotwise_tools.cost.models import GB, HOURS, CostInputs, LineItem, Resource, line_item
from shotwise_tools.cost.usage import invocations

CHART_MONTHS = 3.0  # how long charts are stored if no lifecycle rule deletes them earlier
BUCKET_KEY_SHARE = 0.01  # share of S3's requests that still reach KMS with S3 Bucket Keys


def price_buckets(inputs: CostInputs, buckets: list[Resource]) -> Iterator[LineItem]:
    """Price what S3 stores, its requests and their use of KMS, and the data sent to the internet."""
    usage = inputs.usage
    charts = usage.requests["chart"].count  # each is drawn once and fetched once
    months = next((days / 30 for days in map(_chart_days, buckets) if days), CHART_MONTHS)
    stored = charts * usage.chart_bytes * months + 2 * usage.assumed["documents_kept"] * usage.document_bytes
    changed = usage.assumed["documents_changed"]
    reads = charts + usage.assumed["document_store_reads"]
    writes = charts + changed * (2 + usage.passages / 10)
    yield line_item(inputs, "storage", f"S3, {len(buckets)} buckets", "s3_gb_month", stored / GB)
    yield line_item(inputs, "storage", "S3 writes", "s3_write", writes)
    yield line_item(inputs, "storage", "S3 reads", "s3_read", reads)
    encrypted = [rule for bucket in buckets for rule in _encryption(bucket)
                 if rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"].startswith("aws:kms")]
    if encrypted:
        share = BUCKET_KEY_SHARE if all(rule.get("BucketKeyEnabled") for rule in encrypted) else 1.0
        yield line_item(inputs, "keys", "requests from S3", "key_request", (reads + writes) * share)
    yield line_item(inputs, "transfer", "to the internet", "transfer_out_gb",
                    reply_gb(inputs) + usage.assumed["page_gb"])


def _chart_days(bucket: Resource) -> float:
    """After how many days a bucket deletes charts; 0 if it has no rule for them."""
    rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return sum(float(rule.get("ExpirationInDays", 0)) for rule in rules if rule.get("Prefix", "").startswith("charts"))


def _encryption(bucket: Resource) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = bucket.properties.get("BucketEncryption", {}).get(
        "ServerSideEncryptionConfiguration", [])
    return rules


def price_keys(inputs: CostInputs, keys: list[Resource]) -> Iterator[LineItem]:
    """Price customer managed keys; the first two yearly rotations would add as much again each, and are left out."""
    yield line_item(inputs, "keys", f"KMS keys, {len(keys)}", "key_month", len(keys))


def price_queues(inputs: CostInputs, queues: list[Resource]) -> Iterator[LineItem]:
    """Price Lambda's polling of queues; the messages are few in comparison."""
    polled = sum(event.get("Type") == "SQS" for function in inputs.resources
              if function.kind == "AWS::Serverless::Function"
              for event in function.properties.get("Events", {}).values())
    yield line_item(inputs, "storage", f"polls of {polled} of {len(queues)} queues", "queue_request",
                    polled * inputs.usage.assumed["queue_polls"])


def price_collections(inputs: CostInputs, collections: list[Resource]) -> Iterator[LineItem]:
    """Price the minimum that OpenSearch Serverless bills even when idle; standby replicas double it."""
    standby = any(collection.properties.get("StandbyReplicas", "ENABLED") != "DISABLED" for collection in collections)
    units = inputs.usage.assumed["opensearch_units"] * (2 if standby else 1)
    yield line_item(inputs, "vectors", f"OpenSearch Serverless, {units:g} OCU", "opensearch_unit_hour", units * HOURS)


def price_vector_indexes(inputs: CostInputs, indexes: list[Resource]) -> Iterator[LineItem]:
    """Price S3 Vectors: what is stored and written, the queries, and what they scan."""
    usage = inputs.usage
    vector_bytes = 4 * float(indexes[0].properties.get("Dimension", 1024)) + usage.assumed["vector_metadata_bytes"]
    stored = usage.assumed["documents_kept"] * usage.passages * vector_bytes
    queries = sum(invocations(usage, name) for name in ANSWERING)
    yield line_item(inputs, "vectors", "S3 Vectors, stored", "vector_gb_month", stored / GB)
    yield line_item(inputs, "vectors", "S3 Vectors, written", "vector_write_gb",
                    usage.assumed["documents_changed"] * usage.passages * vector_bytes / GB)
    yield line_item(inputs, "vectors", "S3 Vectors, queries", "vector_query", queries)
    yield line_item(inputs, "vectors", "S3 Vectors, scanned", "vector_scanned_tb", queries * stored / GB / 1024)


RULES = {"AWS::S3::Bucket": price_buckets, "AWS::KMS::Key": price_keys, "AWS::SQS::Queue": price_queues,
         "AWS::OpenSearchServerless::Collection": price_collections, "AWS::S3Vectors::Index": price_vector_indexes}
