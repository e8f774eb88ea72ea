"""A service that takes a question and says nothing: who asks is not kept waiting."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shotwise.adapters.aws.converse_generator import ConverseGenerator
from shotwise.adapters.aws.knowledge_base_search import KnowledgeBaseSearch
from shotwise.adapters.aws.titan_embedder import TitanEmbedder
from shotwise.adapters.openai.embedder import OpenAIEmbedder
from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.errors import KnowledgeError
from shotwise.knowledge.models import Query


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that accepts connections, and nothing more; AWS's services are there too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        for service in ("BEDROCK_RUNTIME", "BEDROCK_AGENT_RUNTIME"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", address)
        for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "us-east-1"),
                            ("AWS_DEFAULT_REGION", "us-east-1")):
            monkeypatch.setenv(name, value)
        yield address


@pytest.mark.parametrize("call", [
    lambda address: TitanEmbedder(seconds=0.3).embed(["왜?"]),
    lambda address: OpenAIEmbedder(address, "m", 2, seconds=0.3).embed(["왜?"]),
    lambda address: list(ConverseGenerator("m", seconds=0.3).write("s", "왜?")),
    lambda address: list(OpenAIGenerator(address, "m", seconds=0.3).write("s", "왜?"))],
    ids=["Titan", "an embedder's server", "Converse", "a writer's server"])
def test_one_try_of_the_given_seconds(silent: str, call: Callable[[str], Any]) -> None:
    """A KnowledgeError, after which the answer is searched by words, or quotes."""
    start = time.monotonic()
    with pytest.raises(KnowledgeError, match="did not answer"):
        call(silent)
    assert 0.2 < time.monotonic() - start < 3  # the client itself takes most of a second to make


def test_a_search_is_tried_twice(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The knowledge base alone can find, so it has a second chance."""
    monkeypatch.setattr("shotwise.adapters.aws.knowledge_base_search.SEARCH_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(KnowledgeError, match="[Rr]ead timeout"):
        KnowledgeBaseSearch("KB12345678", "DS12345678").rankings(Query("왜?"), 5)
    assert 0.5 < time.monotonic() - start < 5
