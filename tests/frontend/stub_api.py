"""A stand-in for the API on a real socket, and replies recorded from the real API."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

HERE = Path(__file__).parent
EVENT_STREAM = "text/event-stream"
# The smallest PNG.
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
                      "0000000c49444154789c63f8ffff3f0005fe02fe0d9a2f5d0000000049454e44ae426082")


def recorded(name: str) -> Any:
    """Return a recorded reply of the real API."""
    return json.loads((HERE / "recorded" / f"{name}.json").read_text(encoding="utf-8"))


def recorded_stream(name: str) -> bytes:
    """Return a recorded stream of events of the real API."""
    return (HERE / "recorded" / f"{name}.txt").read_bytes()


def recorded_events(name: str) -> list[tuple[str, Any]]:
    """Return the events of a recorded stream, as (kind, content)."""
    response = httpx2.Response(200, headers={"Content-Type": EVENT_STREAM}, content=recorded_stream(name),
                               request=httpx2.Request("POST", "http://api/query"))
    return [(event.event, event.json()) for event in httpx2.EventSource(response)]


def stream(*events: tuple[str, Any]) -> bytes:
    """Return server-sent events of (kind, content)."""
    return "".join(f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
                   for kind, content in events).encode()


@dataclass
class Pieces:
    """A body that comes in pieces, each sent at once.

    Attributes
    ----------
    pieces : iterable of bytes
        The pieces.
    cut : bool
        Whether the connection ends before the body does.
    """

    pieces: Iterable[bytes]
    cut: bool = False


@dataclass
class Reply:
    """What the stand-in answers.

    Attributes
    ----------
    status : int
        The HTTP status.
    body : any
        Bytes and Pieces are sent as they are, anything else as JSON.
    headers : mapping
        Further headers.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


# (method, path, headers, body) → what to answer instead, None to let the request through.
Guard = Callable[[str, str, Mapping[str, str], bytes], Reply | None]


@dataclass
class StubApi:
    """A stand-in for the API.

    Attributes
    ----------
    url : str
        Its address.
    replies : dict
        "METHOD /path" → Reply; a POST finds "METHOD /path LANGUAGE" first.
    received : list
        (call, body) of every request.
    headers : mapping
        The headers of the last request.
    hung_up : Event
        Set when a client left while pieces came.
    guard : callable or None
        Looks at every request first; what it returns is answered instead.
    """

    url: str
    replies: dict[str, Reply]
    received: list[tuple[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    hung_up: threading.Event = field(default_factory=threading.Event)
    guard: Guard | None = None

    def diagnose_with(self, scene: str) -> None:
        """Answer /diagnose with the recorded diagnosis `scene`, in the language that is asked for."""
        for language in ("ko", "en"):
            self.replies[f"POST /diagnose {language}"] = Reply(200, recorded(f"{scene}_{language}"))

    def bodies(self, call: str = "POST /diagnose") -> list[Any]:
        """Return the bodies of all such calls so far."""
        return [body for made, body in self.received if made == call]


class _Server(ThreadingHTTPServer):
    stub: StubApi


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads)

    def do_PUT(self) -> None:
        self._answer(bytes)

    def do_DELETE(self) -> None:
        self._answer(None)

    def _answer(self, read: Callable[[bytes], Any] | None) -> None:
        stub, call = self.server.stub, f"{self.command} {self.path}"
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = read(content) if read else None
        stub.received.append((call, body))
        stub.headers = dict(self.headers)
        language = body.get("language") if isinstance(body, dict) else None
        reply = stub.guard and stub.guard(self.command, self.path, stub.headers, content)
        reply = (reply or stub.replies.get(f"{call} {language}") or stub.replies.get(call)
                 or Reply(404, {"title": "Not found"}))
        if call.endswith("/query") and reply.status == 200:
            reply = replace(reply, headers={"Content-Type": EVENT_STREAM, **reply.headers})
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if isinstance(reply.body, Pieces):
            self._send_pieces(reply, reply.body)
            return
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _send_pieces(self, reply: Reply, body: Pieces) -> None:
        self.send_response(reply.status)
        for name, value in {"Transfer-Encoding": "chunked", **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in body.pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if not body.cut:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.server.stub.hung_up.set()

    def log_message(self, *_: object) -> None:
        """Nothing: the report stays readable."""


@contextmanager
def stub_api(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[StubApi]:
    """Run the stand-in, with a model, samples, and a chart for every recorded diagnosis that has one.

    It listens at `host`, and speaks TLS where `tls` is given.
    """
    with _Server((host, 0), _Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.stub = StubApi(f"{'https' if tls else 'http'}://{host}:{server.server_port}", {
            "GET /model": Reply(200, recorded("model")), "GET /samples": Reply(200, recorded("samples"))})
        for scene in ("suspect_ko", "suspect_en", "proposal_ko", "proposal_en"):
            url = recorded(scene)["importance"]["visualization_url"]
            server.stub.replies[f"GET /charts/{url.rsplit('/', 1)[-1]}"] = Reply(200, PIXEL)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.stub
        server.shutdown()
        thread.join()
