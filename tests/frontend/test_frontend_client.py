"""The client, against a server on a real socket."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from client import ApiError, Client
from stub_api import PIXEL, Reply, StubApi, recorded


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
    """A 400 raises with the problem document and with what was sent."""
    api.replies["POST /diagnose"] = Reply(400, recorded("problem"))
    with pytest.raises(ApiError) as caught:
        Client(api.url).diagnose({"features": {"Depth": 9}})
    assert caught.value.status == 400
    assert caught.value.problem["errors"] == recorded("problem")["errors"]
    assert caught.value.sent == {"Depth": 9}


@pytest.mark.parametrize("body", [{"title": "Store unavailable", "status": 503, "detail": "Try again."},
                                  b"<html>Bad gateway</html>", b"[]", b""])
def test_a_failing_server_is_an_error_whatever_it_says(body: Any, api: StubApi) -> None:
    """A 503 raises, with a problem document or without one."""
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
