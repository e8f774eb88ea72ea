"""POST /query: the answer as server-sent events, the same that POST /rag-query returns in one piece."""

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

import httpx2
import pytest
import uvicorn
from broken_models import broken_model, wait_until
from small_plant import BISCUIT, FURNACE, LUNCH, QUESTION, THIN, Plant, events_of, small_plant
from starlette.applications import Starlette
from unit.knowledge.fakes import FakeTextGenerator

from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise.deadline import Deadline
from shotwise.handlers.rag_query import rag_query_handler
from shotwise.handlers.stream_query import stream_query_app
from shotwise.knowledge.answering.answerer import Answerer
from shotwise.knowledge.ports import TextGenerator
from shotwise.knowledge.retrieval.hybrid_search import HybridSearch
from shotwise.knowledge.text.analyzer import Analyzer
from shotwise.limits import MAX_BODY_BYTES, MAX_STREAMS

Event = Callable[..., dict[str, Any]]
CLAIM = json.dumps({"claim": "얇은 비스킷은 기공을 만듭니다.", "source": 1, "quote": THIN}, ensure_ascii=False)
CONTEXT = {"defect_types": [{"label": "기공", "probability": 0.4}],
           "top_features": [{"name": "x", "label": "비스킷", "value": 0.1, "direction": "low"}]}


@pytest.fixture
def plant(tmp_path: Path, analyzer: Analyzer) -> Plant:
    """A plant with two documents."""
    plant = small_plant(tmp_path, analyzer)
    plant.add("비스킷.pdf", BISCUIT)
    plant.add("용해로.pdf", FURNACE)
    return plant


def post(app: Any, body: Any, content_type: str | None = "application/json") -> httpx2.Response:
    """Send a request and wait for the whole response; bytes go as they are, all else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/query", content=content, headers={"Content-Type": content_type} if content_type
                                     else {})

    return asyncio.run(send())


def streamed(plant: Plant, body: Any, text_generator: TextGenerator | None = None) -> list[tuple[str, Any]]:
    """The events for a body that is answered."""
    reply = post(stream_query_app(plant.answerer(text_generator)), body)
    assert reply.status_code == 200, reply.text
    return list(events_of(reply.content.decode("utf-8")))


def answered(plant: Plant, body: dict[str, Any], text_generator: TextGenerator | None = None) -> dict[str, Any]:
    """What POST /rag-query returns, without its time."""
    return {**rag_query_handler(plant.answerer(text_generator), plant.documents)(body, None), "processing_time_ms": 0}


def initials(events: list[tuple[str, Any]]) -> str:
    """The types of the events in their order, as a letter each: passage, token, done, error."""
    return "".join(event_type[0] for event_type, _ in events)


@pytest.mark.parametrize("body", [{"query": QUESTION}, {"query": QUESTION, "language": "en"}, {"context": CONTEXT}])
@pytest.mark.parametrize("generated", [False, True])
def test_the_stream_ends_with_what_rag_query_returns(plant: Plant, body: dict[str, Any], generated: bool) -> None:
    """passage*, token*, one done; the joined tokens are the answer, and done is the reply except for its time."""
    claims = (CLAIM[:20], CLAIM[20:] + "\n", CLAIM.replace("만듭", "일으킵") + "\n")
    text_generator = FakeTextGenerator(*claims) if generated else None
    *earlier, (last, done) = events = streamed(plant, body, text_generator)
    assert initials(earlier).lstrip("p").strip("t") == "" and initials(earlier).endswith("t") and last == "done"
    assert ("p" in initials(events)) == generated
    tokens = [data["text"] for event_type, data in earlier if event_type == "token"]
    assert "".join(tokens) == done["answer"] and done["grounded"]
    assert done["processing_time_ms"] > 0
    assert {**done, "processing_time_ms": 0} == answered(plant, body, text_generator)


def test_passages_say_where_they_are(plant: Plant) -> None:
    """They have document, title, page, headings and relevance; the best passage comes first."""
    passages = [data for event_type, data in streamed(plant, {"query": QUESTION}, FakeTextGenerator(CLAIM))
                if event_type == "passage"]
    assert {**passages[0], "relevance": 1} == {"document": "비스킷.pdf", "title": "비스킷", "page": 1,
                                               "headings": ["얇은 비스킷", "원인"], "relevance": 1}
    assert all(0 <= passage["relevance"] <= 1 for passage in passages)


def test_a_passage_is_as_relevant_as_its_source(plant: Plant) -> None:
    """The relevance of a passage is that of the answer's source for it, to the last digit."""
    query = "비스킷이 얇으면 온도를 어떻게 하나요?"
    *earlier, (_, done) = streamed(plant, {"query": query}, FakeTextGenerator(CLAIM))
    relevances = [data["relevance"] for event_type, data in earlier if event_type == "passage"]
    assert done["sources"] and done["sources"][0]["relevance"] == relevances[0] < 1


@pytest.mark.parametrize("text_generator", [
    None, FakeTextGenerator('{"none": true}\n'),
    FakeTextGenerator('{"claim": "말", "source": 1}\n')])
def test_there_is_no_token_of_what_the_documents_do_not_say(plant: Plant,
                                                            text_generator: FakeTextGenerator | None) -> None:
    """No token comes before done, which has the refusal; an unproven claim of the language model is dropped."""
    events = streamed(plant, {"query": LUNCH if text_generator is None else QUESTION}, text_generator)
    assert initials(events).lstrip("p") == "d"
    assert not events[-1][1]["grounded"] and events[-1][1]["sources"] == [] and "없습니다" in events[-1][1]["answer"]


def test_the_headers_are_those_of_a_stream(plant: Plant) -> None:
    """text/event-stream in UTF-8, which no cache keeps and no proxy buffers."""
    reply = post(stream_query_app(plant.answerer()), {"query": QUESTION})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store" and reply.headers["x-accel-buffering"] == "no"
    assert THIN.encode() in reply.content and b"\\u" not in reply.content


def test_line_ends_in_a_text_do_not_split_an_event(plant: Plant) -> None:
    """A token that begins with a line end stays one event."""
    tokens = [data["text"] for event_type, data in streamed(plant, {"query": QUESTION}) if event_type == "token"]
    assert any(token.startswith("\n") for token in tokens)


def test_health_says_that_it_is_up(plant: Plant) -> None:
    """GET /health, which the Lambda Web Adapter waits for."""
    async def get_health() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=stream_query_app(plant.answerer()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/health")

    reply = asyncio.run(get_health())
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("body", "content_type", "status"), [
    (b"", "application/json", 400), (b" ", "application/json", 400), (b"x", "application/json", 400),
    (b"[]", "application/json", 400), (b"{}", "application/json", 400), (b'{"query": ""}', "application/json", 400),
    (b'{"query": 5}', "application/json", 400), (b'{"query": "x", "more": 1}', "application/json", 400),
    (b'{"query": "x", "query": "y"}', "application/json", 400), (b'{"query": NaN}', "application/json", 400),
    (b'{"query": "\\ud800"}', "application/json", 400), (b'{"query": "x", "language": "jp"}', "application/json", 400),
    (b'{"context": {"limits": 5}}', "application/json", 400), (b'{"query": "' + b"x" * 2001 + b'"}', None, 400),
    (b'{"context": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 400),
    (b'{"query": "' + b"x" * MAX_BODY_BYTES + b'"}', "application/json", 413), (b" " * (MAX_BODY_BYTES + 1), None, 413),
    (b'{"query": "x"}', "text/plain", 415), (b"", "application/xml", 415)], ids=lambda param: str(param)[:40])
def test_invalid_requests_are_refused_as_rag_query_refuses_them(plant: Plant, event: Event, body: bytes,
                                                            content_type: str | None, status: int) -> None:
    """Before any stream begins, the response is the same problem, byte for byte."""
    reply = post(stream_query_app(plant.answerer()), body, content_type)
    request = {**event("POST", "/rag-query", body.decode()),
               "headers": {"content-type": content_type or "application/json"}}
    refused = rag_query_handler(plant.answerer(), plant.documents)(request, None)
    assert reply.status_code == refused["statusCode"] == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.text == refused["body"] and reply.json()["errors"]


def test_bytes_that_are_not_utf8_are_refused_as_rag_query_refuses_them(plant: Plant, event: Event) -> None:
    """A question in another encoding is refused by both routes."""
    body = '{"query": "비스킷"}'.encode("euc-kr")
    request = {**event("POST", "/rag-query", base64.b64encode(body).decode()), "isBase64Encoded": True}
    refused = rag_query_handler(plant.answerer(), plant.documents)(request, None)
    reply = post(stream_query_app(plant.answerer()), body)
    assert (reply.status_code, reply.text) == (refused["statusCode"], refused["body"]) and reply.status_code == 400


def test_what_curl_declares_is_accepted(plant: Plant) -> None:
    """`curl -d` declares a form, and no header at all means JSON."""
    for content_type in ("application/x-www-form-urlencoded", None):
        assert post(stream_query_app(plant.answerer()), {"query": QUESTION}, content_type).status_code == 200


def test_a_store_that_does_not_respond_is_a_503_before_the_stream_begins(tmp_path: Path, analyzer: Analyzer) -> None:
    """What fails before the first event sets the status, and the problem has no details of it."""
    document_store = SqliteDocumentStore(tmp_path / "document_store.sqlite")
    document_store.close()
    for body in ({"query": QUESTION}, {"context": CONTEXT}):
        reply = post(stream_query_app(Answerer(HybridSearch(document_store, analyzer))), body)
        assert reply.status_code == reply.json()["status"] == 503 and str(tmp_path) not in reply.text
        assert reply.headers["content-type"] == "application/problem+json"


class StoreBreaker:
    """A text generator that writes one claim and then makes the document store fail."""

    name = "store breaker"

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """One claim; the document store fails after it."""
        yield CLAIM + "\n"
        self._plant.document_store.failing |= {"versions", "passages"}


@pytest.mark.parametrize(("failing", "status"), [
    (lambda plant: FakeTextGenerator(CLAIM + "\n", RuntimeError("secret of 10.0.0.1")), 500),
    (lambda plant: StoreBreaker(plant), 503)], ids=["a bug of ours", "the store"])
def test_an_error_on_the_way_is_the_last_event(plant: Plant, failing: Callable[[Plant], TextGenerator],
                                               status: int) -> None:
    """The tokens before it stay; a problem without details ends the stream."""
    *_, (last, problem) = events = streamed(plant, {"query": QUESTION}, failing(plant))
    assert initials(events).lstrip("p") == "te" and last == "error"
    assert problem["status"] == status and problem["type"] == "about:blank" and "detail" in problem
    assert "secret" not in json.dumps(events) and "document store" not in json.dumps(problem)


def test_streams_at_the_same_time_do_not_mix(plant: Plant) -> None:
    """Each of 20 requests gets its own answer."""
    app = stream_query_app(plant.answerer())

    async def post_all() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await asyncio.gather(*(client.post("/query", json={"query": query})
                                          for query in (QUESTION, LUNCH) * 10))

    grounded = [list(events_of(reply.text))[-1][1]["grounded"] for reply in asyncio.run(post_all())]
    assert grounded == [True, False] * 10


def test_metrics_have_the_time_of_the_first_token(plant: Plant, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    """There is one record an answer, with times, counts and the generator, and nothing of question or documents.

    An answer of a language model has a second record, the time of its first token without the model's name, which no
    alarm could know.
    """
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    streamed(plant, {"query": QUESTION}, FakeTextGenerator(CLAIM + "\n", '{"claim": "x"}\n'))
    streamed(plant, {"query": LUNCH})
    out = capsys.readouterr().out
    first, alone, second = (json.loads(line) for line in out.splitlines())
    assert alone["GeneratedFirstToken"] == first["FirstToken"] and "model_version" not in alone
    assert 0 < first["FirstToken"][0] < first["ProcessingTime"][0]
    assert (first["Answers"], first["Ungrounded"], first["DroppedClaims"]) == ([1], [0], [1])
    assert (second["Answers"], second["Ungrounded"]) == ([1], [1])
    assert (first["model_version"], second["model_version"]) == ("fake-model", "extractive")
    assert first["service"] == "stream_query" and "비스킷" not in out


class SlowTextGenerator:
    """A text generator that takes a while for each claim.

    Attributes
    ----------
    count : int
        How many claims were taken.
    stopped : threading.Event
        Set when it was closed.
    """

    name = "slow"

    def __init__(self) -> None:
        self.count = 0
        self.stopped = threading.Event()

    def write(self, system: str, prompt: str, deadline: Deadline) -> Generator[str, None, None]:
        """Eight claims, one every 0.2 s."""
        try:
            for number in range(8):
                self.count += 1
                yield CLAIM.replace("니다", f"니다{'!' * number}") + "\n"
                time.sleep(0.2)
        finally:
            self.stopped.set()


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """Serve the app on a port with uvicorn, as `shotwise serve` and the Lambda do; yields the port."""
    server_socket = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [server_socket]})
    thread.start()
    try:
        yield server_socket.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        server_socket.close()
        assert not thread.is_alive(), "uvicorn did not stop"


def test_each_event_is_sent_at_once(plant: Plant) -> None:
    """Over HTTP the first token arrives while the text generator still writes: nothing is held back until the end."""
    text_generator = SlowTextGenerator()
    with served(stream_query_app(plant.answerer(text_generator))) as port, \
            httpx2.stream("POST", f"http://127.0.0.1:{port}/query", json={"query": QUESTION}) as reply:
        text = ""
        for part in reply.iter_text():
            text += part
            if "event: token" in text and "event: done" not in text and not text_generator.stopped.is_set():
                assert text_generator.count < 8
                break
        else:
            pytest.fail("everything came at the end")
    assert text_generator.stopped.wait(3)


def test_a_client_that_hangs_up_stops_the_work(plant: Plant) -> None:
    """The text generator is closed after its current claim, long before its end, and the next client is answered."""
    text_generator = SlowTextGenerator()
    with served(stream_query_app(plant.answerer(text_generator))) as port:
        with httpx2.stream("POST", f"http://127.0.0.1:{port}/query", json={"query": QUESTION}) as reply:
            text = ""
            for part in reply.iter_text():
                text += part
                if "event: token" in text:
                    break
        assert text_generator.stopped.wait(3)
        assert text_generator.count <= 4, f"{text_generator.count} of 8 claims were written for nobody"
        assert httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200


@pytest.mark.parametrize("kind", ["no_headers", "silent", "silent_after_a_word", "drip_body"])
def test_a_client_that_hangs_up_on_a_silent_model_ends_the_call(plant: Plant, kind: str) -> None:
    """The connection to the model is closed at once, and not when the answer's time is over."""
    with broken_model(kind) as model, served(stream_query_app(plant.answerer(OpenAIGenerator(model.url, "m")))) as port:
        with httpx2.stream("POST", f"http://127.0.0.1:{port}/query", json={"query": QUESTION}) as reply:
            texts = reply.iter_text()
            assert "event: passage" in next(texts)
            assert wait_until(lambda: model.requests == 1)
        assert wait_until(lambda: model.open_connections == 0, 1), "the model still writes for nobody"


def test_silent_models_do_not_keep_the_questions_of_others_waiting(plant: Plant) -> None:
    """While as many streams as there may be wait for a model, invalid questions are refused at once."""
    async def ask_beside(url: str) -> float:
        transport = httpx2.ASGITransport(app=stream_query_app(plant.answerer(OpenAIGenerator(url, "m"))))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            streams = [asyncio.ensure_future(client.post("/query", json={"query": QUESTION}))
                       for _ in range(MAX_STREAMS)]
            await asyncio.sleep(1)
            start = time.monotonic()
            reply = await client.post("/query", json={"context": {"limits": 5}})
            assert reply.status_code == 400
            for stream in streams:
                stream.cancel()
            return time.monotonic() - start

    with broken_model("silent") as model:
        assert asyncio.run(ask_beside(model.url)) < 0.5
        assert wait_until(lambda: model.open_connections == 0, 2)


def test_a_body_over_its_size_is_read_before_it_is_refused(plant: Plant) -> None:
    """A client that sends all of its body before it reads gets the 413, and not a reset connection."""
    head = b"POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with served(stream_query_app(plant.answerer())) as port:
        for size in (MAX_BODY_BYTES + 1, 8 * 2**20):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(head % size + b" " * size)
                assert connection.makefile("rb").read().startswith(b"HTTP/1.1 413 ")
