"""A stack has the index made by the function that embeds, and always hears what came of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from small_plant import Plant

from shotwise.adapters.aws.cloudformation_response import put_answer
from shotwise.errors import KnowledgeError
from shotwise.handlers.embed_documents import embed_documents_handler
from shotwise.handlers.prepare_index import MAX_SECONDS, PAUSE_SECONDS, prepare_index
from shotwise.knowledge.text.analyzer import Analyzer

TURNED_AWAY = "https://collection refused the request (403)"


def asked(kind: str, address: str = "http://127.0.0.1:9/answer") -> dict[str, Any]:
    """What CloudFormation sends."""
    return {"RequestType": kind, "ResponseURL": address, "StackId": "arn:stack", "RequestId": "request-1",
            "LogicalResourceId": "OpenSearchIndex", "ResourceType": "Custom::OpenSearchIndex",
            "ResourceProperties": {"ServiceToken": "arn:function", "Index": "shotwise-1024", "Host": "host"}}


def told(kind: str, make: Callable[[], None]) -> tuple[dict[str, Any], list[float]]:
    """What CloudFormation hears, and how long was waited between tries."""
    heard: list[tuple[str, bytes]] = []
    slept: list[float] = []
    prepare_index(asked(kind), make, lambda *given: heard.append(given), Logger(service="test"), sleep=slept.append,
                  clock=lambda: sum(slept))
    ((address, body),) = heard
    assert address == asked(kind)["ResponseURL"]
    answer: dict[str, Any] = json.loads(body)
    assert {name: answer[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")} == {
        "StackId": "arn:stack", "RequestId": "request-1", "LogicalResourceId": "OpenSearchIndex",
        "PhysicalResourceId": "shotwise-1024"}
    return answer, slept


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_index_is_made_once_the_collection_lets_us_in(kind: str) -> None:
    """A data policy holds some time after it is made; tries before that are no failure."""
    tries: list[int] = []

    def make() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise KnowledgeError(TURNED_AWAY)

    answer, slept = told(kind, make)
    assert answer["Status"] == "SUCCESS" and len(tries) == 4 and slept == [PAUSE_SECONDS] * 3


def test_what_cannot_be_made_fails_the_deployment_with_the_reason() -> None:
    """After as long as is worth it, which leaves a last try its 180 s of the function's 900 s."""
    def make() -> None:
        raise KnowledgeError(TURNED_AWAY)

    answer, slept = told("Create", make)
    assert answer["Status"] == "FAILED" and answer["Reason"] == TURNED_AWAY
    assert MAX_SECONDS <= sum(slept) < MAX_SECONDS + PAUSE_SECONDS <= 900 - 180


def test_a_mistake_of_ours_is_answered_too() -> None:
    """At once, by its kind alone: the stack would wait for nothing."""
    def make() -> None:
        raise RuntimeError("secret")

    answer, slept = told("Create", make)
    assert answer["Status"] == "FAILED" and answer["Reason"].startswith("RuntimeError") and slept == []
    assert "secret" not in answer["Reason"]


def test_a_stack_that_goes_takes_the_index_along() -> None:
    """With its collection: nothing is made, and nothing is waited for."""
    def make() -> None:
        raise AssertionError("nothing is to be made")

    answer, slept = told("Delete", make)
    assert answer["Status"] == "SUCCESS" and slept == []


@pytest.fixture
def waiting() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """Where CloudFormation waits: an address, and what came to it. The first try meets a fault of the network."""
    came: list[tuple[str, str | None, bytes]] = []

    class Address(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, self.headers["Content-Type"], body))
            self.send_response(503 if len(came) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", came
    server.shutdown()
    server.server_close()


def test_the_handler_tells_a_stack_from_a_queue(tmp_path: Path, analyzer: Analyzer,
                                                waiting: tuple[str, list[tuple[str, str | None, bytes]]]) -> None:
    """The answer goes to the signed address without a content type, once more where the first try fails."""
    address, came = waiting
    made: list[str] = []
    plant = Plant(tmp_path / "own", tmp_path / "shipped", analyzer)
    handler = embed_documents_handler(plant.ingestion, plant.documents, lambda: made.append("index"), put_answer)
    assert handler(asked("Create", f"{address}/answer?signature=x"), None) == {} and made == ["index"]
    assert [(path, kind or "") for path, kind, _ in came] == [("/answer?signature=x", "")] * 2
    assert json.loads(came[-1][2])["Status"] == "SUCCESS"
