"""Keys, batches, waiting and clients that the adapters of remote services share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws
from sample_indexed_documents import ODD_NAMES, vector, volume

from shotwise.adapters.aws.converse_generator import ConverseGenerator
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.adapters.aws.remote import aws_client, batches, cut, stem, translated, wait_until
from shotwise.adapters.aws.s3_document_store import S3DocumentStore
from shotwise.adapters.aws.s3_vectors_search import S3VectorsSearch
from shotwise.adapters.aws.titan_embedder import TitanEmbedder
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import Query


def test_a_client_gives_up_in_bounded_time() -> None:
    """Tries, connecting and reading are all limited."""
    config = aws_client("s3", read_seconds=7, attempts=2).meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 7)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}


def test_no_key_begins_another() -> None:
    """Neither of names nor of versions that resemble each other; all are short ASCII."""
    names = [*ODD_NAMES, "guide.pdf-v1", "guide.pdf-"]
    stems = {stem(name) for name in names} | {stem(name, version) for name in names for version in ("v1", "v1-", "")}
    assert len(stems) == 4 * len(names) and all(found.isascii() and len(found) <= 66 for found in stems)
    assert all(stem(name, "v1").startswith(stem(name)) for name in names)
    begins = [(one, other) for one in stems for other in stems if one != other and one.startswith(other)]
    assert len(begins) == 3 * len(names)  # of each version with its own name alone


@pytest.mark.parametrize(("sizes", "expected"), [
    ([], []), ([1, 1, 1, 1], [[1, 1, 1], [1]]), ([9, 1, 9, 1], [[9, 1], [9, 1]]), ([99, 1, 99], [[99], [1], [99]])])
def test_batches_keep_to_number_and_size(sizes: list[int], expected: list[list[int]]) -> None:
    """In order; what is too large by itself goes alone."""
    assert list(batches(sizes, 3, lambda size: size, 10)) == expected


@pytest.mark.parametrize(("text", "expected"), [("가나", "가"), ("abcdefg", "abcde"), ("", ""), ("\ud800가", "?가")])
def test_a_text_is_cut_in_whole_characters(text: str, expected: str) -> None:
    """By its bytes; what has none is replaced."""
    assert cut(text, 5) == expected


def test_waiting_ends() -> None:
    """At once, after pauses, or with an error."""
    pauses: list[float] = []
    answers = iter([True, False, False, True])
    for _ in range(2):
        wait_until(lambda: next(answers), "late", seconds=10, pause=5, sleep=pauses.append)
    assert pauses == [5, 5]
    with pytest.raises(KnowledgeError, match="^late within 10 s$"):
        wait_until(lambda: False, "late", seconds=10, pause=5, sleep=pauses.append)


def test_what_boto3_raises_is_translated() -> None:
    """And what it does not is left alone."""
    with pytest.raises(KnowledgeError, match="^S3 is away: Could not connect"), translated("S3 is away"):
        raise EndpointConnectionError(endpoint_url="https://x")
    with pytest.raises(ZeroDivisionError), translated("S3 is away"):
        1 / 0  # noqa: B018


@pytest.mark.parametrize("call", [
    lambda: S3VectorsSearch("b", "i").put(volume("a"), [vector(0)]),
    lambda: S3VectorsSearch("b", "i").keep_only("a", None),
    lambda: S3VectorsSearch("b", "i").rankings(Query("", (1.0,)), 5), lambda: TitanEmbedder().embed(["a"]),
    lambda: KnowledgeBaseSearch("K", "D").put(volume("a"), []),
    lambda: KnowledgeBaseSearch("K", "D").keep_only("a", None),
    lambda: KnowledgeBaseSearch("K", "D").rankings(Query("a"), 5), lambda: list(ConverseGenerator("m").write("s", "p")),
    lambda: list(ConverseGenerator("m", stream=False).write("s", "p"))])
def test_a_client_is_made_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]) -> None:
    """Without a region that is when it fails, and with a KnowledgeError."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the region
    with pytest.raises(KnowledgeError, match="You must specify a region"):
        call()


def test_a_library_makes_its_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with the first call."""
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="documents")
        library = S3DocumentStore("documents", "library/")
        library.put(volume("a"))
        assert library.versions() == {"guide.pdf": "v1"}
