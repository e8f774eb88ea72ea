"""The page's real server, attacked by web pages of other sites in a real browser: rebinding, other origins, frames."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .running import ROOT, free_port, stop, wait_for
from .test_page import find_browser

pytestmark = pytest.mark.slow

EVIL = "evil.example"
OPEN_WEBSOCKET = """url => new Promise(resolve => {
    const socket = new WebSocket(url, ["streamlit"]);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
})"""
HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class EmptyPage(BaseHTTPRequestHandler):
    """Answers with a web page without anything in it."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the page, served as `make run` does, without an API."""
    number = free_port()
    environ = {**os.environ, "SHOTWISE_API_URL": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    log: Path = tmp_path_factory.mktemp("page") / "ui.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "frontend/app.py", "--server.address", "127.0.0.1",
             "--server.port", str(number), "--server.headless", "true", "--browser.gatherUsageStats", "false"],
            cwd=ROOT, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{number}/_stcore/health", process)
        yield number
    finally:
        stop(process)


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    """The port of another web server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for which the name of another site has this machine's address."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_browser(), args=[
            "--no-sandbox", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
            f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new tab."""
    opened = browser.new_page()
    yield opened
    opened.close()


def test_a_rebound_name_shows_nothing_and_opens_no_websocket(page: Page, port: int) -> None:
    """Under its own name another site reads no page, no file and no document, and gets no websocket."""
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    response = page.goto(f"http://{EVIL}:{port}/")
    assert response and response.status == 421
    expect(page.locator("body")).to_contain_text("SHOTWISE_ALLOWED_HOSTS")
    assert page.locator("[data-testid=stApp]").count() == 0 and sockets == []
    assert page.evaluate(OPEN_WEBSOCKET, f"ws://{EVIL}:{port}/_stcore/stream") == "refused"
    for path in ("open/process-manual.pdf", "_stcore/host-config", "_stcore/metrics", "media/a.png"):
        assert page.evaluate("path => fetch(path).then(response => response.status)", f"/{path}") == 421
    assert page.evaluate("path => fetch(path, {method: 'PUT', body: 'x'}).then(response => response.status)",
                         "/_stcore/upload_file/a/b") == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_own_names_show_the_page(host: str, page: Page, port: int) -> None:
    """The page is drawn over its websocket."""
    with page.expect_websocket() as opened:
        page.goto(f"http://{host}:{port}/?lang=en")
    assert opened.value.url.startswith(f"ws://{host}:{port}/_stcore/stream")
    expect(page.locator("[data-testid=stApp]")).to_contain_text("Shotwise", timeout=60_000)


@pytest.mark.parametrize("host", [EVIL, "localhost", "127.0.0.1"])
def test_a_page_of_another_origin_opens_no_websocket(host: str, page: Page, port: int, other_port: int) -> None:
    """Neither another site nor another web server on this machine may connect."""
    page.goto(f"http://{host}:{other_port}/")
    for target in (EVIL, "localhost", "127.0.0.1"):
        assert page.evaluate(OPEN_WEBSOCKET, f"ws://{target}:{port}/_stcore/stream") == "refused"


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"])
def test_no_other_origin_shows_the_page_in_a_frame(host: str, page: Page, port: int, other_port: int) -> None:
    """So that nobody can be made to press a button that he does not see."""
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"http://{host}:{other_port}/")
    page.evaluate("""url => new Promise(resolve => {
        const frame = document.createElement("iframe");
        frame.src = url;
        frame.onload = resolve;
        document.body.append(frame);
    })""", f"http://127.0.0.1:{port}/")
    page.wait_for_timeout(2000)
    assert page.frames[1].url.startswith("chrome-error:") and sockets == []


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/"), ("GET", "/?page=documents"), ("GET", "/static/js/index.js"), ("GET", "/media/a.png"),
    ("GET", "/open/process-manual.pdf"), ("GET", "/component/a/b"), ("GET", "/_stcore/host-config"),
    ("GET", "/_stcore/metrics"), ("PUT", "/_stcore/upload_file/a/b"), ("DELETE", "/_stcore/upload_file/a/b"),
    ("OPTIONS", "/_stcore/upload_file/a/b"), ("POST", "/"), ("HEAD", "/nothing")])
def test_every_route_checks_the_host(method: str, path: str, port: int) -> None:
    """Streamlit's own and ours answer 421 under another name."""
    assert status(port, method, path, {"Host": f"{EVIL}:{port}"}) == 421


def test_the_handshake_checks_host_and_origin(port: int) -> None:
    """It is refused before it is accepted, and accepted from the page itself."""
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert status(port, "GET", "/_stcore/stream", {**HANDSHAKE, **own}) == 101
    for foreign in ({"Host": EVIL}, {"Origin": f"http://{EVIL}:{port}"}, {"Origin": "http://localhost:1"},
                    {"Host": EVIL, "Origin": f"http://{EVIL}"}):
        assert status(port, "GET", "/_stcore/stream", {**HANDSHAKE, **own, **foreign}) == 403


def test_the_health_check_answers_a_balancer(port: int) -> None:
    """It asks by the address of the task."""
    assert status(port, "GET", "/_stcore/health", {"Host": "10.0.11.7:8501"}) == 200


def status(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of the answer to a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
