"""The local gateway takes uploads as S3 does, sends the events of removals, and passes streams on piece by piece."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from shotwise.adapters.folder_file_store import FolderFileStore
from shotwise.limits import MAX_BODY_BYTES, MAX_REQUEST_BYTES
from shotwise_local.gateway import Gateway
from shotwise_local.http_message import BodyTooLarge, read_body
from shotwise_local.lanes import Overloaded, Slots
from shotwise_local.s3_events import DocumentsBucket
from shotwise_local.stack import Stack

from .client import call, call_asgi

ODD_NAMES = ("작업 표준.pdf", "「점검」 용해·보온로 #1.pdf", "100% 확인.pdf", "%4x.pdf", "a+b&c=d;e.pdf", "a..b.PDF")
QUESTION = {"query": "비스킷 두께가 얇으면 어떤 결함이 생기나요?"}
FOREIGN_HEADERS = ({"host": "evil.example:8000"}, {"origin": "http://evil.example"}, {"origin": "null"})


def list_documents(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """The entries of GET /documents by name."""
    documents = json.loads(call(gateway, "GET", "/documents").body)["documents"]
    return {document["name"]: document for document in documents}


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for the effect of an upload or a removal."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "no effect within 20 s"
        time.sleep(0.05)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_comes_back_as_it_was_given(gateway: Gateway, name: str) -> None:
    """An odd name survives the URL of POST, the PUT there, the event, the list and DELETE.

    The file is not a PDF, so the pipeline is done with it at once.
    """
    reply = call_asgi(gateway, "POST", "/documents", {"name": name}).json()
    upload = reply["upload"]
    assert reply["name"] == name
    assert call_asgi(gateway, upload["method"], upload["url"], b"no PDF", upload["headers"]).status == 200
    wait_until(lambda: name in list_documents(gateway))
    document = list_documents(gateway)[name]
    assert document["failure"].startswith(f"{name}: ") and document["version"] is None
    assert document["failure_detail"] == {"code": "not_pdf", "params": {}}
    path = f"/documents/{upload['url'].rpartition('/')[2]}"
    removed = call_asgi(gateway, "DELETE", path)
    assert removed.status == 202 and removed.json() == {"name": name}
    wait_until(lambda: name not in list_documents(gateway))
    assert call_asgi(gateway, "DELETE", path).status == 404


def test_a_shipped_manual_stays(gateway: Gateway) -> None:
    """DELETE is a 404, and no event is sent: it is searched as before."""
    before = list_documents(gateway)["process-manual.pdf"]
    reply = call_asgi(gateway, "DELETE", "/documents/process-manual.pdf")
    assert reply.status == 404 and reply.headers["content-type"] == "application/problem+json"
    time.sleep(0.2)
    assert list_documents(gateway)["process-manual.pdf"] == before


@pytest.mark.parametrize("path", ["/uploads/", "/uploads/a.txt", "/uploads/..%2Fa.pdf", "/uploads/x/a.pdf",
                                  "/uploads/%2E%2E/a.pdf", "/uploads/.a.pdf", "/uploads/a%00.pdf", "/documents/a.pdf",
                                  "/uploads/a%E2%80%AEfdp.pdf", "/uploads/a%E2%80%8B.pdf", "/uploads/a%C2%9B.pdf",
                                  "/uploads/%B1%E2.pdf", "/uploads/%20a.pdf",
                                  "/charts/a.png", "/a.pdf", f"/uploads/{'a' * 300}.pdf"])
def test_nothing_else_can_be_put(gateway: Gateway, path: str) -> None:
    """A name that POST /documents would refuse, and any other path, is a 403, as at S3 and API Gateway."""
    reply = call_asgi(gateway, "PUT", path, b"%PDF-")
    assert reply.status == reply.json()["status"] == 403
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", FOREIGN_HEADERS)
@pytest.mark.parametrize(("method", "path", "body"), [
    ("PUT", "/uploads/evil.pdf", b"%PDF-"), ("DELETE", "/documents/process-manual.pdf", b""),
    ("POST", "/query", QUESTION),
    ("POST", "/documents", {"name": "a.pdf"}), ("GET", "/documents", b""), ("GET", "/search?query=x", b"")])
def test_web_pages_from_elsewhere_neither_read_nor_change(gateway: Gateway, headers: dict[str, str], method: str,
                                                          path: str, body: Any) -> None:
    """Uploads, removals and streams are refused to them, as everything else is."""
    assert call_asgi(gateway, method, path, body, headers).status == 403
    assert "evil.pdf" not in list_documents(gateway)


@pytest.mark.parametrize("headers", [{"host": "[::1"}, {"origin": "http://[evil"}])
def test_an_invalid_host_is_refused_too(gateway: Gateway, headers: dict[str, str]) -> None:
    """A host that cannot be parsed is not this machine."""
    assert call_asgi(gateway, "GET", "/health", None, headers).status == 403


def test_a_body_over_the_gateways_limit_is_refused_before_it_is_complete(gateway: Gateway) -> None:
    """10 MiB, as API Gateway has it, counted over the parts as they arrive."""
    reply = call_asgi(gateway, "POST", "/documents", [b" " * (1 << 20)] * (MAX_REQUEST_BYTES // (1 << 20)) + [b" "])
    assert reply.status == reply.json()["status"] == 413


@pytest.mark.parametrize(("max_bytes", "fits"), [(9, False), (10, True)])
def test_a_body_is_read_up_to_a_limit(max_bytes: int, fits: bool) -> None:
    """One byte more, and nothing of it is returned."""
    parts = iter([{"type": "http.request", "body": body, "more_body": bool(body)}
                  for body in (b"12345", b"67890", b"")])

    async def receive() -> dict[str, Any]:
        return next(parts)

    if fits:
        assert asyncio.run(read_body(receive, max_bytes, 5, Slots(0))) == b"1234567890"
    else:
        with pytest.raises(BodyTooLarge):
            asyncio.run(read_body(receive, max_bytes, 5, Slots(0)))


def test_large_bodies_share_a_bound() -> None:
    """One more than may arrive at the same time is refused; a small body takes no place."""
    def receive_parts(*sizes: int) -> Callable[[], Any]:
        parts = iter([*({"type": "http.request", "body": bytes(size), "more_body": True} for size in sizes),
                      {"type": "http.request"}])

        async def receive() -> dict[str, Any]:
            return next(parts)

        return receive

    full = Slots(0)
    assert len(asyncio.run(read_body(receive_parts(MAX_BODY_BYTES), MAX_REQUEST_BYTES, 5, full))) == MAX_BODY_BYTES
    with pytest.raises(Overloaded):
        asyncio.run(read_body(receive_parts(MAX_BODY_BYTES, 1), MAX_REQUEST_BYTES, 5, full))
    slots = Slots(1)
    for _ in range(2):  # the place is free again
        asyncio.run(read_body(receive_parts(MAX_BODY_BYTES, 1), MAX_REQUEST_BYTES, 5, slots))


def test_a_store_that_does_not_take_a_file_is_a_503_without_its_reason(api: dict[str, Any], stack: Stack,
                                                                       tmp_path: Path) -> None:
    """If the disk is full, say, the caller learns that it failed, and the pipeline gets no event."""
    events: list[Any] = []
    (tmp_path / "file").write_text("x")
    bucket = DocumentsBucket(FolderFileStore([tmp_path / "file"], ""), lambda event, _: events.append(event) or {})
    reply = call_asgi(Gateway(api, stack.functions, stack.workflow, bucket), "PUT", "/uploads/a.pdf", b"%PDF-")
    assert reply.status == reply.json()["status"] == 503 and str(tmp_path).encode() not in reply.body
    bucket.wait()
    assert events == []


@pytest.mark.timeout(20)
def test_a_file_that_cannot_be_finished_is_a_503(api: dict[str, Any], stack: Stack, tmp_path: Path) -> None:
    """If the disk is full when all of the body has arrived, nothing more is waited for."""
    class FullFileStore(FolderFileStore):
        @contextmanager
        def writing(self, name: str) -> Iterator[BinaryIO]:
            with super().writing(name) as file:
                yield file
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bucket = DocumentsBucket(FullFileStore([tmp_path], ""), lambda event, seconds: {})
    gateway = Gateway(api, stack.functions, stack.workflow, bucket)
    reply = call_asgi(gateway, "PUT", "/uploads/a.pdf", b"%PDF-")
    assert reply.status == 503 and not list(tmp_path.iterdir())


def test_a_search_reaches_the_handler_with_its_parameters(gateway: Gateway) -> None:
    """The query string is decoded; a parameter that is sent twice arrives twice, and is refused."""
    url = "/search?query=%EA%B8%B0%EA%B3%B5+%EB%8C%80%EC%B1%85&limit=2"
    reply = call_asgi(gateway, "GET", url).json()
    assert call_asgi(gateway, "GET", f"{url}&limit=9").json()["errors"][0]["field"] == "limit"
    assert reply == json.loads(call(gateway, "GET", "/search", query="query=기공 대책&limit=2").body)
    assert len(reply["passages"]) == 2 and "기공" in json.dumps(reply, ensure_ascii=False)


def test_a_stream_ends_with_what_rag_query_gives(gateway: Gateway) -> None:
    """One question has one answer, in one piece or in many."""
    events = list(call_asgi(gateway, "POST", "/query", QUESTION).events())
    done, reply = events[-1][1], call_asgi(gateway, "POST", "/rag-query", QUESTION).json()
    assert [event_type for event_type, _ in events[:-1]] == ["token"] * (len(events) - 1) and events[-1][0] == "done"
    assert {**done, "processing_time_ms": 0} == {**reply, "processing_time_ms": 0} and done["grounded"]


def test_a_stream_goes_out_event_by_event(gateway: Gateway) -> None:
    """The gateway holds nothing back: each event is a message of its own, and there is no content length."""
    response = call_asgi(gateway, "POST", "/query", QUESTION)
    assert len(response.parts) == len(list(response.events())) >= 3 and "content-length" not in response.headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/query"), ("PUT", "/query"), ("POST", "/query/x")])
def test_only_the_described_operation_streams(gateway: Gateway, method: str, path: str) -> None:
    """Every other method and path is refused by the gateway."""
    assert call_asgi(gateway, method, path).status == 403


def test_half_an_upload_replaces_nothing(tmp_path: Path) -> None:
    """A client that breaks off leaves the earlier file in place, and gets no response."""
    (tmp_path / "half.pdf").write_bytes(b"complete")
    sent: list[Any] = []
    bucket = DocumentsBucket(FolderFileStore([tmp_path], ""),
                             lambda event, seconds: sent.append(event) or {"batchItemFailures": []})
    gateway = Gateway({"paths": {}, "x-amazon-apigateway-gateway-responses": {}}, None, None, bucket)
    messages = iter([{"type": "http.request", "body": b"%PDF-ha", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": "/uploads/half.pdf", "query_string": b"", "headers": []}
    asyncio.run(gateway(scope, receive, send))
    bucket.wait()
    assert (tmp_path / "half.pdf").read_bytes() == b"complete" and sent == []
