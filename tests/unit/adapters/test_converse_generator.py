"""A model on Bedrock writes an answer in pieces, and whatever stops it is a KnowledgeError."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from broken_models import wait_until

from shotwise.adapters.aws.converse_generator import ConverseGenerator
from shotwise.deadline import Deadline
from shotwise.errors import KnowledgeError

MODEL = "amazon.nova-pro-v1:0"
REQUEST = {"modelId": MODEL, "system": [{"text": "Be brief."}],
           "messages": [{"role": "user", "content": [{"text": "왜?"}]}],
           "inferenceConfig": {"temperature": 0, "maxTokens": 1500}}
STREAMED = {"guardrailIdentifier": "g1", "guardrailVersion": "3", "streamProcessingMode": "sync"}


class Events(list[Any]):
    """A list of events with the `close` of a stream."""

    closed = False

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def delta(text: str) -> dict[str, Any]:
    """Return the event of a piece of text."""
    return {"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}}


def stop(reason: str) -> dict[str, Any]:
    """Return the event that ends an answer."""
    return {"messageStop": {"stopReason": reason}}


class Model:
    """A client that gives scripted answers and checks requests against the service's model."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        self.client = aws("bedrock-runtime")
        self.stubber = Stubber(self.client)

    def expect(self, *events: dict[str, Any], **more: Any) -> Events:
        """Expect a request for a stream. Stubber would refuse a list where the service sends events."""
        stream = Events(events)
        self.stubber.add_response("converse_stream", {}, {**REQUEST, **more})
        self.client.meta.events.register_last("after-call.bedrock-runtime.ConverseStream", lambda parsed, **_:
                                              parsed.update(stream=stream), unique_id="stream")
        return stream

    def write(self, **options: Any) -> Generator[str, None, None]:
        """Request an answer."""
        return ConverseGenerator(MODEL, client=self.client, **options).write("Be brief.", "왜?", Deadline(60))


@pytest.fixture
def model(aws: Callable[[str], Any]) -> Iterator[Model]:
    """A model; every request that is expected has to come."""
    model = Model(aws)
    with model.stubber:
        yield model
        model.stubber.assert_no_pending_responses()
    model.client.meta.events.unregister("after-call.bedrock-runtime.ConverseStream", unique_id="stream")


def test_an_answer_comes_in_pieces(model: Model) -> None:
    """An answer is its text alone, in order, and the stream is closed at its end."""
    stream = model.expect({"messageStart": {"role": "assistant"}}, delta("가스가 "), delta(""), delta("찬다."),
                          {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "?"}}}},
                          {"contentBlockStop": {"contentBlockIndex": 0}}, stop("end_turn"),
                          {"metadata": {"usage": {"inputTokens": 1}}})
    assert list(model.write()) == ["가스가 ", "찬다."] and stream.closed
    assert ConverseGenerator(MODEL).name == MODEL


def test_no_request_is_sent_before_the_first_piece_is_read(model: Model) -> None:
    """An answer that nobody reads costs nothing."""
    model.write()


def test_the_guardrail_checks_before_text_comes(model: Model) -> None:
    """The guardrail is part of the request and checks text before it is sent."""
    model.expect(delta("a"), stop("end_turn"), guardrailConfig=STREAMED)
    assert list(model.write(guardrail_id="g1", guardrail_version="3")) == ["a"]


def test_a_guardrail_that_intervenes_is_named(model: Model) -> None:
    """The guardrail's message for the user comes as text before the error."""
    stream = model.expect(delta("Sorry."), stop("guardrail_intervened"), guardrailConfig=STREAMED)
    pieces = model.write(guardrail_id="g1", guardrail_version="3")
    assert next(pieces) == "Sorry."
    with pytest.raises(KnowledgeError, match="the guardrail g1 intervened"):
        next(pieces)
    assert stream.closed


@pytest.mark.parametrize("reason", ["content_filtered", "tool_use", "malformed_model_output",
                                    "model_context_window_exceeded"])
def test_an_answer_that_does_not_finish_is_a_knowledge_error(model: Model, reason: str) -> None:
    """An answer that ends for another reason is a KnowledgeError with that reason."""
    model.expect(delta("a"), stop(reason))
    with pytest.raises(KnowledgeError, match=f"{MODEL} broke off: {reason}"):
        list(model.write())


def test_an_answer_that_reached_its_length_is_an_answer(model: Model) -> None:
    """An answer that reached its greatest length is complete."""
    model.expect(delta("a"), stop("max_tokens"))
    assert list(model.write()) == ["a"]


def test_a_stream_that_ends_in_mid_answer_is_a_knowledge_error(model: Model) -> None:
    """A stream that ends without a stop reason is a KnowledgeError."""
    stream = model.expect(delta("a"))
    with pytest.raises(KnowledgeError, match="the stream ended in mid-answer"):
        list(model.write())
    assert stream.closed


@pytest.mark.parametrize("kind", ["throttlingException", "modelStreamErrorException", "internalServerException",
                                  "validationException", "serviceUnavailableException"])
def test_an_error_among_the_events_is_a_knowledge_error(model: Model, kind: str) -> None:
    """An error event is a KnowledgeError with its kind and message, after the text before it."""
    stream = model.expect(delta("a"), {kind: {"message": "too much"}})
    pieces = model.write()
    assert next(pieces) == "a"
    with pytest.raises(KnowledgeError, match=f"{kind}: too much"):
        next(pieces)
    assert stream.closed


def test_closing_the_answer_closes_the_stream(model: Model) -> None:
    """Closing the generator closes the stream, so the model stops."""
    stream = model.expect(delta("a"), delta("b"), stop("end_turn"))
    pieces = model.write()
    next(pieces)
    pieces.close()
    assert wait_until(lambda: stream.closed)


def test_without_streaming_the_answer_comes_in_one_piece(model: Model) -> None:
    """Converse gives the answer in one piece; its guardrail has no processing mode."""
    guardrail = {"guardrailIdentifier": "g1", "guardrailVersion": "DRAFT"}
    model.stubber.add_response("converse", converse_response("end_turn", {"text": "가스가 "}, {"text": "찬다."}),
                               {**REQUEST, "guardrailConfig": guardrail})
    assert list(model.write(guardrail_id="g1", stream=False)) == ["가스가 찬다."]


def converse_response(reason: str, *content: dict[str, str]) -> dict[str, Any]:
    """Return an answer of Converse."""
    return {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": reason,
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}


@pytest.mark.parametrize(("reason", "message"), [("guardrail_intervened", "the guardrail g1 intervened"),
                                              ("content_filtered", "broke off: content_filtered")])
def test_without_streaming_a_stopped_answer_gives_no_text(model: Model, reason: str, message: str) -> None:
    """An answer that was stopped gives no text at all without streaming."""
    model.stubber.add_response("converse", converse_response(reason, {"text": "Sorry."}))
    with pytest.raises(KnowledgeError, match=message):
        next(model.write(guardrail_id="g1", stream=False))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ValidationException"])
def test_what_the_service_refuses_is_a_knowledge_error(model: Model, stream: bool, code: str) -> None:
    """The error names the model and the service's code."""
    model.stubber.add_client_error("converse_stream" if stream else "converse", code, "no")
    with pytest.raises(KnowledgeError, match=f"the model {MODEL} did not answer: .*{code}"):
        list(model.write(stream=stream))


def frame(kind: str, content: dict[str, Any], *, error: bool = False) -> bytes:
    """Return an event as it goes over the wire: lengths, headers, content, with check sums."""
    header_values = {":message-type": "exception" if error else "event",
             ":exception-type" if error else ":event-type": kind, ":content-type": "application/json"}
    headers = b"".join(bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
                       for name, value in header_values.items())
    body = json.dumps(content).encode()
    prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


MORE, CUT = b"more", b"cut"


def bedrock(frames: list[bytes]) -> type[BaseHTTPRequestHandler]:
    """Make a server that sends these frames. At MORE it goes on until nobody listens; at CUT it hangs up."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        gone = False

        def do_POST(self) -> None:
            """Answer POST /model/MODEL/converse-stream."""
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/vnd.amazon.eventstream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for frame in frames:
                if frame == CUT:
                    self.close_connection = True
                    return
                self._send_without_end() if frame == MORE else self._send_chunk(frame)
            self._send_chunk(b"")

        def _send_without_end(self) -> None:
            for _ in range(500):
                time.sleep(0.02)
                try:
                    self._send_chunk(TEXT)
                except OSError:
                    type(self).gone = self.close_connection = True
                    return

        def _send_chunk(self, content: bytes) -> None:
            if not type(self).gone:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler


def over_http(url: str) -> ConverseGenerator:
    """Make a generator over a real connection."""
    return ConverseGenerator(MODEL, client=boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url,
        config=Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})))


TEXT = frame("contentBlockDelta", delta("가")["contentBlockDelta"])


def test_a_real_stream_of_events_is_read(serve: Callable[..., str]) -> None:
    """Events are parsed from the wire by botocore."""
    url = serve(bedrock([TEXT, TEXT, frame("messageStop", {"stopReason": "end_turn"})]))
    assert list(over_http(url).write("s", "p", Deadline(60))) == ["가", "가"]


@pytest.mark.parametrize(("frames", "message"), [
    ([TEXT, frame("throttlingException", {"message": "too much"}, error=True)], "throttlingException.*too much"),
    ([TEXT, TEXT[:30]], "mid-answer"), ([TEXT, b"x" * 200], "broke off: Checksum mismatch"),
    ([TEXT, CUT], "broke off: .*(prematurely|Incomplete)")])
def test_a_real_stream_that_breaks_is_a_knowledge_error(serve: Callable[..., str], frames: list[bytes],
                                                        message: str) -> None:
    """An error event, a lost connection and bytes that are no events are a KnowledgeError."""
    pieces = over_http(serve(bedrock(frames))).write("s", "p", Deadline(60))
    assert next(pieces) == "가"
    with pytest.raises(KnowledgeError, match=message):
        list(pieces)


def test_closing_the_answer_hangs_up(serve: Callable[..., str]) -> None:
    """Closing the generator ends the connection, and the server no longer writes."""
    handler = bedrock([TEXT, MORE])
    pieces = over_http(serve(handler)).write("s", "p", Deadline(60))
    next(pieces)
    pieces.close()
    for _ in range(100):
        if handler.gone:  # type: ignore[attr-defined]
            return
        time.sleep(0.02)
    pytest.fail("the connection is still open")
