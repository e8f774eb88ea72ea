"""POST /query: the answer as server-sent events, the same that POST /rag-query gives as a whole."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from small_plant import BISCUIT, FURNACE, LUNCH, QUESTION, THIN, Plant, events_of, small_plant
from starlette.applications import Starlette
from unit.knowledge.fakes import FakeTextGenerator

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.handlers.body import MAX_BYTES
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.handlers.stream_query import stream_query_app
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ports import TextGenerator
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer

Event = Callable[..., dict[str, Any]]
SAID = json.dumps({"claim": "얇은 비스킷은 기공을 만듭니다.", "source": 1, "quote": THIN}, ensure_ascii=False)
CONTEXT = {"defect_types": [{"label": "기공", "probability": 0.4}],
           "top_features": [{"name": "x", "label": "비스킷", "value": 0.1, "direction": "low"}]}


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """Two documents."""
    found = small_plant(tmp_path, analyzer)
    found.add("비스킷.pdf", BISCUIT)
    found.add("용해로.pdf", FURNACE)
    return found


def post(app: Any, body: Any, content_type: str | None = "application/json", *, path: str = "/query") -> httpx.Response:
    """One request, its reply whole; bytes go as they are, all else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(path, content=content, headers={"Content-Type": content_type} if content_type
                                     else {})

    return asyncio.run(sent())


def streamed(plant: Plant, body: Any, writer: TextGenerator | None = None) -> list[tuple[str, Any]]:
    """The events for a body that is answered."""
    reply = post(stream_query_app(plant.answerer(writer)), body)
    assert reply.status_code == 200, reply.text
    return list(events_of(reply.content.decode("utf-8")))


def whole(plant: Plant, body: dict[str, Any], writer: TextGenerator | None = None) -> dict[str, Any]:
    """What POST /rag-query returns, without its time."""
    return {**rag_query_handler(plant.answerer(writer), plant.documents)(body, None), "processing_time_ms": 0}


def kinds(events: list[tuple[str, Any]]) -> str:
    """The kinds of the events, in their order, a letter each: p, t, d, e."""
    return "".join(kind[0] for kind, _ in events)


@pytest.mark.parametrize("body", [{"query": QUESTION}, {"query": QUESTION, "language": "en"}, {"context": CONTEXT}])
@pytest.mark.parametrize("written", [False, True])
def test_the_stream_ends_with_what_rag_query_returns(plant: Plant, body: dict[str, Any], written: bool) -> None:
    """passage*, token*, one done; the tokens joined are the answer, and done is the whole reply but for its time."""
    writer = FakeTextGenerator(SAID[:20], SAID[20:] + "\n", SAID.replace("만듭", "일으킵") + "\n") if written else None
    *said, (last, done) = events = streamed(plant, body, writer)
    assert kinds(said).lstrip("p").strip("t") == "" and kinds(said).endswith("t") and last == "done"
    assert ("p" in kinds(events)) == written
    assert "".join(data["text"] for kind, data in said if kind == "token") == done["answer"] and done["grounded"]
    assert done["processing_time_ms"] > 0
    assert {**done, "processing_time_ms": 0} == whole(plant, body, writer)


def test_passages_say_where_they_stand(plant: Plant) -> None:
    """Document, title, page, headings and relevance, the best passage first."""
    passages = [data for kind, data in streamed(plant, {"query": QUESTION}, FakeTextGenerator(SAID)) if kind == "passage"]
    assert {**passages[0], "relevance": 1} == {"document": "비스킷.pdf", "title": "비스킷", "page": 1,
                                               "headings": ["얇은 비스킷", "원인"], "relevance": 1}
    assert all(0 <= passage["relevance"] <= 1 for passage in passages)


@pytest.mark.parametrize("writer", [None, FakeTextGenerator('{"none": true}\n'), FakeTextGenerator('{"claim": "말", "source": 1}\n')])
def test_nothing_is_said_of_what_the_documents_do_not_hold(plant: Plant, writer: FakeTextGenerator | None) -> None:
    """No token comes before done, whose answer says so; a writer's unproven word is none."""
    events = streamed(plant, {"query": LUNCH if writer is None else QUESTION}, writer)
    assert kinds(events).lstrip("p") == "d"
    assert not events[-1][1]["grounded"] and events[-1][1]["sources"] == [] and "없습니다" in events[-1][1]["answer"]


def test_the_media_type_is_that_of_events_and_nothing_holds_them_back(plant: Plant) -> None:
    """text/event-stream in UTF-8 as it is, kept by no cache, buffered by no proxy."""
    reply = post(stream_query_app(plant.answerer()), {"query": QUESTION})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store" and reply.headers["x-accel-buffering"] == "no"
    assert THIN.encode() in reply.content and b"\\u" not in reply.content


def test_line_ends_in_a_text_break_no_event(plant: Plant) -> None:
    """A token that begins with a line end stays one event."""
    tokens = [data["text"] for kind, data in streamed(plant, {"query": QUESTION}) if kind == "token"]
    assert any(token.startswith("\n") for token in tokens)


def test_health_tells_the_adapter_that_it_is_up(plant: Plant) -> None:
    """GET /health, which the Lambda Web Adapter waits for."""
    async def got() -> httpx.Response:
        transport = httpx.ASGITransport(app=stream_query_app(plant.answerer()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/health")

    reply = asyncio.run(got())
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("body", "content_type", "status"), [
    (b"", "application/json", 400), (b" ", "application/json", 400), (b"x", "application/json", 400),
    (b"[]", "application/json", 400), (b"{}", "application/json", 400), (b'{"query": ""}', "application/json", 400),
    (b'{"query": 5}', "application/json", 400), (b'{"query": "x", "more": 1}', "application/json", 400),
    (b'{"query": "x", "query": "y"}', "application/json", 400), (b'{"query": NaN}', "application/json", 400),
    (b'{"query": "\\ud800"}', "application/json", 400), (b'{"query": "x", "language": "jp"}', "application/json", 400),
    (b'{"context": {"limits": 5}}', "application/json", 400), (b'{"query": "' + b"x" * 2001 + b'"}', None, 400),
    (b'{"context": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 400),
    (b'{"query": "' + b"x" * MAX_BYTES + b'"}', "application/json", 413), (b" " * (MAX_BYTES + 1), None, 413),
    (b'{"query": "x"}', "text/plain", 415), (b"", "application/xml", 415)], ids=lambda value: str(value)[:40])
def test_bad_requests_are_refused_as_rag_query_refuses_them(plant: Plant, event: Event, body: bytes,
                                                            content_type: str | None, status: int) -> None:
    """Before any stream begins: the same problem document, byte for byte."""
    reply = post(stream_query_app(plant.answerer()), body, content_type)
    asked = {**event("POST", "/rag-query", body.decode()), "headers": {"content-type": content_type or
                                                                       "application/json"}}
    refused = rag_query_handler(plant.answerer(), plant.documents)(asked, None)
    assert reply.status_code == refused["statusCode"] == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.text == refused["body"] and reply.json()["errors"]


def test_bytes_that_are_no_text_are_refused_as_rag_query_refuses_them(plant: Plant, event: Event) -> None:
    """A question in another encoding is no question, whichever way it is asked."""
    body = '{"query": "비스킷"}'.encode("euc-kr")
    asked = {**event("POST", "/rag-query", base64.b64encode(body).decode()), "isBase64Encoded": True}
    refused = rag_query_handler(plant.answerer(), plant.documents)(asked, None)
    reply = post(stream_query_app(plant.answerer()), body)
    assert (reply.status_code, reply.text) == (refused["statusCode"], refused["body"]) and reply.status_code == 400


def test_what_curl_declares_is_taken(plant: Plant) -> None:
    """`curl -d` says that it sends a form, and no header at all means JSON."""
    for content_type in ("application/x-www-form-urlencoded", None):
        assert post(stream_query_app(plant.answerer()), {"query": QUESTION}, content_type).status_code == 200


def test_a_library_that_does_not_answer_is_a_503_before_the_stream_begins(tmp_path: Path, analyzer: Analyzer) -> None:
    """A status, not an event, for whatever fails before anything is said; nothing of the inside is told."""
    library = SqliteDocumentStore(tmp_path / "library.sqlite")
    library.close()
    for body in ({"query": QUESTION}, {"context": CONTEXT}):
        reply = post(stream_query_app(Answerer(HybridSearch(library, analyzer))), body)
        assert reply.status_code == reply.json()["status"] == 503 and str(tmp_path) not in reply.text
        assert reply.headers["content-type"] == "application/problem+json"


class Saboteur:
    """A writer that says one claim and then makes the library fail."""

    name = "saboteur"

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """One claim; what is asked of the library after it fails."""
        yield SAID + "\n"
        self._plant.library.failing |= {"versions", "passages"}


@pytest.mark.parametrize(("failing", "status"), [
    (lambda plant: FakeTextGenerator(SAID + "\n", RuntimeError("secret of 10.0.0.1")), 500),
    (lambda plant: Saboteur(plant), 503)], ids=["a mistake of ours", "the library"])
def test_an_error_on_the_way_is_the_last_event(plant: Plant, failing: Callable[[Plant], TextGenerator], status: int) -> None:
    """What was said stays; a problem document ends the stream and tells nothing of the inside."""
    *said, (last, problem) = events = streamed(plant, {"query": QUESTION}, failing(plant))
    assert kinds(events).lstrip("p") == "te" and last == "error"
    assert problem["status"] == status and problem["type"] == "about:blank" and "detail" in problem
    assert "secret" not in json.dumps(events) and "library's" not in json.dumps(problem)


def test_streams_at_the_same_time_do_not_mix(plant: Plant) -> None:
    """Each of 20 requests gets its own answer."""
    app = stream_query_app(plant.answerer())

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await asyncio.gather(*(client.post("/query", json={"query": query})
                                          for query in (QUESTION, LUNCH) * 10))

    found = [list(events_of(reply.text))[-1][1]["grounded"] for reply in asyncio.run(all_at_once())]
    assert found == [True, False] * 10


def test_metrics_tell_when_the_first_word_came(plant: Plant, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    """One record an answer: times, counts and what worded it; nothing of question or documents. Where a model worded
    it, the first word's time once more without the model's name, which no alarm could know."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    streamed(plant, {"query": QUESTION}, FakeTextGenerator(SAID + "\n", '{"claim": "x"}\n'))
    streamed(plant, {"query": LUNCH})
    out = capsys.readouterr().out
    first, alone, second = (json.loads(line) for line in out.splitlines())
    assert alone["GeneratedFirstToken"] == first["FirstToken"] and "model_version" not in alone
    assert 0 < first["FirstToken"][0] <= first["ProcessingTime"][0]
    assert (first["Answers"], first["Ungrounded"], first["DroppedClaims"]) == ([1], [0], [1])
    assert (second["Answers"], second["Ungrounded"]) == ([1], [1])
    assert (first["model_version"], second["model_version"]) == ("fake-writer", "extractive")
    assert first["service"] == "stream_query" and "비스킷" not in out


class SlowWriter:
    """A writer that takes a while for each claim. given: how many were taken; stopped: set when it was let go."""

    name = "slow"

    def __init__(self) -> None:
        self.given = 0
        self.stopped = threading.Event()

    def write(self, system: str, prompt: str) -> Generator[str, None, None]:
        """Eight claims, one every 0.2 s."""
        try:
            for number in range(8):
                self.given += 1
                yield SAID.replace("니다", f"니다{'!' * number}") + "\n"
                time.sleep(0.2)
        finally:
            self.stopped.set()


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """The app on a port, served by uvicorn in a thread as `shotwise serve` and the Lambda do it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
        assert not thread.is_alive(), "uvicorn did not stop"


def test_each_event_leaves_when_it_is_there(plant: Plant) -> None:
    """Over HTTP the first token comes while the writer still writes: nothing is kept until the end."""
    writer = SlowWriter()
    with served(stream_query_app(plant.answerer(writer))) as port, \
            httpx.stream("POST", f"http://127.0.0.1:{port}/query", json={"query": QUESTION}) as reply:
        text = ""
        for part in reply.iter_text():
            text += part
            if "event: token" in text and "event: done" not in text and not writer.stopped.is_set():
                assert writer.given < 8
                break
        else:
            pytest.fail("everything came at the end")
    assert writer.stopped.wait(3)


def test_a_client_that_hangs_up_stops_the_work(plant: Plant) -> None:
    """The writer is let go after the piece that it is at, long before its end, and the next client is answered."""
    writer = SlowWriter()
    with served(stream_query_app(plant.answerer(writer))) as port:
        with httpx.stream("POST", f"http://127.0.0.1:{port}/query", json={"query": QUESTION}) as reply:
            text = ""
            for part in reply.iter_text():
                text += part
                if "event: token" in text:
                    break
        assert writer.stopped.wait(3) and writer.given <= 4, f"{writer.given} of 8 pieces were written for nobody"
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
