"""Clients of AWS services: time limits, errors, and when they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws
from sample_indexed_documents import make_document, vector

from shotwise.adapters.aws.client import aws_client, translate_boto_errors
from shotwise.adapters.aws.converse_generator import ConverseGenerator
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.adapters.aws.s3_document_store import S3DocumentStore
from shotwise.adapters.aws.s3_vectors_search import S3VectorsSearch
from shotwise.adapters.aws.titan_embedder import TitanEmbedder
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import Query


def test_a_client_gives_up_in_bounded_time() -> None:
    """Number of tries, time to connect and time to read are limited."""
    config = aws_client("s3", read_seconds=7, attempts=2).meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 7)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}


def test_what_boto3_raises_is_translated() -> None:
    """An error of boto3 is a KnowledgeError; other errors are left alone."""
    with pytest.raises(KnowledgeError, match="^S3 is away: Could not connect"), translate_boto_errors("S3 is away"):
        raise EndpointConnectionError(endpoint_url="https://x")
    with pytest.raises(ZeroDivisionError), translate_boto_errors("S3 is away"):
        1 / 0  # noqa: B018


@pytest.mark.parametrize("call", [
    lambda: S3VectorsSearch("b", "i").put(make_document("a"), [vector(0)]),
    lambda: S3VectorsSearch("b", "i").keep_only("a", None),
    lambda: S3VectorsSearch("b", "i").rankings(Query("", (1.0,)), 5), lambda: TitanEmbedder().embed(["a"]),
    lambda: KnowledgeBaseSearch("K", "D").put(make_document("a"), []),
    lambda: KnowledgeBaseSearch("K", "D").keep_only("a", None),
    lambda: KnowledgeBaseSearch("K", "D").rankings(Query("a"), 5),
    lambda: list(ConverseGenerator("m").write("s", "p", Deadline(60))),
    lambda: list(ConverseGenerator("m", stream=False).write("s", "p", Deadline(60)))])
def test_a_client_is_made_with_the_first_call(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]) -> None:
    """Without a region an adapter can be made, and its first call is a KnowledgeError."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the region
    with pytest.raises(KnowledgeError, match="You must specify a region"):
        call()


def test_a_document_store_makes_its_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client the store makes one with its first call."""
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="documents")
        document_store = S3DocumentStore("documents", "library/")
        document_store.put(make_document("a"))
        assert document_store.versions() == {"guide.pdf": "v1"}
