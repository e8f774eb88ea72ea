"""A service that accepts a request and sends nothing: the person who asks does not wait for long."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.knowledge.fakes import FakePassageSearch

from shotwise.adapters.aws.converse_generator import ConverseGenerator
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.adapters.aws.titan_embedder import TitanEmbedder
from shotwise.adapters.knowledge_factory import open_answerer
from shotwise.adapters.openai.embedder import OpenAIEmbedder
from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.adapters.timed_search import TimedSearch
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError, TimeLimitExceeded
from shotwise.knowledge.models import PassageId, Query
from shotwise.settings import Settings


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that accepts connections and sends nothing; clients of AWS use it too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        for service in ("BEDROCK_RUNTIME", "BEDROCK_AGENT_RUNTIME"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
        for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "us-east-1"),
                            ("AWS_DEFAULT_REGION", "us-east-1")):
            monkeypatch.setenv(name, value)
        yield url


@pytest.mark.parametrize("call", [
    lambda url, seconds: TitanEmbedder(seconds=1).embed(["왜?"], Deadline(seconds)),
    lambda url, seconds: OpenAIEmbedder(url, "m", 2).embed(["왜?"], Deadline(seconds)),
    lambda url, seconds: list(ConverseGenerator("m", seconds=1).write("s", "왜?", Deadline(seconds))),
    lambda url, seconds: list(ConverseGenerator("m", seconds=1, stream=False).write("s", "왜?", Deadline(seconds))),
    lambda url, seconds: list(OpenAIGenerator(url, "m").write("s", "왜?", Deadline(seconds)))],
    ids=["Titan", "OpenAI embeddings", "ConverseStream", "Converse", "OpenAI completions"])
def test_a_call_ends_at_its_deadline(silent_server: str, call: Callable[[str, float], Any]) -> None:
    """Embedding and writing fail at the deadline, so that words or quotes still answer in time."""
    start = time.monotonic()
    with pytest.raises(TimeLimitExceeded, match="did not answer within 0.3 s"):
        call(silent_server, 0.3)
    assert 0.25 < time.monotonic() - start < 2  # the first client of boto3 takes most of a second to make


def test_a_single_try_keeps_to_its_seconds(silent_server: str) -> None:
    """Without a deadline an embedder that was made with a time limit fails after it."""
    start = time.monotonic()
    with pytest.raises(KnowledgeError, match="did not answer"):
        TitanEmbedder(seconds=0.3).embed(["왜?"])
    assert 0.2 < time.monotonic() - start < 3  # the client itself takes most of a second to make


def test_a_search_is_tried_twice(silent_server: str) -> None:
    """A search in the knowledge base has a second try, because nothing else can find passages by meaning."""
    start = time.monotonic()
    with pytest.raises(KnowledgeError, match="[Rr]ead timeout"):
        KnowledgeBaseSearch("KB12345678", "DS12345678", search_seconds=0.3).rankings(Query("왜?"), 5)
    assert 0.5 < time.monotonic() - start < 5


class SlowSearch(FakePassageSearch):
    """A search that takes a while."""

    def rankings(self, query: Query, limit: int, *, action_only: bool = False) -> list[list[PassageId]]:
        """Return no ranking after half a second."""
        time.sleep(0.5)
        return super().rankings(query, limit, action_only=action_only)


def test_a_search_has_a_time_limit_for_all_of_its_tries() -> None:
    """One that takes longer is a KnowledgeError; one that is quicker gives its rankings."""
    start = time.monotonic()
    with pytest.raises(TimeLimitExceeded, match="memory did not answer within 0.1 s"):
        TimedSearch(SlowSearch(), 0.1).rankings(Query("왜?"), 5)
    assert time.monotonic() - start < 0.4
    assert TimedSearch(SlowSearch(), 5).rankings(Query("왜?", (1.0,)), 5) == [[]]


@pytest.mark.parametrize(("kind", "is_timed"), [("s3vectors", True), ("opensearch", True), ("embedded", False)])
def test_only_a_service_is_searched_with_a_time_limit(tmp_path: Path, kind: str, is_timed: bool) -> None:
    """The file of one machine is searched in milliseconds, in the thread that asks."""
    settings = Settings.from_mapping({
        "SHOTWISE_HOME": str(tmp_path), "SHOTWISE_INDEX_KIND": kind, "SHOTWISE_EMBEDDER": "bedrock",
        "OPENSEARCH_HOST": "x.example", "SHOTWISE_VECTOR_BUCKET": "b", "AWS_REGION": "us-east-1"})
    search = open_answerer(settings.knowledge).hybrid_search
    assert isinstance(search._passage_search, TimedSearch) == is_timed
