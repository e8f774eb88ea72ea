"""The local gateway takes uploads as S3 does, tells of removals, and lets streams through as they come."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise_local.gateway import MAX_BODY_BYTES, Gateway, Request, _read
from shotwise_local.s3_events import DocumentsBucket

from .client import call, call_asgi

ODD = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인.pdf", "%4x.pdf", "a+b&c=d;e.pdf", "a..b.PDF")
QUESTION = {"query": "비스킷 두께가 얇으면 어떤 결함이 생기나요?"}
FOREIGN = ({"host": "evil.example:8000"}, {"origin": "http://evil.example"}, {"origin": "null"})


def listed(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Name → what GET /documents tells of it."""
    return {found["name"]: found for found in json.loads(call(gateway, "GET", "/documents").body)["documents"]}


def until(done: Callable[[], bool]) -> None:
    """Wait for what follows an upload or a removal."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "nothing followed within 20 s"
        time.sleep(0.05)


@pytest.mark.parametrize("name", ODD)
def test_a_name_comes_back_as_it_was_given(stack: Any, name: str) -> None:
    """POST tells the address, PUT there keeps the file under the very name, the pipeline hears of it under that name,
    and DELETE by the name, written for a URL, takes all of it away. The file is no PDF, so it is read at once.
    """
    gateway = stack.gateway
    told = call_asgi(gateway, "POST", "/documents", {"name": name}).json()
    upload = told["upload"]
    assert told["name"] == name
    assert call_asgi(gateway, upload["method"], upload["url"], b"no PDF", upload["headers"]).status == 200
    until(lambda: name in listed(gateway))
    assert listed(gateway)[name]["failure"].startswith(f"{name}: ") and listed(gateway)[name]["version"] is None
    path = f"/documents/{upload['url'].rpartition('/')[2]}"
    removed = call_asgi(gateway, "DELETE", path)
    assert removed.status == 202 and removed.json() == {"name": name}
    until(lambda: name not in listed(gateway))
    assert call_asgi(gateway, "DELETE", path).status == 404


def test_a_shipped_manual_stays(stack: Any) -> None:
    """DELETE is a 404, and nothing is told: it is searched as before."""
    before = listed(stack.gateway)["process-manual.pdf"]
    reply = call_asgi(stack.gateway, "DELETE", "/documents/process-manual.pdf")
    assert reply.status == 404 and reply.headers["content-type"] == "application/problem+json"
    time.sleep(0.2)
    assert listed(stack.gateway)["process-manual.pdf"] == before


@pytest.mark.parametrize("path", ["/uploads/", "/uploads/a.txt", "/uploads/..%2Fa.pdf", "/uploads/x/a.pdf",
                                  "/uploads/%2E%2E/a.pdf", "/uploads/.a.pdf", "/uploads/a%00.pdf", "/documents/a.pdf",
                                  "/charts/a.png", "/a.pdf", f"/uploads/{'a' * 300}.pdf"])
def test_nothing_else_can_be_put(stack: Any, path: str) -> None:
    """A name that POST /documents would refuse, and any other path, is a 403 as S3 and API Gateway have it."""
    reply = call_asgi(stack.gateway, "PUT", path, b"%PDF-")
    assert reply.status == reply.json()["status"] == 403
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path", "body"), [
    ("PUT", "/uploads/evil.pdf", b"%PDF-"), ("DELETE", "/documents/process-manual.pdf", b""),
    ("POST", "/query", QUESTION),
    ("POST", "/documents", {"name": "a.pdf"}), ("GET", "/documents", b""), ("GET", "/search?query=x", b"")])
def test_web_pages_from_elsewhere_neither_ask_nor_change(stack: Any, headers: dict[str, str], method: str, path: str,
                                                         body: Any) -> None:
    """Uploads, removals and streams are refused to them as everything else is."""
    assert call_asgi(stack.gateway, method, path, body, headers).status == 403
    assert "evil.pdf" not in listed(stack.gateway)


@pytest.mark.parametrize("headers", [{"host": "[::1"}, {"origin": "http://[evil"}])
def test_a_host_that_is_none_is_refused_too(stack: Any, headers: dict[str, str]) -> None:
    """What cannot be read as this machine's name is not this machine."""
    assert call_asgi(stack.gateway, "GET", "/health", None, headers).status == 403


def test_a_body_over_the_gateways_limit_is_refused_before_it_is_whole(stack: Any) -> None:
    """10 MiB, as API Gateway has it, counted over the parts as they come."""
    reply = call_asgi(stack.gateway, "POST", "/documents", [b" " * (1 << 20)] * (MAX_BODY_BYTES // (1 << 20)) + [b" "])
    assert reply.status == reply.json()["status"] == 413


@pytest.mark.parametrize(("most", "whole"), [(9, False), (10, True)])
def test_an_upload_is_read_up_to_its_own_limit(most: int, whole: bool) -> None:
    """A byte more and nothing of it is kept."""
    parts = iter([{"body": b"12345", "more_body": True}, {"body": b"67890", "more_body": True}, {"body": b""}])

    async def receive() -> dict[str, Any]:
        return next(parts)

    head = Request("PUT", "/uploads/a.pdf", "", {}, b"", "127.0.0.1")
    found = asyncio.run(_read(head, receive, most))
    assert (found and found.body) == (b"1234567890" if whole else None)


def test_a_store_that_does_not_take_a_file_is_a_500_without_its_reason(api: dict[str, Any], stack: Any,
                                                                       tmp_path: Path) -> None:
    """The disk is full, say: the caller hears that it failed, and the pipeline hears nothing."""
    heard: list[Any] = []
    (tmp_path / "file").write_text("x")
    bucket = DocumentsBucket(FolderFileStore([tmp_path / "file"], ""), lambda event: heard.append(event) or {})
    reply = call_asgi(Gateway(api, stack.functions, stack.workflow, bucket), "PUT", "/uploads/a.pdf", b"%PDF-")
    assert reply.status == reply.json()["status"] == 500 and str(tmp_path).encode() not in reply.body
    bucket.wait()
    assert heard == []


def test_a_search_reaches_the_handler_with_its_parameters(stack: Any) -> None:
    """Percent signs and pluses of the query string are read; the last of two counts, as API Gateway has it."""
    found = call_asgi(stack.gateway, "GET", "/search?query=%EA%B8%B0%EA%B3%B5+%EB%8C%80%EC%B1%85&limit=9&limit=2").json()
    assert found == json.loads(call(stack.gateway, "GET", "/search", query="query=기공 대책&limit=2").body)
    assert len(found["passages"]) == 2 and "기공" in json.dumps(found, ensure_ascii=False)


def test_a_stream_ends_with_what_rag_query_gives(stack: Any) -> None:
    """By the same gateway: one question, one answer, as a whole or in pieces."""
    events = list(call_asgi(stack.gateway, "POST", "/query", QUESTION).events())
    done, whole = events[-1][1], call_asgi(stack.gateway, "POST", "/rag-query", QUESTION).json()
    assert [kind for kind, _ in events[:-1]] == ["token"] * (len(events) - 1) and events[-1][0] == "done"
    assert {**done, "processing_time_ms": 0} == {**whole, "processing_time_ms": 0} and done["grounded"]


def test_a_stream_goes_out_event_by_event(stack: Any) -> None:
    """The gateway holds nothing back: each event is a message of its own, and no length is told beforehand."""
    served = call_asgi(stack.gateway, "POST", "/query", QUESTION)
    assert len(served.parts) == len(list(served.events())) >= 3 and "content-length" not in served.headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/query"), ("PUT", "/query"), ("POST", "/query/x")])
def test_only_the_described_operation_streams(stack: Any, method: str, path: str) -> None:
    """Every other is the gateway's refusal."""
    assert call_asgi(stack.gateway, method, path).status == 403


def test_half_an_upload_replaces_nothing(tmp_path: Path) -> None:
    """A client that breaks off leaves the file that was there, and hears nothing."""
    (tmp_path / "half.pdf").write_bytes(b"whole")
    told: list[Any] = []
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""), lambda event: told.append(event) or {"batchItemFailures": []})
    gateway = Gateway({"paths": {}, "x-amazon-apigateway-gateway-responses": {}}, None, None, bucket)
    messages = iter([{"type": "http.request", "body": b"%PDF-ha", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "PUT", "path": "/uploads/half.pdf", "query_string": b"", "headers": []}
    asyncio.run(gateway(scope, receive, send))
    bucket.wait()
    assert (tmp_path / "half.pdf").read_bytes() == b"whole" and told == []
