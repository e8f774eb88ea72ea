"""Texts become vectors by Titan, in order, cut to what it takes."""

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


def expect(stubber: Stubber, text: str, answer: Any) -> None:
    """Expect a text to be embedded."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    stubber.add_response("invoke_model", {"body": StreamingBody(io.BytesIO(body), len(body)),
                                          "contentType": "application/json"}, {
        "modelId": MODEL, "contentType": "application/json", "accept": "application/json",
        "body": json.dumps({"inputText": text, "dimensions": 4, "normalize": True})})


def test_the_model_is_asked_for_a_unit_vector(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """In the dimensions that are set, which its name tells."""
    embedder, stubber = stubbed
    expect(stubber, "기포", {"embedding": [0.6, 0.8, 0, 0], "inputTextTokenCount": 2})
    assert embedder.embed(["기포"]) == [(0.6, 0.8, 0.0, 0.0)]
    assert (embedder.name, embedder.dimensions) == ("amazon.titan-embed-text-v2:0/4", 4)
    assert TitanEmbedder().name == "amazon.titan-embed-text-v2:0/1024"


def test_no_texts_ask_nothing(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """And give nothing."""
    assert stubbed[0].embed([]) == []


def test_a_text_is_cut_to_the_characters_that_the_model_takes(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """Its beginning is embedded."""
    embedder, stubber = stubbed
    expect(stubber, "가" * 50_000, {"embedding": [1, 0, 0, 0]})
    assert embedder.embed(["가" * 60_000]) == [(1.0, 0.0, 0.0, 0.0)]


def test_a_text_is_halved_until_it_has_few_enough_tokens(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """The service alone counts tokens."""
    embedder, stubber = stubbed
    for _ in range(2):
        stubber.add_client_error("invoke_model", "ValidationException",
                                 "400 Bad Request: Too many input tokens. Max input tokens: 8192, request: 9000")
    expect(stubber, "가" * 5000, {"embedding": [1, 0, 0, 0]})
    embedder.embed(["가" * 20_000])


def test_halving_ends(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """A text of one character is not halved."""
    embedder, stubber = stubbed
    for _ in range(3):
        stubber.add_client_error("invoke_model", "ValidationException", "Too many input tokens")
    with pytest.raises(KnowledgeError, match="Too many"):
        embedder.embed(["abcd"])


@pytest.mark.parametrize("answer", [b"", b"no JSON", {}, [], {"embedding": None}, {"embedding": ["a"] * 4}])
def test_an_answer_without_an_embedding_is_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber],
                                                             answer: Any) -> None:
    """It names the model."""
    embedder, stubber = stubbed
    expect(stubber, "a", answer)
    with pytest.raises(KnowledgeError, match=f"{MODEL} answered without an embedding"):
        embedder.embed(["a"])


def test_other_dimensions_are_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber]) -> None:
    """Vectors of two sizes do not compare."""
    embedder, stubber = stubbed
    expect(stubber, "a", {"embedding": [1, 0]})
    with pytest.raises(KnowledgeError, match="gave 2 dimensions, not 4"):
        embedder.embed(["a"])


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ModelTimeoutException",
                                  "ValidationException", "ServiceQuotaExceededException"])
def test_what_the_service_refuses_is_a_knowledge_error(stubbed: tuple[TitanEmbedder, Stubber], code: str) -> None:
    """It names the model and what the service said."""
    embedder, stubber = stubbed
    stubber.add_client_error("invoke_model", code, "no")
    with pytest.raises(KnowledgeError, match=f"the model {MODEL} did not answer: .*{code}"):
        embedder.embed(["a"])


class Bedrock(BaseHTTPRequestHandler):
    """Gives a vector made of the text; the longer the text, the quicker. Counts how many are under way."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    under_way: ClassVar[list[int]] = []
    most: ClassVar[list[int]] = []
    throttled: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        """POST /model/MODEL/invoke"""
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputText"]
        with self.lock:
            self.under_way.append(1)
            self.most.append(len(self.under_way))
            left = self.throttled.get(text, 0)
            self.throttled[text] = left - 1
        time.sleep(max(0.0, 0.05 - len(text) / 1000))
        self._answer(429, {"message": "slow down"}) if left > 0 else self._answer(
            200, {"embedding": [float(len(text)), 0.0]})
        with self.lock:
            self.under_way.pop()

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if status != 200:
            self.send_header("x-amzn-errortype", "ThrottlingException")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def over_http(address: str, attempts: int) -> TitanEmbedder:
    """An embedder over a real connection."""
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=address, config=Config(
        retries={"mode": "standard", "total_max_attempts": attempts}))
    return TitanEmbedder(dimensions=2, client=client)


def test_many_texts_are_under_way_at_once_and_come_back_in_order(serve: Callable[..., str]) -> None:
    """Eight at most, over real connections."""
    handler = type("Fresh", (Bedrock,), {"under_way": [], "most": [], "throttled": {}})
    embedder = over_http(serve(handler), 1)
    texts = ["a" * number for number in range(1, 41)]
    assert embedder.embed(texts) == [(float(number), 0.0) for number in range(1, 41)]
    assert 2 <= max(handler.most) <= 8


def test_throttling_is_retried_and_then_a_knowledge_error(serve: Callable[..., str]) -> None:
    """The client's own retries come first."""
    handler = type("Throttled", (Bedrock,), {"under_way": [], "most": [], "throttled": {"once": 1, "ever": 99}})
    embedder = over_http(serve(handler), 2)
    assert embedder.embed(["once"]) == [(4.0, 0.0)]
    with pytest.raises(KnowledgeError, match="ThrottlingException"):
        embedder.embed(["a", "ever", "b"])


def test_a_server_that_is_not_there_is_a_knowledge_error() -> None:
    """A connection error is none of boto3's own."""
    with pytest.raises(KnowledgeError, match="did not answer: Could not connect"):
        over_http("http://127.0.0.1:9", 1).embed(["a"])
