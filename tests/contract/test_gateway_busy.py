"""A gateway with busy functions, slow clients or an end in sight still answers, if need be with 503."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.limits import (
    IMPORTANCE_LANE,
    MAX_BODY_BYTES,
    MAX_REQUEST_HEAD_BYTES,
    MAX_STREAMS,
    REQUEST_BODY_SECONDS,
    REQUEST_HEAD_SECONDS,
    SHUTDOWN_SECONDS,
)
from shotwise_local.gateway import HEALTH, LANES, Gateway
from shotwise_local.routes import read_routes
from shotwise_local.s3_events import DocumentsBucket

from .client import call_asgi
from .serving import ChosenFunctions, ChosenWorkflow, Served, request, response_on, serving

OK = {"statusCode": 200, "body": "{}"}


class Gate:
    """Work that waits until it is let through, and counts what has begun."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = 0

    def __call__(self, event: Any = None) -> dict[str, Any]:
        """Wait, for 30 s at most."""
        self.begun += 1
        assert self.open.wait(30)
        return OK


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open at the end of the test."""
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def served(api: dict[str, Any], gate: Gate) -> Iterator[Served]:
    """A server whose importance and knowledge wait at the gate, and whose predictions do not."""
    functions = ChosenFunctions(ImportanceFunction=gate, RagQueryFunction=gate, PredictFunction=lambda event: OK)
    functions.apps["StreamQueryFunction"] = unused_app
    with serving(Gateway(api, functions, ChosenWorkflow(gate), None, with_models=True)) as running:
        yield running
        gate.open.set()


async def unused_app(scope: Any, receive: Any, send: Any) -> None:
    """Stand in for an app whose requests end before they get there."""
    raise AssertionError("a request got here")


def wait_for(condition: Any) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_route_has_a_lane(api: dict[str, Any]) -> None:
    """But the streaming one, which has its own limit, and /health, which waits for nothing."""
    routes = [route for route in read_routes(api) if route.resource != HEALTH
              and route.integration.get("responseTransferMode") != "STREAM"]
    assert [route.resource for route in routes if route.resource not in LANES and route.function not in LANES] == []


def test_a_busy_function_delays_no_other(served: Served, gate: Gate) -> None:
    """With every thread of three kinds of work waiting, health and predictions are answered at once."""
    with ThreadPoolExecutor(60) as clients:
        busy = [clients.submit(served.ask, "POST", path, b"{}")
                for path in ("/importance", "/rag-query", "/diagnose") for _ in range(15)]
        wait_for(lambda: gate.begun >= IMPORTANCE_LANE.threads + 8 + 4)
        started = time.monotonic()
        assert served.ask("GET", "/health")[0] == served.ask("POST", "/predict", b"{}")[0] == 200
        assert time.monotonic() - started < 0.5
        gate.open.set()
        assert {future.result(20)[0] for future in busy} <= {200, 502, 500, 503}


def test_large_batches_delay_no_prediction(api: dict[str, Any], gate: Gate) -> None:
    """A body of hundreds of shots has a lane of its own."""
    def predict(event: dict[str, Any]) -> dict[str, Any]:
        return gate() if len(event["body"]) > MAX_BODY_BYTES else OK

    gateway = Gateway(api, ChosenFunctions(PredictFunction=predict), ChosenWorkflow(dict), None)
    with serving(gateway) as running, ThreadPoolExecutor(2) as clients:
        batches = [clients.submit(running.ask, "POST", "/predict", b"{}" + b" " * MAX_BODY_BYTES) for _ in range(2)]
        wait_for(lambda: gate.begun)
        assert running.ask("POST", "/predict", b"{}")[0] == 200
        gate.open.set()
        assert {future.result(10)[0] for future in batches} == {200}


def test_beyond_a_bounded_queue_requests_are_refused(served: Served, gate: Gate) -> None:
    """They get a problem with 503 and Retry-After at once, and the others get their answers."""
    fitting = IMPORTANCE_LANE.threads + IMPORTANCE_LANE.waiting
    with ThreadPoolExecutor(fitting) as clients:
        busy = [clients.submit(served.ask, "POST", "/importance", b"{}") for _ in range(IMPORTANCE_LANE.threads)]
        wait_for(lambda: gate.begun == IMPORTANCE_LANE.threads)
        busy += [clients.submit(served.ask, "POST", "/importance", b"{}") for _ in range(IMPORTANCE_LANE.waiting)]
        time.sleep(0.3)
        status, response = served.ask("POST", "/importance", b"{}")
        head, _, body = response.partition(b"\r\n\r\n")
        assert status == 503 and b"retry-after: 1" in head.lower() and b"application/problem+json" in head
        assert json.loads(body)["code"] == "overloaded"
        gate.open.set()
        assert {future.result(20)[0] for future in busy} == {200}


def test_what_waits_too_long_is_refused(served: Served, gate: Gate) -> None:
    """A request that has not begun after the time of its lane gets 503, though the one before goes on."""
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(served.ask, "POST", "/importance", b"{}")
        wait_for(lambda: gate.begun == 1)
        started = time.monotonic()
        assert served.ask("POST", "/importance", b"{}")[0] == 503
        assert IMPORTANCE_LANE.wait_seconds - 0.1 < time.monotonic() - started < IMPORTANCE_LANE.wait_seconds + 2
        gate.open.set()
        assert first.result(10)[0] == 200
    assert gate.begun == 1


def test_what_waits_for_a_client_that_left_is_dropped(served: Served, gate: Gate) -> None:
    """Only what had begun costs anything."""
    connections = [served.send(request("POST", "/importance", b"{}")) for _ in range(IMPORTANCE_LANE.threads + 8)]
    wait_for(lambda: gate.begun == IMPORTANCE_LANE.threads)
    time.sleep(0.2)
    for connection in connections:
        connection.close()
    time.sleep(0.3)
    gate.open.set()
    assert served.ask("POST", "/importance", b"{}")[0] == 200
    assert gate.begun == IMPORTANCE_LANE.threads + 1


def test_the_end_answers_everything(api: dict[str, Any], gate: Gate) -> None:
    """After SIGTERM quick work still gets its answer, and what takes too long a 503, within the time to stop."""
    quick = threading.Event()

    def predict(event: Any) -> dict[str, Any]:
        quick.wait(1)
        return OK

    functions = ChosenFunctions(ImportanceFunction=gate, PredictFunction=predict)
    with ThreadPoolExecutor(2) as clients:
        with serving(Gateway(api, functions, ChosenWorkflow(gate), None)) as running:
            slow = clients.submit(running.ask, "POST", "/importance", b"{}")
            fast = clients.submit(running.ask, "POST", "/predict", b"{}")
            wait_for(lambda: gate.begun == 1)
            running.stop()
            started = time.monotonic()
        assert time.monotonic() - started < SHUTDOWN_SECONDS + 2
        assert fast.result(5)[0] == 200
        status, response = slow.result(5)
    assert status == 503 and b'"code":"closing"' in response


def test_the_end_answers_a_request_that_is_not_complete(api: dict[str, Any], tmp_path: Path) -> None:
    """Whatever it would have become: a 503 with a problem, and nothing of an upload is left."""
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), lambda event, seconds: {"batchItemFailures": []})
    functions = ChosenFunctions()
    functions.apps["StreamQueryFunction"] = unused_app
    gateway = Gateway(api, functions, ChosenWorkflow(dict), bucket)
    paths = (("POST", "/predict"), ("POST", "/query"), ("PUT", "/uploads/a.pdf"), ("PUT", "/uploads/a.txt"),
             ("POST", "/nothing"))
    with ThreadPoolExecutor(len(paths)) as clients:
        with serving(gateway) as running:
            connections = [running.send(request(method, path, b"x" * 100)[:-10]) for method, path in paths]
            answers = [clients.submit(response_on, connection) for connection in connections]
            time.sleep(0.3)
            running.stop()
        for answer in answers:
            status, response = answer.result(10)
            assert status == 503 and b"application/problem+json" in response and b'"code":"closing"' in response
    bucket.close(5)
    assert list(tmp_path.iterdir()) == []


def test_a_request_behind_another_on_a_connection_is_read(served: Served) -> None:
    """Its head may begin in the same piece as the end of a large body, and come late."""
    with served.send(request("POST", "/predict", b" " * 40_000).replace(b"Connection: close", b"X: y")
                     + b"GET /health HTTP/1.1\r\nHo") as connection:
        time.sleep(0.3)
        connection.sendall(b"st: 127.0.0.1\r\nConnection: close\r\n\r\n")
        connection.settimeout(5)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 ") == 2 and b" 431 " not in received


@pytest.mark.parametrize("headers", [
    "Host: evil.example\r\n", "Origin: http://127.0.0.1\r\nOrigin: http://evil.example\r\n",
    "Origin: http://evil.example@127.0.0.1\r\n", "Origin: http://127.0.0.1/evil.example\r\n",
    "Origin: http://127.0.0.1.evil.example\r\n"])
def test_an_ambiguous_host_or_origin_is_foreign(served: Served, headers: str) -> None:
    """Two of them, or one with more than host and port, are refused."""
    assert served.ask("GET", "/health", headers=headers)[0] == 403


def test_a_workflow_that_fails_inside_is_a_problem(api: dict[str, Any]) -> None:
    """Whatever the interpreter raises becomes a 500 with a problem, never a 200 or plain text."""
    def broken() -> dict[str, Any]:
        raise RuntimeError("secret")

    gateway = Gateway(api, ChosenFunctions(), ChosenWorkflow(broken), None)
    reply = call_asgi(gateway, "POST", "/diagnose", {})
    assert reply.status == reply.json()["status"] == 500 and b"secret" not in reply.body


@pytest.mark.parametrize("outcome", [{"status": "SUCCEEDED"}, {"status": "SUCCEEDED", "output": "null"},
                                     {"status": "SUCCEEDED", "output": ""}, {"status": "RUNNING"}, {}])
def test_an_execution_without_an_output_is_no_200(api: dict[str, Any], outcome: dict[str, Any]) -> None:
    """The response template makes a 500 of it."""
    gateway = Gateway(api, ChosenFunctions(), ChosenWorkflow(lambda: outcome), None)
    reply = call_asgi(gateway, "POST", "/diagnose", {})
    assert reply.status == reply.json()["status"] == 500 and reply.json()["code"] == "internal_error"


def test_an_upgrade_on_a_route_is_an_ordinary_request(served: Served) -> None:
    """A client that asks for a web socket gets what the route answers."""
    headers = "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    upgrade = request("GET", "/health", headers=headers).replace(b"Connection: close", b"Connection: Upgrade, close")
    assert response_on(served.send(upgrade))[0] == 200


def test_idle_and_slow_connections_make_room(api: dict[str, Any], gate: Gate) -> None:
    """Of more connections than there may be the oldest that no answer is worked on for is closed; others are served."""
    functions = ChosenFunctions(PredictFunction=lambda event: OK, ImportanceFunction=gate)
    with serving(Gateway(api, functions, ChosenWorkflow(dict), None), connections=10) as running, \
            ThreadPoolExecutor(1) as clients:
        working = clients.submit(running.ask, "POST", "/importance", b"{}")
        wait_for(lambda: gate.begun)
        half = request("POST", "/predict", b"x" * 100)
        slow = [running.send(content) for content in (b"", b"GET / HT", half[:40], half[:-50]) for _ in range(8)]
        for _ in range(20):
            assert running.ask("POST", "/predict", b"{}")[0] == 200
        gate.open.set()
        assert working.result(5)[0] == 200
        for connection in slow:
            connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"])
def test_a_head_that_does_not_come_ends_the_connection(served: Served, content: bytes) -> None:
    """The server hangs up after the time for it, whether something was sent or nothing."""
    with served.send(content) as connection:
        connection.settimeout(REQUEST_HEAD_SECONDS + 3)
        started = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        assert time.monotonic() - started > REQUEST_HEAD_SECONDS - 1


@pytest.mark.slow
def test_a_body_that_does_not_come_is_a_408(served: Served) -> None:
    """After the time for it the client gets a problem."""
    with served.send(request("POST", "/predict", b"{}" * 50)[:-1]) as connection:
        connection.settimeout(REQUEST_BODY_SECONDS + 3)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("content", "status", "code"), [
    (b"nonsense\r\n\r\n", 400, "not_http"), (b"GET / HTTP/9.9\r\n\r\n", 400, "not_http"),
    (b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "not_http"),
    (b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", 400, "not_http"),
    (b"GET / HTTP/1.1\r\nA: " + b"a" * (MAX_REQUEST_HEAD_BYTES + 1), 431, "headers_too_large")])
def test_what_is_no_request_gets_a_problem_too(served: Served, content: bytes, status: int, code: str) -> None:
    """Even below the gateway the answer is a problem document."""
    received_status, response = response_on(served.send(content))
    head, _, body = response.partition(b"\r\n\r\n")
    assert received_status == status and b"application/problem+json" in head and json.loads(body)["code"] == code


@pytest.mark.parametrize("path", ["/predict", "/query", "/diagnose", "/uploads/a.txt"])
def test_a_body_over_the_limit_gets_its_answer(served: Served, path: str) -> None:
    """A client that reads only when it has sent everything is not reset."""
    method = "PUT" if path.startswith("/uploads") else "POST"
    assert served.ask(method, path, b" " * (12 << 20))[0] == (403 if method == "PUT" else 413)


def test_more_streams_than_there_may_be_are_refused(api: dict[str, Any]) -> None:
    """One more than the limit gets 503, and a slot is free when a stream has ended."""
    release = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not release.is_set():
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b"end"})

    functions = ChosenFunctions()
    functions.apps["StreamQueryFunction"] = app
    with serving(Gateway(api, functions, ChosenWorkflow(dict), None)) as running, \
            ThreadPoolExecutor(MAX_STREAMS) as clients:
        streams = [clients.submit(running.ask, "POST", "/query", b"{}") for _ in range(MAX_STREAMS)]
        time.sleep(0.5)
        assert running.ask("POST", "/query", b"{}")[0] == 503
        release.set()
        assert {future.result(10)[0] for future in streams} == {200}
        assert running.ask("POST", "/query", b"{}")[0] == 200


def test_a_stream_is_ended_with_an_error_event(api: dict[str, Any]) -> None:
    """After SIGTERM a stream that has begun ends with an event that says why."""
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"event: token\n\n", "more_body": True})
        await asyncio.sleep(60)

    functions = ChosenFunctions()
    functions.apps["StreamQueryFunction"] = app
    with ThreadPoolExecutor(1) as clients:
        with serving(Gateway(api, functions, ChosenWorkflow(dict), None)) as running:
            stream = clients.submit(running.ask, "POST", "/query", b"{}")
            time.sleep(0.5)
            running.stop()
        status, response = stream.result(10)
    assert status == 200 and b"event: error\ndata: {" in response and response.endswith(b"0\r\n\r\n")
