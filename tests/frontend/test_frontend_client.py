"""The client, against a server on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from stub_api import PIXEL, Pieces, Reply, StubApi, recorded, stream

from frontend.client import ApiError, Client


def test_an_answer_is_handed_over(api: StubApi) -> None:
    """A 200 gives the reply, and the body arrives as it was given."""
    api.diagnose_with("good")
    body = {"features": {"Depth": None}, "language": "ko"}
    assert Client(api.url).diagnose(body) == recorded("good_ko")
    assert api.bodies() == [body]


def test_model_and_samples_come_from_their_routes(api: StubApi) -> None:
    """GET /model and GET /samples, also where the address ends in a slash."""
    client = Client(api.url + "/")
    assert client.model() == recorded("model")
    assert client.samples() == recorded("samples")["samples"]


def test_a_problem_is_raised_with_its_fields(api: StubApi) -> None:
    """A 400 raises with the problem that the API sent."""
    api.replies["POST /diagnose"] = Reply(400, recorded("problem"))
    with pytest.raises(ApiError) as caught:
        Client(api.url).diagnose({"features": {"Depth": 9}})
    assert caught.value.status == 400
    assert caught.value.problem["errors"] == recorded("problem")["errors"]


@pytest.mark.parametrize("body", [{"title": "Store unavailable", "status": 503, "detail": "Try again."},
                                  b"<html>Bad gateway</html>", b"[]", b""])
def test_a_failing_server_is_an_error_whatever_it_sends(body: Any, api: StubApi) -> None:
    """A 503 raises, with a problem or without one."""
    api.replies["GET /model"] = Reply(503, body)
    with pytest.raises(ApiError) as caught:
        Client(api.url).model()
    assert caught.value.status == 503
    assert caught.value.problem == (body if isinstance(body, dict) else {})


def test_a_refused_connection_has_no_status() -> None:
    """Where nothing listens, the error says that no answer came."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        with pytest.raises(ApiError) as caught:
            Client(f"http://127.0.0.1:{unused.getsockname()[1]}").model()
    assert caught.value.status is None


def test_an_answer_that_is_not_json_is_an_error(api: StubApi) -> None:
    """A page of something in between is not taken for an answer."""
    api.replies["GET /model"] = Reply(200, b"<html>Sign in</html>")
    with pytest.raises(ApiError) as caught:
        Client(api.url).model()
    assert caught.value.status == 200


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/charts/", "s3://a-bucket/charts/"])
def test_a_chart_is_fetched_by_name_wherever_it_lies(where: str, api: StubApi) -> None:
    """The last part of the URL is asked of the API, and a redirect to a signed address is followed."""
    api.replies["GET /charts/pred_1-ab.png"] = Reply(302, b"", {"Location": f"{api.url}/signed"})
    api.replies["GET /signed"] = Reply(200, PIXEL)
    assert Client(api.url).chart(where + "pred_1-ab.png") == PIXEL


def test_a_document_opens_at_its_page() -> None:
    """The link names document and page, with a Korean file name encoded."""
    assert Client("http://api/").document_link("매뉴얼 1.pdf", 7) == \
        "http://api/documents/%EB%A7%A4%EB%89%B4%EC%96%BC%201.pdf#page=7"


ANSWER = {"answer": "기공과 함몰이 생긴다.", "grounded": True}
EVENTS = stream(("passage", {"page": 8}), ("token", {"text": "기공과 "}), ("token", {"text": "함몰"}), ("done", ANSWER))


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(EVENTS)])
def test_events_come_whole_however_the_stream_is_cut(size: int, api: StubApi) -> None:
    """Borders between pieces may fall anywhere, inside a letter too; with CR LF as well as with LF."""
    for content in (EVENTS, EVENTS.replace(b"\n", b"\r\n")):
        pieces = [content[start:start + size] for start in range(0, len(content), size)]
        api.replies["POST /query"] = Reply(200, Pieces(pieces))
        events = list(Client(api.url).query({"query": "왜?", "language": "ko"}))
        assert events == [("passage", {"page": 8}), ("token", {"text": "기공과 "}), ("token", {"text": "함몰"}),
                          ("done", ANSWER)]


def test_what_is_no_event_is_passed_over(api: StubApi) -> None:
    """Comments and ids say nothing, lines of data belong together, and half an event at the end is none."""
    api.replies["POST /query"] = Reply(
        200, b": still here\n\nid: 6\n\nid: 7\nevent: token\ndata: {\ndata: }\n\ndata:{}\n\nevent: done\ndata: {}\n")
    events = Client(api.url).query({"query": "why?"})
    assert [next(events), next(events)] == [("token", {}), ("message", {})]
    with pytest.raises(ApiError):
        next(events)


@pytest.mark.parametrize("reply", [
    Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    Reply(200, b"data: " + b"a" * (1 << 21) + b"\n\n"), Reply(200, b"data: " + b"a" * (1 << 21))],
                         ids=["a page", "a large event", "an endless line"])
def test_a_body_that_is_no_stream_of_events_is_an_error(reply: Reply, api: StubApi) -> None:
    """A page of something in between is not read as events, and an event has at most 1 MiB."""
    api.replies["POST /query"] = reply
    with pytest.raises(ApiError) as caught:
        next(Client(api.url).query({"query": "why?"}))
    assert caught.value.status is None


def test_events_are_handed_over_before_the_answer_is_whole(api: StubApi) -> None:
    """The first event is there while the server still waits to send the second."""
    read = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield stream(("token", {"text": "a"}))
        assert read.wait(10)
        yield stream(("done", ANSWER))

    api.replies["POST /query"] = Reply(200, Pieces(pieces()))
    events = Client(api.url).query({"query": "why?"})
    assert next(events) == ("token", {"text": "a"})
    read.set()
    assert list(events) == [("done", ANSWER)]


def test_closing_the_iterator_hangs_up(api: StubApi) -> None:
    """A reader who leaves ends the connection, and with it the work of the server."""
    api.replies["POST /query"] = Reply(200, Pieces(stream(("token", {"text": "a" * 9000})) for _ in iter(int, 1)))
    events = Client(api.url).query({"query": "why?"})
    next(events)
    events.close()
    assert api.hung_up.wait(10)


@pytest.mark.parametrize(("body", "status"), [
    (stream(("token", {"text": "a"})), None), (b"", None), (Pieces([stream(("token", {"text": "a"}))], cut=True), None),
    (stream(("token", {"text": "a"}), ("error", {"status": 503, "title": "Store unavailable"})), 503),
    (b"data: no JSON\n\n", 200), (b"data: []\n\n", 200)])
def test_a_stream_that_does_not_end_well_is_an_error(body: Any, status: int | None, api: StubApi) -> None:
    """One that ends early, breaks off, reports an error or cannot be parsed raises, after what came before."""
    api.replies["POST /query"] = Reply(200, body)
    events = Client(api.url).query({"query": "why?"})
    with pytest.raises(ApiError) as caught:
        for kind, content in events:
            assert (kind, content) == ("token", {"text": "a"})
    assert caught.value.status == status


def test_a_refused_question_is_a_problem(api: StubApi) -> None:
    """A 400 raises before any event, with its fields."""
    api.replies["POST /query"] = Reply(400, recorded("bad_query"))
    with pytest.raises(ApiError) as caught:
        next(Client(api.url).query({"query": "?" * 2001}))
    assert caught.value.problem["errors"][0]["field"] == "query"


def accept_uploads(api: StubApi, **upload: Any) -> None:
    """Let the stand-in take files at an address of its own."""
    address = {"url": f"{api.url}/store?signature=1", "method": "PUT", "headers": {"Content-Type": "application/pdf"}}
    api.replies["POST /documents"] = Reply(200, {"name": "가.pdf", "upload": address | upload})
    api.replies["PUT /store?signature=1"] = Reply(200, b"")


@pytest.mark.parametrize("content", [b"%PDF-1.7", b""])
def test_a_file_is_sent_to_where_the_api_says(content: bytes, api: StubApi) -> None:
    """With the given headers and a length, whole even where it was read before; the API's name for it is given."""
    accept_uploads(api)
    file = BytesIO(content)
    file.read()
    assert Client(api.url).upload("가.pdf", file) == "가.pdf"
    assert api.received == [("POST /documents", {"name": "가.pdf"}), ("PUT /store?signature=1", content)]
    assert api.headers["Content-Type"] == "application/pdf" and api.headers["Content-Length"] == str(len(content))


def test_no_credentials_go_to_a_signed_address(api: StubApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even those of a .netrc, which other calls use: S3 refuses a request with both."""
    accept_uploads(api, url=f"http://localhost.localdomain:{urlsplit(api.url).port}/store?signature=1")
    (tmp_path / "netrc").write_text("default login someone password secret\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", urlsplit(api.url).port))])
    requests.get(f"http://localhost.localdomain:{urlsplit(api.url).port}/", timeout=5)
    assert "Authorization" in api.headers  # the .netrc works
    Client(api.url).upload("가.pdf", BytesIO(b"%PDF"))
    assert api.received[-1][0].startswith("PUT") and "Authorization" not in api.headers


@pytest.mark.parametrize(("reply", "status"), [(Reply(403, b"<Error/>"), 403),
                                               (Reply(307, b"", {"Location": "/"}), 307)])
def test_a_store_that_takes_no_file_is_an_error(reply: Reply, status: int, api: StubApi) -> None:
    """A refusal in another form than the API's, and a redirect, which the signature would not survive."""
    accept_uploads(api)
    api.replies["PUT /store?signature=1"] = reply
    with pytest.raises(ApiError) as caught:
        Client(api.url).upload("가.pdf", BytesIO(b"%PDF"))
    assert caught.value.status == status


def test_an_absent_store_has_no_status(api: StubApi) -> None:
    """Where nothing listens at the signed address, the error says that no answer came."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        accept_uploads(api, url=f"http://127.0.0.1:{unused.getsockname()[1]}/store")
        with pytest.raises(ApiError) as caught:
            Client(api.url).upload("가.pdf", BytesIO(b"%PDF"))
    assert caught.value.status is None


def test_documents_are_listed_and_removed(api: StubApi) -> None:
    """GET /documents, and DELETE with the name encoded; a refusal raises with its detail and its code."""
    api.replies["GET /documents"] = Reply(200, recorded("documents"))
    api.replies["DELETE /documents/%EA%B0%80.pdf"] = Reply(202, {"name": "가.pdf"})
    api.replies["DELETE /documents/process-manual.pdf"] = Reply(404, recorded("stays"))
    client = Client(api.url)
    assert client.documents() == recorded("documents")["documents"]
    client.remove("가.pdf")
    with pytest.raises(ApiError, match="comes with") as caught:
        client.remove("process-manual.pdf")
    assert caught.value.problem["code"] == "shipped_document"
