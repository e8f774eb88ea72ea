"""Titan turns texts into vectors, in order, cut to what the model takes."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from shotwise.adapters.aws.titan_embedder import TitanEmbedder
from shotwise.errors import KnowledgeError

MODEL = "amazon.titan-embed-text-v2:0"


@pytest.fixture
def stubbed(aws: Callable[[str], Any]) -> Iterator[tuple[TitanEmbedder, Stubber]]:
    """An embedder of four dimensions whose client checks requests against the service's model."""
    client = aws("bedrock-runtime")
    with Stubber(client) as stubber:
        yield TitanEmbedder(dimensions=4, client=client), stubber
        stubber.assert_no_pending_responses()


def expect_request(stubber: Stubber, text: str, content: Any) -> None:
    """Expect a text to be embedded, and answer with this content."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stubber.add_response("invoke_model", {"body": StreamingBody(io.BytesIO(body), len(body)),
                                          "contentType": "application/json"}, {
        "modelId": MODEL, "contentType": "application/json", "accept": "application/json",
        "body": json.dumps({"inputText": text, "dimensions": 4, "normalize": True})})


def test_the_model_is_asked_for_a_unit_vector(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """The request asks for the dimensions that are set, which are part of the embedder's name."""
    embedder, stubber = stubbed
    expect_request(stubber, "기포", {"embedding": [0.6, 0.8, 0, 0], "inputTextTokenCount": 2})
    assert embedder.embed(["기포"]) == [(0.6, 0.8, 0.0, 0.0)]
    assert (embedder.name, embedder.dimensions) == ("amazon.titan-embed-text-v2:0/4", 4)
    assert TitanEmbedder().name == "amazon.titan-embed-text-v2:0/1024"


def test_no_texts_send_no_request(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """No texts give no vectors, without a request."""
    assert stubbed[0].embed([]) == []


def test_a_text_is_cut_to_the_characters_that_the_model_takes(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """Of a long text the beginning is embedded."""
    embedder, stubber = stubbed
    expect_request(stubber, "가" * 50_000, {"embedding": [1, 0, 0, 0]})
    assert embedder.embed(["가" * 60_000]) == [(1.0, 0.0, 0.0, 0.0)]


def test_a_text_is_halved_until_it_has_few_enough_tokens(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """A text with too many tokens is halved until the service, which counts them, takes it."""
    embedder, stubber = stubbed
    for _ in range(2):
        stubber.add_client_error("invoke_model", "ValidationException",
                                 "400 Bad Request: Too many input tokens. Max input tokens: 8192, request: 9000")
    expect_request(stubber, "가" * 5000, {"embedding": [1, 0, 0, 0]})
    embedder.embed(["가" * 20_000])


def test_halving_ends(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """Halving ends in an error at a text of one character."""
    embedder, stubber = stubbed
    for _ in range(3):
        stubber.add_client_error("invoke_model", "ValidationException", "Too many input tokens")
    with pytest.raises(KnowledgeError, match="Too many"):
        embedder.embed(["abcd"])


@pytest.mark.parametrize("content", [b"", b"no JSON", {}, [], {"embedding": None}, {"embedding": ["a"] * 4}])
def test_an_answer_without_an_embedding_is_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber],
                                                             content: Any) -> None:
    """An answer in another form is a KnowledgeError that names the model."""
    embedder, stubber = stubbed
    expect_request(stubber, "a", content)
    with pytest.raises(KnowledgeError, match=f"{MODEL} answered without an embedding"):
        embedder.embed(["a"])


def test_other_dimensions_are_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """A vector of another length is a KnowledgeError."""
    embedder, stubber = stubbed
    expect_request(stubber, "a", {"embedding": [1, 0]})
    with pytest.raises(KnowledgeError, match="gave 2 dimensions, not 4"):
        embedder.embed(["a"])


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ModelTimeoutException",
                                  "ValidationException", "ServiceQuotaExceededException"])
def test_what_the_service_refuses_is_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber], code: str) -> None:
    """The error names the model and the service's code."""
    embedder, stubber = stubbed
    stubber.add_client_error("invoke_model", code, "no")
    with pytest.raises(KnowledgeError, match=f"the model {MODEL} did not answer: .*{code}"):
        embedder.embed(["a"])


class Bedrock(BaseHTTPRequestHandler):
    """Answers with a vector made of the text; the longer the text, the quicker.

    Attributes
    ----------
    running : one entry for each request that is being answered
    parallel : how many requests were being answered, at the start of each
    throttled : text → how often it is still answered with 429
    """

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    running: ClassVar[list[int]] = []
    parallel: ClassVar[list[int]] = []
    throttled: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        """Answer POST /model/MODEL/invoke."""
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputText"]
        with self.lock:
            self.running.append(1)
            self.parallel.append(len(self.running))
            throttled = self.throttled.get(text, 0)
            self.throttled[text] = throttled - 1
        time.sleep(max(0.0, 0.05 - len(text) / 1000))
        self._answer(429, {"message": "slow down"}) if throttled > 0 else self._answer(
            200, {"embedding": [float(len(text)), 0.0]})
        with self.lock:
            self.running.pop()

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if status != 200:
            self.send_header("x-amzn-errortype", "ThrottlingException")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def over_http(url: str, attempts: int) -> TitanEmbedder:
    """Make an embedder over a real connection."""
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=Config(
        retries={"mode": "standard", "total_max_attempts": attempts}))
    return TitanEmbedder(dimensions=2, client=client)


def test_texts_are_embedded_in_parallel_and_come_back_in_order(serve: Callable[..., str]) -> None:
    """Up to eight requests run in parallel, and vectors come in the order of the texts."""
    handler = type("Fresh", (Bedrock,), {"running": [], "parallel": [], "throttled": {}})
    embedder = over_http(serve(handler), 1)
    texts = ["a" * number for number in range(1, 41)]
    assert embedder.embed(texts) == [(float(number), 0.0) for number in range(1, 41)]
    assert 2 <= max(handler.parallel) <= 8


def test_throttling_is_retried_and_then_a_knowledge_error(serve: Callable[..., str]) -> None:
    """A throttled request is tried again by the client; what still fails is a KnowledgeError."""
    handler = type("Throttled", (Bedrock,), {"running": [], "parallel": [], "throttled": {"once": 1, "always": 99}})
    embedder = over_http(serve(handler), 2)
    assert embedder.embed(["once"]) == [(4.0, 0.0)]
    with pytest.raises(KnowledgeError, match="ThrottlingException"):
        embedder.embed(["a", "always", "b"])


def test_a_server_that_is_not_there_is_a_knowledge_error() -> None:
    """A server that cannot be reached is a KnowledgeError."""
    with pytest.raises(KnowledgeError, match="did not answer: Could not connect"):
        over_http("http://127.0.0.1:9", 1).embed(["a"])
