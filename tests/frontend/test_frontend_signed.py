"""The client and the page against a stand-in for AWS, which checks every signature."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from botocore.credentials import Credentials
from page_text import LANGUAGES, OpenPage, assert_one_language, visible_text
from signed_api import BUCKET, CUSTOM, FUNCTION, GATEWAY, KEY, REGION, redirect_names, signed_api
from starlette.applications import Starlette
from stub_api import PIXEL, Reply, StubApi, recorded, stream

from frontend.client import ApiError, Client, Unsigned
from frontend.document_route import document_route
from frontend.settings import client_from_environ

API = f"https://{GATEWAY}/dev"
NAME = "작업 표준 #1 (100%)~+&'.pdf"
PATH = quote(NAME, safe="")
FILE = f"https://{BUCKET}/documents/{PATH}?X-Amz-Security-Token=t&X-Amz-Signature=5f"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubApi]:
    """The stand-in, reached under its names; it has a document and a chart."""
    with signed_api(tmp_path) as (stub, certificate):
        redirect_names(stub, certificate, monkeypatch)
        stub.replies |= {
            "GET /dev/model": Reply(200, recorded("model")), "GET /dev/samples": Reply(200, recorded("samples")),
            f"GET /dev/documents/{PATH}": Reply(302, b"", {"Location": FILE}),
            f"GET {FILE.removeprefix(f'https://{BUCKET}')}": Reply(200, b"%PDF-1.7"),
            "GET /dev/charts/pred_1-ab.png": Reply(302, b"", {"Location": f"https://{BUCKET}/c?X-Amz-Signature=1"}),
            "GET /c?X-Amz-Signature=1": Reply(200, PIXEL)}
        yield stub


def client(url: str = API, stream_url: str = "", region: str = "", key: Credentials | None = KEY) -> Client:
    """The client with credentials of its own."""
    return Client(url, stream_url, region, lambda: key)


def test_every_call_is_let_through(aws: StubApi) -> None:
    """With and without a body, and with every letter that a name may have."""
    aws.replies |= {"GET /dev/documents": Reply(200, recorded("documents")), "POST /dev/diagnose": Reply(200, {"a": 1}),
                    f"DELETE /dev/documents/{PATH}": Reply(202, {"name": NAME})}
    aws_client = client()
    assert aws_client.model() == recorded("model") and aws_client.documents()
    assert aws_client.diagnose({"features": {"온도": 700}, "language": "ko"}) == {"a": 1}
    aws_client.remove(NAME)


def test_the_answer_to_an_unsigned_request_is_reported(aws: StubApi) -> None:
    """Without a signature, though this client has one; of API and stream; and 200 where anybody is let in."""
    aws.replies |= {"GET /dev/documents": Reply(200, recorded("documents")), "POST /query": Reply(400, {})}
    aws_client = client(stream_url=f"https://{FUNCTION}/")
    addresses = [f"{API}/documents", f"https://{FUNCTION}/query"]
    assert aws_client.unsigned_statuses() == [(address, 403) for address in addresses]
    aws.guard = None
    assert aws_client.unsigned_statuses() == list(zip(addresses, (200, 400), strict=True))
    assert client("http://127.0.0.1:9").unsigned_statuses() == []


def test_the_stand_in_lets_nobody_else_through(aws: StubApi) -> None:
    """Another secret, or none of the requests' headers, is refused: the check is one."""
    for aws_client in (client(key=Credentials("AKIDEXAMPLE", "guessed", "example-token")),
                       client(key=Credentials("AKIDEXAMPLE", "example-secret", "old-token"))):
        with pytest.raises(ApiError) as caught:
            aws_client.model()
        assert caught.value.status == 403
    assert aws.guard and aws.guard("GET", "/dev/model", {"Host": GATEWAY}, b"")
    signed = {"Host": BUCKET, "X-Amz-Date": "20260102T030405Z"}
    assert aws.guard("GET", "/c?X-Amz-Signature=1", signed, b"")


def test_an_api_at_its_own_domain_is_signed_for_the_given_region(aws: StubApi) -> None:
    """SHOTWISE_SIGN_REGION makes the difference."""
    aws.replies["GET /model"] = Reply(200, recorded("model"))
    assert client(f"https://{CUSTOM}", region=REGION).model()
    with pytest.raises(ApiError, match="Missing Authentication Token"):
        client(f"https://{CUSTOM}").model()


def test_files_come_from_the_bucket_without_a_second_signature(aws: StubApi) -> None:
    """A redirect is followed with neither Authorization nor X-Amz headers, which S3 would refuse."""
    assert client().chart("s3://charts/charts/pred_1-ab.png") == PIXEL
    assert client().document(NAME) == b"%PDF-1.7"
    assert not [name for name in aws.headers if name.lower().startswith(("authorization", "x-amz"))]


def test_a_file_is_sent_to_the_bucket_without_a_second_signature(aws: StubApi) -> None:
    """POST /documents is signed, what follows is not."""
    aws.replies["POST /dev/documents"] = Reply(200, {"name": NAME, "upload": {
        "url": FILE, "method": "PUT", "headers": {"Content-Type": "application/pdf"}}})
    aws.replies[f"PUT {FILE.removeprefix(f'https://{BUCKET}')}"] = Reply(200, b"")
    assert client().upload(NAME, BytesIO(b"%PDF")) == NAME
    assert aws.received[-1][1] == b"%PDF" and "Authorization" not in aws.headers


DONE = stream(("token", {"text": "a"}), ("done", {"answer": "a"}))


@pytest.mark.parametrize(("stream_url", "path"), [(f"https://{FUNCTION}/", "/query"), ("", "/dev/query")])
def test_questions_go_to_the_function_url_where_there_is_one(stream_url: str, path: str, aws: StubApi) -> None:
    """Signed for Lambda; everything else, and without one the questions too, goes to the API."""
    aws.replies[f"POST {path}"] = Reply(200, DONE)
    aws_client, responses = client(stream_url=stream_url), []
    assert [kind for kind, _ in aws_client.query({"query": "왜?"}, responses.append)] == ["token", "done"]
    assert "/lambda/" in aws.headers["Authorization"] if stream_url else "/execute-api/" in aws.headers["Authorization"]
    assert len(responses) == 1 and aws_client.model()


def test_the_environment_says_where_to_ask() -> None:
    """The API, the stream and the region; this machine's own API where nothing is set."""
    assert client_from_environ({}).base_url == "http://127.0.0.1:8000"
    aws_client = client_from_environ({"SHOTWISE_API_URL": f"https://{CUSTOM}/", "SHOTWISE_SIGN_REGION": REGION})
    assert aws_client.base_url == f"https://{CUSTOM}" and aws_client.document_link("a.pdf").startswith("/open/")


def test_a_link_to_a_document_leads_to_the_page_where_the_api_wants_signatures(aws: StubApi) -> None:
    """It names document and page and asks nothing; elsewhere it is the API's own."""
    assert client().document_link(NAME, 7) == f"/open/{PATH}#page=7"
    assert Client("http://127.0.0.1:8000").document_link(NAME, 7) == f"http://127.0.0.1:8000/documents/{PATH}#page=7"
    assert aws.received == []


def open_link(page_client: Client, path: str, page: str = "") -> httpx2.Response:
    """Return the answer of the page's server to a click on a link; `page` is the address of the page that has it."""
    transport = httpx2.ASGITransport(Starlette(routes=[document_route(page_client.document_address)]))

    async def get() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=transport, base_url="http://page") as browser:
            return await browser.get(path, headers={"referer": page} if page else {})

    return asyncio.run(get())


def test_the_page_sends_on_to_an_address_of_the_moment(aws: StubApi) -> None:
    """Asked anew at every click, kept by nobody, and without the file passing through the page."""
    aws_client = client()
    for number in range(2):
        at = f"{FILE}{number}"
        aws.replies[f"GET /dev/documents/{PATH}"] = Reply(302, b"", {"Location": at})
        response = open_link(aws_client, f"/open/{PATH}")
        assert (response.status_code, response.headers["location"]) == (302, at)
        assert response.headers["cache-control"] == "no-store"
    assert {call for call, _ in aws.received} == {f"GET /dev/documents/{PATH}"}


def test_an_api_without_signatures_is_where_its_documents_are(api: StubApi) -> None:
    """Should somebody open such a link there, it leads to the API itself."""
    api.replies[f"GET /documents/{PATH}"] = Reply(200, b"%PDF")
    assert open_link(Client(api.url), f"/open/{PATH}").headers["location"] == f"{api.url}/documents/{PATH}"


@pytest.mark.parametrize(("reply", "status", "explanation"), [
    (Reply(404, {"title": "Nope"}), 404, ("이제 없습니다", "no such document")),
    (Reply(503, {"title": "Nope"}), 503, ("요청이 몰렸거나", "too many requests"))])
def test_a_document_that_does_not_open_is_told_in_the_pages_language(reply: Reply, status: int,
                                                                     explanation: tuple[str, str],
                                                                     aws: StubApi) -> None:
    """With the API's status, and with the name as text. Who comes from nowhere reads Korean, as on the page."""
    name = "<b>가.pdf"
    aws.replies[f"GET /dev/documents/{quote(name, safe='')}"] = reply
    for page, language in (("", 0), ("http://page/?lang=ko", 0), ("http://page/?lang=en&page=documents", 1),
                           ("http://page/?lang=fr", 0)):
        response = open_link(client(), f"/open/{quote(name, safe='')}", page)
        assert response.status_code == status
        assert explanation[language] in response.text and explanation[1 - language] not in response.text
        assert "<b>" not in response.text and "&lt;b&gt;" in response.text and "Nope" not in response.text


@pytest.mark.usefixtures("aws")
def test_what_cannot_be_signed_is_an_error_of_its_own() -> None:
    """It says that nothing was sent, and why."""
    for aws_client, reason in ((client(key=None), "credentials"), (client(API.replace("https", "http")), "https")):
        for call in (aws_client.model, lambda aws_client=aws_client: next(aws_client.query({"query": "?"}))):
            with pytest.raises(Unsigned) as caught:
                call()
            assert (caught.value.status, caught.value.reason) == (None, reason)
    response = open_link(client(key=None), "/open/a.pdf")
    assert response.status_code == 502 and "자격 증명" in response.text and "credentials" not in response.text


@LANGUAGES
def test_the_page_says_that_it_has_no_credentials(language: str, open_page: OpenPage, aws: StubApi,
                                                  no_aws: pytest.MonkeyPatch) -> None:
    """In its language, with what to do; not that the server does not answer."""
    no_aws.setenv("SHOTWISE_API_URL", API)
    for screen_name in (None, "documents"):
        text = visible_text(open_page(language, screen_name))
        assert {"ko": "자격 증명이 없거나", "en": "no valid AWS credentials"}[language] in text and API in text
        assert {"ko": "연결할 수 없습니다", "en": "does not answer"}[language] not in text
        assert_one_language(text.replace(API, ""), language, recorded("model"))
    assert aws.received == []


def test_the_page_asks_aws_and_links_to_its_own_server(open_page: OpenPage, aws: StubApi,
                                                       no_aws: pytest.MonkeyPatch) -> None:
    """A diagnosis by the environment's credentials: chart from the bucket, sources by /open, no call for a link."""
    for name, value in (("AWS_ACCESS_KEY_ID", KEY.access_key), ("AWS_SECRET_ACCESS_KEY", KEY.secret_key),
                        ("AWS_SESSION_TOKEN", KEY.token), ("SHOTWISE_API_URL", API)):
        no_aws.setenv(name, value)
    reply = recorded("suspect_ko")
    reply["importance"]["visualization_url"] = "s3://charts/charts/pred_1-ab.png"
    aws.replies["POST /dev/diagnose ko"] = Reply(200, reply)
    page = open_page("ko").button(key="diagnose").click().run()
    drawn = "".join(item.value for item in page.html)
    for source in reply["knowledge"]["sources"]:
        assert f'href="/open/{source["document"]}#page={source["page"]}"' in drawn
    assert {call for call, _ in aws.received} == {
        "GET /dev/model", "GET /dev/samples", "POST /dev/diagnose", "GET /dev/charts/pred_1-ab.png",
        "GET /c?X-Amz-Signature=1"}
