"""Documents of the running stack: a PDF comes, is cited with its page in a stream, and goes again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .papers import FACT, FIRST, NAME, QUESTION, pdf
from .running import Answer, Stack, ask, stack

pytestmark = pytest.mark.slow
ASKED = json.dumps(QUESTION).encode()
KOREAN = json.dumps({"query": "비스킷 두께가 얇으면 어떤 결함이 생기나요?"}).encode()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose documents change."""
    with stack(tmp_path_factory.mktemp("documents") / "home") as opened:
        yield opened


def send(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    """The status of a request."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=30) as found:
        status: int = found.status
        return status


def upload(own: Stack, name: str, content: bytes) -> None:
    """As a client does it: ask where to, then put it there."""
    told = ask(f"{own.api}/documents", json.dumps({"name": name}).encode(), "application/json").json()["upload"]
    assert send(told["method"], told["url"], content, told["headers"]) == 200


def listed(own: Stack, name: str) -> dict[str, Any] | None:
    """What GET /documents tells of a name."""
    found = ask(f"{own.api}/documents").json()["documents"]
    return next((entry for entry in found if entry["name"] == name), None)


def until(done: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what follows."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"nothing followed within {seconds} s"
        time.sleep(0.1)


def streamed(answer: Answer) -> list[tuple[str, Any]]:
    """(kind, data) of the events of a stream."""
    assert answer.status == 200 and answer.content_type.startswith("text/event-stream"), answer
    blocks = [block.split("\n") for block in answer.body.decode("utf-8").strip().split("\n\n")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in blocks]


def test_a_document_comes_is_cited_and_goes(own: Stack) -> None:
    """Upload → searchable → a stream cites its second page word for word → its file can be opened → removed → nothing
    of it is found any more."""
    assert not streamed(ask(f"{own.api}/query", ASKED))[-1][1]["grounded"]
    upload(own, NAME, pdf(FIRST, FACT))
    until(lambda: listed(own, NAME) is not None)
    entry = listed(own, NAME)
    assert entry and entry["version"] and (entry["pages"], entry["failure"]) == (2, None)
    *said, (last, done) = streamed(ask(f"{own.api}/query", ASKED))
    assert last == "done" and done["grounded"]
    assert [(one["document"], one["page"], one["quote"]) for one in done["sources"]] == [(NAME, 2, FACT)]
    assert "".join(data["text"] for kind, data in said if kind == "token") == done["answer"] and FACT in done["answer"]
    path = f"{own.api}/documents/{urllib.parse.quote(NAME)}"
    assert ask(path).content_type == "application/pdf"
    assert send("DELETE", path) == 202
    until(lambda: listed(own, NAME) is None)
    assert ask(path).status == 404 and not streamed(ask(f"{own.api}/query", ASKED))[-1][1]["grounded"]
    found = ask(f"{own.api}/search?query=quorbex+plintol&limit=50").json()["passages"]
    assert NAME not in {passage["document"] for passage in found}


def test_a_file_that_is_no_pdf_is_told(own: Stack) -> None:
    """It is listed with the reason, and the rest is searched on."""
    upload(own, "scan.pdf", b"no PDF at all")
    until(lambda: listed(own, "scan.pdf") is not None)
    entry = listed(own, "scan.pdf")
    assert entry and entry["version"] is None and entry["failure"].startswith("scan.pdf: ")
    assert streamed(ask(f"{own.api}/query", KOREAN))[-1][1]["grounded"]


def test_logs_hold_neither_questions_nor_documents(own: Stack) -> None:
    """Names of files, yes; no word of what they say or of what was asked."""
    upload(own, "logged.pdf", pdf(FACT))
    until(lambda: listed(own, "logged.pdf") is not None)
    ask(f"{own.api}/query", ASKED)
    log = (own.home / "logs/api.log").read_text("utf-8")
    assert "logged.pdf" in log and "FirstToken" in log and "quorbex" not in log


def test_the_first_word_comes_within_150_ms(own: Stack, record_property: Any) -> None:
    """Warm, extractive, over HTTP: the median of 20 until the first token has arrived."""
    address = urllib.parse.urlsplit(own.api)
    times = []
    for _ in range(22):
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        started = time.perf_counter()
        connection.request("POST", "/query", KOREAN, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        while not (line := reply.readline()).startswith(b"event: token"):
            assert line, "the stream ended without a token"
        times.append((time.perf_counter() - started) * 1000)
        reply.read()
        connection.close()
    median = statistics.median(times[2:])
    record_property("first_token_p50_ms", median)
    print(f"\nfirst token, warm: P50 {median:.0f} ms")
    assert median <= 150


def test_a_client_that_hangs_up_leaves_the_stack_well(own: Stack) -> None:
    """After twenty that went away within the stream, the next is answered as ever and no error is logged."""
    address = urllib.parse.urlsplit(own.api)
    for _ in range(20):
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        connection.request("POST", "/query", KOREAN, {"Content-Type": "application/json"})
        connection.getresponse().readline()
        connection.close()
    assert streamed(ask(f"{own.api}/query", KOREAN))[-1][0] == "done"
    lines = (own.home / "logs/api.log").read_text("utf-8").splitlines()
    assert not [line for line in lines if "Traceback" in line or '"level":"ERROR"' in line]


def test_an_upload_survives_a_kill(tmp_path: Path) -> None:
    """kill -9 as soon as the file was taken: the next start reads it."""
    home = tmp_path / "home"
    with stack(home) as opened:
        upload(opened, NAME, pdf(FIRST, FACT))
        os.killpg(opened.process.pid, signal.SIGKILL)
        opened.process.wait()
    with stack(home) as again:
        until(lambda: bool((listed(again, NAME) or {}).get("version")))
        assert streamed(ask(f"{again.api}/query", ASKED))[-1][1]["sources"][0]["page"] == 2
