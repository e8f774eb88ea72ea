"""The guard of the page's server: which hosts and origins pass, for pages and for the websocket."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from frontend.app import app
from frontend.site_guard import SiteGuard, allowed_hosts

OWN = ["127.0.0.1", "127.0.0.1:8501", "localhost", "localhost:8501", "LOCALHOST:8501", "localhost.", "localhost.:8501",
       "[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]:8501"]
FOREIGN = ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost",
           "192.168.0.10", "0.0.0.0", "[::2]:8501", "", "::1", "[::1", "localhost:", "localhost:x", "127.0.0.1@evil",
           "localhost/evil", "localhost#", "localhost, evil.example", " localhost"]
LISTED = "Page.Example.com, 10.1.2.3,,fd00::/8"


def client(setting: str = "") -> TestClient:
    """A client of a small app behind the guard, with a page, the health check, an upload and a websocket."""

    async def ok(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    hosts = allowed_hosts({"SHOTWISE_ALLOWED_HOSTS": setting})
    return TestClient(Starlette(routes=[
        Route("/", ok), Route("/_stcore/health", ok), Route("/_stcore/upload_file/a/b", ok, methods=["PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", stream)], middleware=[Middleware(SiteGuard, hosts)]))


def is_open(page: TestClient, headers: dict[str, str]) -> bool:
    """Whether the websocket's handshake is accepted."""
    try:
        with page.websocket_connect("/_stcore/stream", headers=headers):
            return True
    except WebSocketDisconnect as refusal:
        assert refusal.code == 1008
        return False


@pytest.mark.parametrize("host", OWN)
def test_this_machine_is_let_in(host: str) -> None:
    """Its three names pass for pages and websocket: with a port, in any case, as an absolute name."""
    assert client().get("/", headers={"host": host}).text == "ok"
    assert is_open(client(), {"host": host})


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(host: str) -> None:
    """Another name, another address, or what is no host: 421 with a sentence, and no websocket."""
    refusal = client().get("/", headers={"host": host})
    assert refusal.status_code == 421 and "SHOTWISE_ALLOWED_HOSTS" in refusal.text
    assert refusal.headers["content-type"].startswith("text/plain")
    assert not is_open(client(), {"host": host})


@pytest.mark.parametrize(("host", "passes"), [
    ("page.example.com", True), ("PAGE.example.com:443", True), ("page.example.com.", True), ("10.1.2.3:8501", True),
    ("[fd00::7]:8501", True), ("localhost", True), ("example.com", False), ("a.page.example.com", False),
    ("10.1.2.4", False), ("[fe00::7]", False)])
def test_more_hosts_can_be_allowed(host: str, passes: bool) -> None:
    """SHOTWISE_ALLOWED_HOSTS adds names, addresses and networks to those of this machine."""
    assert (client(LISTED).get("/", headers={"host": host}).status_code == 200) is passes
    assert is_open(client(LISTED), {"host": host}) is passes


@pytest.mark.parametrize("entry", ["https://page.example.com", "page.example.com:8501", "*", "*.example.com", "a b",
                                   "10.0.0.1/8", "10.0.0.0/33"])
def test_a_setting_that_names_no_host_is_refused(entry: str) -> None:
    """At start, with the name of the setting."""
    with pytest.raises(ValueError, match="SHOTWISE_ALLOWED_HOSTS has "):
        allowed_hosts({"SHOTWISE_ALLOWED_HOSTS": f"good.example.com,{entry}"})


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:9000", "http://localhost", "null", "",
                                    "http://[::1", "localhost:8501", "http://localhost:8501@evil.example"])
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    """Also where it is of this machine, at another port: 403, no websocket, no upload."""
    headers = {"host": "localhost:8501", "origin": origin}
    assert client().get("/", headers=headers).status_code == 403
    assert client().put("/_stcore/upload_file/a/b", headers=headers).status_code == 403
    assert not is_open(client(), headers)


@pytest.mark.parametrize(("host", "origin"), [("localhost:8501", "http://localhost:8501"),
                                              ("page.example.com", "https://page.example.com"),
                                              ("[::1]:8501", "http://[::1]:8501")])
def test_the_page_itself_is_let_in(host: str, origin: str) -> None:
    """Its own origin passes, with TLS ending at a balancer or without TLS."""
    assert client(LISTED).put("/_stcore/upload_file/a/b", headers={"host": host, "origin": origin}).status_code == 200
    assert is_open(client(LISTED), {"host": host, "origin": origin})


def test_the_health_check_answers_under_any_name() -> None:
    """A balancer asks by the task's address; no web page of another site may read even that."""
    assert client().get("/_stcore/health", headers={"host": "10.0.11.7:8501"}).status_code == 200
    for path in ("/_stcore/health/", "//_stcore/health", "/_stcore/healthy", "/"):
        assert client().get(path, headers={"host": "10.0.11.7:8501"}).status_code == 421
    headers = {"host": "10.0.11.7", "origin": "http://evil.example"}
    assert client().get("/_stcore/health", headers=headers).status_code == 403


def test_no_other_site_may_frame_the_page() -> None:
    """Every answer forbids it, in the new way and the old one."""
    for path in ("/", "/nothing"):
        headers = client().get(path, headers={"host": "localhost"}).headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-frame-options"] == "SAMEORIGIN"


def test_the_page_is_behind_the_guard() -> None:
    """It is the outermost middleware of the page's own server."""
    assert app._user_middleware[0].cls is SiteGuard
