"""A stack has the index made by the function that embeds documents, and always gets a response."""

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

from shotwise.adapters.aws.cloudformation_response import put_response
from shotwise.errors import KnowledgeError
from shotwise.handlers.embed_documents import embed_documents_handler
from shotwise.handlers.prepare_index import MAX_SECONDS, PAUSE_SECONDS, prepare_index
from shotwise.knowledge.text.analyzer import Analyzer

REFUSED = "https://collection refused the request (403)"


def stack_event(request_type: str, url: str = "http://127.0.0.1:9/answer") -> dict[str, Any]:
    """An event of CloudFormation."""
    return {"RequestType": request_type, "ResponseURL": url, "StackId": "arn:stack", "RequestId": "request-1",
            "LogicalResourceId": "OpenSearchIndex", "ResourceType": "Custom::OpenSearchIndex",
            "ResourceProperties": {"ServiceToken": "arn:function", "Index": "shotwise-1024", "Host": "host"}}


def response_and_pauses(request_type: str, make_index: Callable[[], None]) -> tuple[dict[str, Any], list[float]]:
    """What CloudFormation gets, and the pauses between tries in seconds."""
    sent: list[tuple[str, bytes]] = []
    slept: list[float] = []
    prepare_index(stack_event(request_type), make_index, lambda url, body: sent.append((url, body)),
                  Logger(service="test"), sleep=slept.append, clock=lambda: sum(slept))
    ((url, body),) = sent
    assert url == stack_event(request_type)["ResponseURL"]
    response: dict[str, Any] = json.loads(body)
    assert {name: response[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")} == {
        "StackId": "arn:stack", "RequestId": "request-1", "LogicalResourceId": "OpenSearchIndex",
        "PhysicalResourceId": "shotwise-1024"}
    return response, slept


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_the_index_is_made_once_the_collection_lets_us_in(request_type: str) -> None:
    """A data policy takes effect some time after it is made; a try before that is not a failure."""
    tries: list[int] = []

    def make_index() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise KnowledgeError(REFUSED)

    response, slept = response_and_pauses(request_type, make_index)
    assert response["Status"] == "SUCCESS" and len(tries) == 4 and slept == [PAUSE_SECONDS] * 3


def test_an_index_that_cannot_be_made_fails_the_deployment_with_the_reason() -> None:
    """The tries end early enough to leave a last one its 180 s of the function's 900 s."""
    def make_index() -> None:
        raise KnowledgeError(REFUSED)

    response, slept = response_and_pauses("Create", make_index)
    assert response["Status"] == "FAILED" and response["Reason"] == REFUSED
    assert MAX_SECONDS <= sum(slept) < MAX_SECONDS + PAUSE_SECONDS <= 900 - 180


def test_a_bug_of_ours_is_answered_too() -> None:
    """It is answered at once, with the name of the error alone: the stack would wait in vain."""
    def make_index() -> None:
        raise RuntimeError("secret")

    response, slept = response_and_pauses("Create", make_index)
    assert response["Status"] == "FAILED" and response["Reason"].startswith("RuntimeError") and slept == []
    assert "secret" not in response["Reason"]


def test_a_deleted_stack_makes_no_index() -> None:
    """The index is deleted with its collection: nothing is made, and there is no pause."""
    def make_index() -> None:
        raise AssertionError("nothing is to be made")

    response, slept = response_and_pauses("Delete", make_index)
    assert response["Status"] == "SUCCESS" and slept == []


@pytest.fixture
def response_server() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """A server in place of CloudFormation's: its URL, and the requests that it got. It fails the first one."""
    received: list[tuple[str, str | None, bytes]] = []

    class ResponseHandler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], body))
            self.send_response(503 if len(received) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), ResponseHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received
    server.shutdown()
    server.server_close()


def test_the_handler_tells_a_stack_from_a_queue(tmp_path: Path, analyzer: Analyzer,
                                                response_server: tuple[str, list[tuple[str, str | None, bytes]]],
                                                ) -> None:
    """The response goes to the signed URL without a content type, and once more if the first try fails."""
    url, received = response_server
    made: list[str] = []
    plant = Plant(tmp_path / "own", tmp_path / "shipped", analyzer)
    handler = embed_documents_handler(plant.ingestion, plant.documents, lambda: made.append("index"), put_response)
    assert handler(stack_event("Create", f"{url}/answer?signature=x"), None) == {} and made == ["index"]
    assert [(path, content_type or "") for path, content_type, _ in received] == [("/answer?signature=x", "")] * 2
    assert json.loads(received[-1][2])["Status"] == "SUCCESS"
