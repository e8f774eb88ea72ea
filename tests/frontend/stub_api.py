"""A stand-in for the API on a real socket, and replies recorded from the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# The smallest PNG.
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
                      "0000000c49444154789c63f8ffff3f0005fe02fe0d9a2f5d0000000049454e44ae426082")


def recorded(name: str) -> Any:
    """A reply of the real API, recorded."""
    return json.loads((HERE / "recorded" / f"{name}.json").read_text(encoding="utf-8"))


def recorded_stream(name: str) -> bytes:
    """A stream of events of the real API, recorded."""
    return (HERE / "recorded" / f"{name}.txt").read_bytes()


def stream(*events: tuple[str, Any]) -> bytes:
    """Server-sent events of (kind, data)."""
    return "".join(f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for kind, data in events).encode()


@dataclass
class Pieces:
    """A body that comes in pieces, each sent at once. cut: the connection ends before the body does."""

    pieces: Iterable[bytes]
    cut: bool = False


@dataclass
class Reply:
    """What the stand-in answers: status, body (bytes and Pieces as they are, anything else as JSON), more headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class StubApi:
    """A stand-in for the API. replies: "METHOD /path" → Reply; a POST finds "METHOD /path LANGUAGE" first.

    received: (call, body) of every request; headers: of the last one; hung_up: a client left while pieces came.
    """

    url: str
    replies: dict[str, Reply]
    received: list[tuple[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def diagnose_with(self, scene: str) -> None:
        """Answer /diagnose with the recorded diagnosis `scene`, in the language that is asked for."""
        for language in ("ko", "en"):
            self.replies[f"POST /diagnose {language}"] = Reply(200, recorded(f"{scene}_{language}"))

    def bodies(self, call: str = "POST /diagnose") -> list[Any]:
        """The bodies of all such calls so far."""
        return [body for made, body in self.received if made == call]


class _Server(ThreadingHTTPServer):
    stub: StubApi


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer(f"GET {self.path}", None)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(f"POST {self.path}", body)

    def do_PUT(self) -> None:
        self._answer(f"PUT {self.path}", self.rfile.read(int(self.headers["Content-Length"])))

    def do_DELETE(self) -> None:
        self._answer(f"DELETE {self.path}", None)

    def _answer(self, call: str, body: Any) -> None:
        stub = self.server.stub
        stub.received.append((call, body))
        stub.headers = dict(self.headers)
        language = body.get("language") if isinstance(body, dict) else None
        reply = stub.replies.get(f"{call} {language}") or stub.replies.get(call) or Reply(404, {"title": "Not found"})
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
        self.send_header("Transfer-Encoding", "chunked")
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
def stub_api() -> Iterator[StubApi]:
    """The stand-in, with a model, samples, and a chart for every recorded diagnosis that has one."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.stub = StubApi(f"http://127.0.0.1:{server.server_port}", {
            "GET /model": Reply(200, recorded("model")), "GET /samples": Reply(200, recorded("samples"))})
        for scene in ("suspect_ko", "suspect_en", "proposal_ko", "proposal_en"):
            url = recorded(scene)["importance"]["visualization_url"]
            server.stub.replies[f"GET /charts/{url.rsplit('/', 1)[-1]}"] = Reply(200, PIXEL)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.stub
        server.shutdown()
        thread.join()
