"""An OpenAI-compatible server embeds and writes; the key stays secret and plain http stays on the network."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest
from broken_models import wait_until

from shotwise.adapters.openai.client import OpenAIClient
from shotwise.adapters.openai.embedder import OpenAIEmbedder
from shotwise.adapters.openai.generator import OpenAIGenerator
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError

KEY = "sk-9f2c-very-secret"
URL = "https://models.example/v1"
Respond = Callable[[httpx2.Request], httpx2.Response]


def client(respond: Respond) -> httpx2.Client:
    """Make a client that is answered by this function."""
    return httpx2.Client(transport=httpx2.MockTransport(respond))


def embedder(respond: Respond, dimensions: int = 2, key: str = KEY) -> OpenAIEmbedder:
    """Make an embedder that is answered by this function."""
    return OpenAIEmbedder(URL, "bge-m3", dimensions, key, client(respond))


def embeddings(*vectors: Any) -> Respond:
    """Make a function that answers every request with these embeddings."""
    return lambda request: httpx2.Response(200, json={"data": [
        {"index": index, "embedding": vector} for index, vector in enumerate(vectors)]})


def test_texts_go_in_batches_and_come_back_in_order_at_unit_length() -> None:
    """Requests carry up to 64 texts, and vectors are sorted by their index."""
    sizes: list[int] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        assert str(request.url) == f"{URL}/embeddings" and request.headers["authorization"] == f"Bearer {KEY}"
        assert body.keys() == {"model", "input"} and body["model"] == "bge-m3"
        sizes.append(len(body["input"]))
        entries = [{"index": index, "embedding": [3.0 * len(text), 4.0 * len(text)]}
                   for index, text in enumerate(body["input"])]
        entries[0]["embedding"] = [float(sum(sizes)), 0]
        return httpx2.Response(200, json={"data": entries[::-1]})

    texts = ["a" * number for number in range(1, 131)]
    vectors = embedder(respond).embed(texts)
    assert sizes == [64, 64, 2] and len(vectors) == 130
    assert [number for number, vector in enumerate(vectors) if vector == (1.0, 0.0)] == [0, 64, 128]
    assert all(math.isclose(math.hypot(*vector), 1) for vector in vectors)
    assert embedder(respond).name == "bge-m3/2" and embedder(respond).dimensions == 2


def test_a_server_that_does_not_number_is_taken_at_its_order() -> None:
    """Vectors without an index are taken in their order."""
    response = httpx2.Response(200, json={"data": [{"embedding": [0, 2]}, {"embedding": [2, 0]}]})
    assert embedder(lambda request: response).embed(["a", "b"]) == [(0.0, 1.0), (1.0, 0.0)]


def test_no_texts_send_no_request() -> None:
    """No texts give no vectors, without a request."""
    assert embedder(lambda request: pytest.fail("a request")).embed([]) == []


@pytest.mark.parametrize(("respond", "message"), [
    (embeddings([1, 0]), "gave 1 embeddings for 2 texts"), (embeddings([1, 0], [1, 0], [0, 1]), "gave 3 embeddings"),
    (lambda request: httpx2.Response(200, json={"data": [{"index": 0, "embedding": [1, 0]}] * 2}), "gave 1 embeddings"),
    (lambda request: httpx2.Response(200, json={"data": [{"index": 1, "embedding": [1, 0]},
                                                        {"index": 2, "embedding": [1, 0]}]}), "misnumbered"),
    (embeddings([1, 0, 0], [1, 0, 0]), "gave 3 dimensions, not the 2 that are set"),
    (embeddings([0, 0], [1, 0]), "without a length"), (embeddings([1, 0], "AACAPw=="), "without embeddings"),
    (embeddings(None, None), "without embeddings"), (embeddings([1, "a"], [1, 0]), "without embeddings"),
    (lambda request: httpx2.Response(200, json=[]), "without embeddings"),
    (lambda request: httpx2.Response(200, json={"data": ["a", "b"]}), "without embeddings"),
    (lambda request: httpx2.Response(200, text="<html>"), "without JSON")])
def test_a_wrong_answer_is_a_knowledge_error(respond: Respond, message: str) -> None:
    """The error names the server and what was wrong."""
    with pytest.raises(KnowledgeError, match=message) as raised:
        embedder(respond).embed(["a", "b"])
    assert URL in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 302])
def test_a_refusal_is_a_knowledge_error_that_hides_the_key(status: int) -> None:
    """A refusal is a KnowledgeError without the key, even if the server repeats it."""
    response = httpx2.Response(status, json={"error": {"message": f"Incorrect API key provided:\n{KEY}."}},
                              headers={"location": "https://elsewhere.example"})
    with pytest.raises(KnowledgeError, match=rf"{URL}/embeddings answered {status}: .*provided: \*\*\*\.") as raised:
        embedder(lambda request: response).embed(["a"])
    assert KEY not in str(raised.value)


def test_a_refusal_in_another_form_is_cut() -> None:
    """A page of HTML or JSON of another form is part of the error, cut to a short text."""
    for response, message in ((httpx2.Response(500, text="<p>oops " + "x" * 9999), "oops"),
                           (httpx2.Response(500, json=["odd"]), "odd"),
                           (httpx2.Response(500, json={"error": "no"}), "no"),
                           (httpx2.Response(500, json={"detail": "bad"}), "bad"), (httpx2.Response(500), "500: $")):
        with pytest.raises(KnowledgeError, match=message) as raised:
            embedder(lambda request, response=response: response).embed(["a"])  # type: ignore[misc]
        assert len(str(raised.value)) < 400


def test_a_busy_server_is_tried_again() -> None:
    """A busy server is tried twice more after pauses; then it is a KnowledgeError."""
    pauses: list[float] = []
    statuses = [429, 503, 200, 429, 429, 429]

    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(statuses.pop(0), json={"ok": True})

    openai_client = OpenAIClient(URL, "X", client=client(respond), sleep=pauses.append)
    assert openai_client.post("/x", {}) == {"ok": True} and pauses == [1, 3]
    with pytest.raises(KnowledgeError, match="answered 429"):
        openai_client.post("/x", {})
    assert statuses == []


@pytest.mark.parametrize("error", [httpx2.ConnectError(f"cannot {KEY}"), httpx2.ReadTimeout("too long"),
                                   httpx2.RemoteProtocolError("hung up"), httpx2.ReadError("")])
def test_a_server_that_is_not_there_is_a_knowledge_error(error: httpx2.HTTPError) -> None:
    """A lost connection is a KnowledgeError without the key, for embeddings and answers."""
    def respond(request: httpx2.Request) -> httpx2.Response:
        raise error

    for call in (lambda: embedder(respond).embed(["a"]),
                 lambda: list(generator(respond).write("s", "p", Deadline(60)))):
        with pytest.raises(KnowledgeError, match=f"{URL}/.* did not answer: .") as raised:
            call()
        assert KEY not in str(raised.value)


@pytest.mark.parametrize(("url", "key"), [
    ("https://api.openai.com/v1", KEY), ("https://10.0.0.5/v1/", KEY), ("http://127.0.0.1:11434/v1", KEY),
    ("http://localhost:8080", KEY), ("http://[::1]:8080/v1", KEY), ("http://10.1.2.3/v1", ""),
    ("http://172.31.0.9:8000/v1", ""), ("http://192.168.0.7/v1", ""), ("http://[fd00::1]/v1", ""),
    ("http://ollama:11434/v1", ""), ("http://llm.plant.local/v1", ""), ("http://llm.corp/v1", "")])
def test_addresses_that_are_allowed(url: str, key: str) -> None:
    """The scheme https is allowed everywhere, http to this machine and, without a key, on private networks."""
    assert OpenAIClient(url, "SHOTWISE_WRITER", key).base_url == url.rstrip("/")


@pytest.mark.parametrize(("url", "key", "message"), [
    ("http://api.openai.com/v1", "", "has to begin with https://: api.openai.com is not a private address"),
    ("http://8.8.8.8/v1", "", "8.8.8.8 is not a private"), ("http://172.32.0.1", "", "not a private"),
    ("http://169.254.169.254/", "", "not a private"), ("http://134744072/v1", "", "not a private"),
    ("http://0x08080808/v1", "", "not a private"), ("http://local.example/v1", "", "not a private"),
    ("http://10.0.0.5/v1", KEY, "because SHOTWISE_API_KEY is set and would be readable on the way to 10.0.0.5"),
    ("http://ollama:11434/v1", KEY, "SHOTWISE_API_KEY is set"), ("http://127.0.0.1.example/v1", KEY, "not a private"),
    ("http://localhost.example/v1", KEY, "not a private"), ("ftp://127.0.0.1", "", "has to begin"),
    ("127.0.0.1:8000", "", "SHOTWISE_WRITER"), ("", "", "has to begin"), ("http://", "", "name a host"),
    (f"https://me:{KEY}", "", "is not a URL"), (f"https://me:{KEY}@models.example/v1", "", "must not have a user"),
    (f"https://models.example/v1?key={KEY}", "", "a query"), (URL, "sk\n1", "holds characters"),
    (URL, "sk-열쇠", "holds characters"), (URL, "Bearer x", "holds characters")])
def test_addresses_and_keys_that_are_refused(url: str, key: str, message: str) -> None:
    """A refused URL or key is an error that names the setting and never contains the key."""
    with pytest.raises(KnowledgeError, match=message) as raised:
        OpenAIClient(url, "SHOTWISE_WRITER", key)
    assert "SHOTWISE_" in str(raised.value) and KEY not in str(raised.value) and "sk" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("make", "setting"), [
    (lambda url: OpenAIEmbedder(url, "m", 2), "SHOTWISE_EMBEDDER"), (lambda url: OpenAIGenerator(url, "m"),
                                                                    "SHOTWISE_WRITER")])
def test_the_setting_that_is_wrong_is_named(make: Callable[[str], Any], setting: str) -> None:
    """The error names the setting of the embedder or of the generator."""
    with pytest.raises(KnowledgeError, match=f"^{setting} has to begin with https://"):
        make("http://models.example/v1")


def test_plain_http_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]) -> None:
    """A proxy of the environment is not used for http."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    url = serve(answering(b'{"data": [{"index": 0, "embedding": [1, 0]}]}', "application/json"))
    assert OpenAIEmbedder(url, "m", 2).embed(["a"]) == [(1.0, 0.0)]


def event(text: str | None = None, finish: str | None = None) -> bytes:
    """Return a piece of an answer as a server sends it."""
    delta = {} if text is None else {"content": text}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]},
                                  ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Stream(httpx2.SyncByteStream):
    """A response body in pieces, and an error after the last one; it notes whether it was closed."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error:
            raise self.error

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def generator(response: Respond | Stream) -> OpenAIGenerator:
    """Make a generator that is answered by a function, or with a stream."""
    if isinstance(response, Stream):
        stream = response
        return OpenAIGenerator(URL, "qwen3", KEY, client(lambda request: httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, stream=stream)))
    return OpenAIGenerator(URL, "qwen3", KEY, client(response))


def test_the_model_is_asked_for_a_stream_at_temperature_0() -> None:
    """The request has system prompt and prompt, and the temperature 0."""
    def respond(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == f"{URL}/chat/completions" and request.headers["authorization"] == f"Bearer {KEY}"
        assert json.loads(request.content) == {"model": "qwen3", "temperature": 0, "stream": True, "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "왜?"}]}
        return httpx2.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"},
                               stream=Stream(event("a"), DONE, event("after the end")))

    assert generator(respond).name == "qwen3"
    with pytest.raises(KnowledgeError, match="broke off"):  # there was no reason to finish
        list(generator(respond).write("Be brief.", "왜?", Deadline(60)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_an_answer_comes_in_pieces_however_its_bytes_are_split(size: int) -> None:
    """Chunks may split characters and lines; line breaks other than a newline belong to the text."""
    body = (b": comment\n\n" + event("") + event("가스가\u2028 ") + b"event: x\nid: 7\n" + event("\x85찬다.\\")
            + b'data: {"choices": [], "usage": {}}\r\n\r\n' + event(None, "stop") + DONE)
    stream = Stream(*(body[at:at + size] for at in range(0, len(body), size)))
    assert list(generator(stream).write("s", "p", Deadline(60))) == ["가스가\u2028 ", "\x85찬다.\\"] and stream.closed


def test_a_finished_answer_may_end_without_done() -> None:
    """A server may hang up after the finish reason, even without a last line break."""
    assert list(generator(Stream(event("a", "stop").rstrip())).write("s", "p", Deadline(60))) == ["a"]
    assert list(generator(Stream(event("a", "length"), b"data: [DONE]")).write("s", "p", Deadline(60))) == ["a"]


@pytest.mark.parametrize(("pieces", "message"), [
    ([], "broke off in its answer"), ([DONE], "broke off"), ([event("b")], "broke off"),
    ([b"data: {\n\n"], "an event that is not JSON"), ([b"data: 7\n\n"], "not an object"),
    ([b'data: {"choices": [7]}\n\n'], "not part of an answer"),
    ([b'data: {"choices": 7}\n\n'], "not part of an answer"),
    ([b'data: {"error": {"message": "overloaded ' + KEY.encode() + b'"}}\n\n'], r"broke off: overloaded \*\*\*"),
    ([event(None, "content_filter"), DONE], "the content filter of"), ([b'{"choices": []}'], "broke off")])
def test_a_stream_that_breaks_is_a_knowledge_error(pieces: list[bytes], message: str) -> None:
    """A broken stream is a KnowledgeError after the text before it, and the connection is closed."""
    stream = Stream(event("a"), *pieces)
    texts = generator(stream).write("s", "p", Deadline(60))
    assert next(texts) == "a"
    with pytest.raises(KnowledgeError, match=message) as raised:
        list(texts)
    assert stream.closed and KEY not in str(raised.value)


def test_a_lost_connection_is_a_knowledge_error() -> None:
    """A connection that is lost in mid-answer is a KnowledgeError."""
    texts = generator(Stream(event("a"), error=httpx2.ReadError("reset"))).write("s", "p", Deadline(60))
    assert next(texts) == "a"
    with pytest.raises(KnowledgeError, match="did not answer: reset"):
        next(texts)


def test_a_refused_answer_is_a_knowledge_error() -> None:
    """The server's reason is part of the error, although a stream was requested."""
    with pytest.raises(KnowledgeError, match="answered 401: .*no model"):
        list(generator(lambda request: httpx2.Response(401, json={"error": {"message": "no model"}})).write(
            "s", "p", Deadline(60)))


def test_closing_the_answer_closes_the_response() -> None:
    """The response is closed at once, not when it is collected; only a few pieces are read ahead."""
    stream = Stream(*[event("a")] * 1000, event(None, "stop"), DONE)
    texts = generator(stream).write("s", "p", Deadline(60))
    next(texts)
    assert not stream.closed
    texts.close()
    assert wait_until(lambda: stream.closed)


def answering(body: bytes, content_type: str, *, forever: bool = False) -> type[BaseHTTPRequestHandler]:
    """Make a server with this answer; with `forever` it repeats the body until nobody listens."""

    class Handler(BaseHTTPRequestHandler):
        gone = False

        def do_POST(self) -> None:
            """Answer a POST."""
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.end_headers()
            self.wfile.write(body)
            while forever and not type(self).gone:
                time.sleep(0.02)
                try:
                    self.wfile.write(body)
                except OSError:
                    type(self).gone = True

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler


def test_closing_the_answer_hangs_up(serve: Callable[..., str]) -> None:
    """A real server notices that the answer was closed, and no longer writes."""
    handler = answering(event("a"), "text/event-stream", forever=True)
    texts = OpenAIGenerator(serve(handler), "m").write("s", "p", Deadline(60))
    assert next(texts) == "a"
    texts.close()
    for _ in range(100):
        if handler.gone:  # type: ignore[attr-defined]
            return
        time.sleep(0.02)
    pytest.fail("the connection is still open")


def test_the_key_is_in_no_log(serve: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
    """The key is not logged even where every library logs at the lowest level."""
    caplog.set_level(logging.DEBUG)
    body = event("a", "stop") + DONE
    texts = OpenAIGenerator(serve(answering(body, "text/event-stream")), "m", KEY).write("s", "p", Deadline(60))
    assert list(texts) == ["a"]
    assert "chat/completions" in caplog.text and KEY not in caplog.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream"])
def test_a_stream_is_read_whatever_it_is_declared_as(serve: Callable[..., str], content_type: str) -> None:
    """Some servers stream events under another content type; their answer is the same."""
    body = event("a", "stop") + DONE
    assert list(OpenAIGenerator(serve(answering(body, content_type)), "m").write("s", "p", Deadline(60))) == ["a"]
