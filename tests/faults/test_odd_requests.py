"""Requests that no client should send: each gets a problem document, none a 5xx, none a broken connection."""

from __future__ import annotations

import json
import random
import re
import socket
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pytest
from sizes import sizes

from .client import Answer, call
from .harness import RIGHT, Ledger, Verdict, lost, wrong
from .judge import Reference, problem_flaw
from .stacks import served

SEED = 9
FAULT = "paths, methods, queries, headers, bodies, lengths and upgrades that no client should send"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")
PATHS = ("/health", "/predict", "/importance", "/rag-query", "/query", "/diagnose", "/search", "/documents", "/model",
         "/samples", "/documents/process-manual.pdf", "/documents/absent.pdf", "/charts/absent.png", "/uploads/", "/",
         "/uploads/../../etc/passwd", "/documents/..%2f..%2fetc%2fpasswd", "/documents/%00.pdf", "/documents/%ff.pdf",
         "/charts/" + "x" * 4000, "/documents/" + "%EA%B0%80" * 400, "//", "/search/", "/PREDICT", "/%70redict")
LIMITS = ("0" * 4400, "000000001" + "0" * 4400, "00000000150", "150", "-1", "1e3", "٣", "1" * 4400, "%00",
          "0x10", "5_0", " 5", "+5", "NaN")
BODIES = (b"", b"null", b"[]", b"{", b'{"features": null}', b'{"features": []}', b'{"query": 5}', b"\xff\xfe\x00",
          b'{"a": ' * 30000, b"[" * 100000, b'{"shots": []}', b'{"name": "../x.pdf"}', b'{"name": "x\\u0000.pdf"}',
          b'{"query": "\\ud800"}', b'{"features": {"Shot": ' + b"9" * 5000 + b"}}", b'{"context": {"limits": 1}}',
          b'{"name": "\\u202efdp.pdf"}', b"x" * 300000)
HEADERS = ({}, {"Content-Type": "text/plain"}, {"Content-Type": "\xff"},
           {"Content-Type": "application/json; charset=x"},
           {"Origin": "http://[::1"}, {"X-Forwarded-For": "x" * 8000}, {"Accept-Encoding": "br;q=nan"},
           {"Content-Encoding": "gzip"}, {"Expect": "100-continue"}, {"Range": "bytes=9-1"}, {"Cookie": "a" * 16000},
           {"Content-Type": "multipart/form-data"}, {"If-None-Match": "*"}, {"Transfer-Encoding": "chunked"})
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@dataclass(frozen=True)
class OddRequest:
    """The bytes of a request.

    Attributes
    ----------
    content : bytes
        What is sent before the client waits for the answer.
    is_http : bool
        False if it is no valid HTTP, so that the server refuses it before the gateway sees it: any 400 will do.
    is_complete : bool
        False if the client stops in the middle of the body, so that nobody waits for an answer.
    is_invalid : bool
        True if the answer has to be 400.
    """

    content: bytes
    is_http: bool = True
    is_complete: bool = True
    is_invalid: bool = False


def encode(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request on a connection that the server closes."""
    lines = {"Host": "127.0.0.1", "Connection": "close", **headers}
    if "Transfer-Encoding" in headers:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    else:
        lines.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def fixed_requests() -> list[OddRequest]:
    """One of each kind that has done harm somewhere."""
    odd = [OddRequest(encode("GET", f"/search?query=x&limit={urllib.parse.quote(limit)}", b"", {}), is_invalid=True)
           for limit in LIMITS]
    label = {"label": "x" * 80_000, "name": "Ladle", "value": 1}
    long_labels = json.dumps({"context": {"top_features": [label]}, "query": "x"}).encode()
    odd += [OddRequest(encode("POST", path, long_labels, {}), is_invalid=True) for path in ("/rag-query", "/query")]
    odd += [OddRequest(encode("GET", path, b"", UPGRADE)) for path in PATHS]
    odd += [OddRequest(encode("POST", path, b'{"query": "x"}', UPGRADE)) for path in PATHS[1:6]]
    odd += [OddRequest(encode("POST", path, body, {})) for path in (*PATHS[1:6], "/documents") for body in BODIES]
    odd += [OddRequest(encode("POST", path, b"{}", {"Content-Length": "90"}), is_complete=False) for path in PATHS[1:6]]
    odd += [OddRequest(encode("POST", path, b"{}", {"Content-Length": length}), is_http=False)
            for path in PATHS[1:6] for length in ("-1", "x")]
    odd += [OddRequest(content, is_http=False) for content in (
        b"\x16\x03\x01\x02\x00\x01", b"BREW /health HTTP/1.1\r\n\r\n", b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n", b"GET /health\x00 HTTP/1.1\r\n\r\n",
        b"\r\n" * 50 + b"?\r\n\r\n", b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header\r\n\r\n")]
    return odd


def random_request(dice: random.Random) -> OddRequest:
    """A mixture of methods, paths, bodies and headers."""
    method, path = dice.choice(METHODS), dice.choice(PATHS)
    if dice.random() < 0.3:
        limit = urllib.parse.quote(dice.choice(LIMITS))
        path += f"?query={dice.choice(('', 'x', '%ff', '%00', 'x' * 3000))}&limit={limit}"
    body = dice.choice(BODIES) if method in ("POST", "PUT", "PATCH", "DELETE") else b""
    if path.startswith("/uploads/") and method == "PUT":
        path = "/uploads/..%2fx.pdf"  # a name that is accepted would store the file
    return OddRequest(encode(method, path, body, dice.choice(HEADERS)))


def is_whole(received: bytes) -> bool:
    """Whether an answer has all of the body whose length it tells."""
    head, blank_line, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return bool(blank_line and length and len(body) >= int(length[1]))


def send(api: str, odd: OddRequest) -> Answer:
    """Send the bytes, and read the answer."""
    address = urllib.parse.urlsplit(api)
    received = b""
    try:
        with socket.create_connection((address.hostname, address.port), 20) as connection:
            connection.sendall(odd.content)
            if not odd.is_complete:
                return Answer(0, error="left", question=odd)
            while chunk := connection.recv(65536):
                received += chunk
                if is_whole(received) or not odd.is_http:
                    break  # whether the server closes the connection now is its affair
    except OSError as error:
        if not received:
            return Answer(0, error=f"{type(error).__name__}: {error}", question=odd)
    received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    parts = first.split(" ")
    return Answer(int(parts[1]) if len(parts) > 1 else 0, headers, body, error="closed without an answer", question=odd)


def judge(answer: Answer) -> Verdict:
    """Success, redirection, or an error of the caller as a problem document."""
    odd: OddRequest = answer.question
    request = odd.content.split(b"\r\n")[0].decode("latin-1")[:60]
    if not odd.is_complete:
        return RIGHT
    if answer.status == 0:
        return lost(f"{answer.error}: {request}")
    if answer.status >= 500 or answer.status < 200:
        return wrong(f"{answer.status}: {request}")
    if odd.is_invalid and answer.status != 400:
        return wrong(f"{answer.status} for 400: {request}")
    if answer.status < 400 or (not odd.is_http and answer.status == 400) or request.startswith("HEAD"):
        return RIGHT
    flaw = problem_flaw(answer)
    return wrong(f"{flaw}: {request}") if flaw else RIGHT


@sizes(short=100, long=4000)
def test_no_input_gives_a_5xx(ledger: Ledger, reference: Reference, tmp_path: Path, times: int) -> None:
    """After all of them an ordinary prediction is the undisturbed one."""
    dice = random.Random(SEED)
    odd_requests = [*fixed_requests(), *(random_request(dice) for _ in range(times))]
    with ledger.scenario("odd requests", FAULT) as tally, served(tmp_path / "home") as running:
        tally.injections = len(odd_requests)
        for odd in odd_requests:
            tally.count(judge(send(running.api, odd)))
        body = json.dumps({"features": reference.shots[0]}).encode()
        tally.count(reference.judge("/predict", body, call(running.api, "/predict", body)))


@pytest.mark.parametrize(("status", "content_type", "body", "outcome"), [
    (500, "application/problem+json", '{"code": "internal_error"}', "wrong"), (0, "", "", "lost"),
    (404, "text/plain", "not found", "wrong"), (404, "application/problem+json", '{"code": "moon"}', "wrong"),
    (404, "application/problem+json", '{"code": "not_found"}', "right"), (200, "application/json", "{}", "right")])
def test_a_wrong_answer_is_seen(status: int, content_type: str, body: str, outcome: str) -> None:
    """A 5xx, a reset, and an error that is no problem document with a documented code are."""
    odd = OddRequest(encode("GET", "/health", b"", {}))
    answer = Answer(status, {"content-type": content_type}, body.encode(), question=odd)
    assert judge(answer).outcome == outcome
