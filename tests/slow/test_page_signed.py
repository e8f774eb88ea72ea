"""The page's real server, configured as on AWS, in a real browser: signed calls, and links that open at their page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from .running import ROOT, ask, free_port, stop, wait_for
from .test_page import find_browser

sys.path.insert(0, str(ROOT / "tests/frontend"))

from signed_api import KEY, OTHER, REGION, signed_api
from stub_api import PIXEL, Reply, StubApi, recorded, stub_api

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket() -> Iterator[StubApi]:
    """A stand-in for the bucket that holds the files."""
    with stub_api() as stub:
        yield stub


@pytest.fixture
def page_url(bucket: StubApi, tmp_path: Path) -> Iterator[str]:
    """The page, served as in its container, over an API that checks signatures."""
    with signed_api(tmp_path, OTHER) as (aws, certificate):
        reply = recorded("suspect_ko")
        document = reply["knowledge"]["sources"][0]["document"]
        aws.replies["POST /diagnose ko"] = Reply(200, reply)
        for path, file in ((f"/charts/{reply['importance']['visualization_url'].rsplit('/', 1)[-1]}", "chart.png"),
                           (f"/documents/{document}", "file.html")):
            aws.replies[f"GET {path}"] = Reply(302, b"", {"Location": f"{bucket.url}/{file}?X-Amz-Signature=1"})
        bucket.replies["GET /chart.png?X-Amz-Signature=1"] = Reply(200, PIXEL)
        bucket.replies["GET /file.html?X-Amz-Signature=1"] = Reply(200, b"the file", {"Content-Type": "text/html"})
        environ = {**os.environ, "SHOTWISE_API_URL": aws.url, "SHOTWISE_SIGN_REGION": REGION,
                   "REQUESTS_CA_BUNDLE": str(certificate), "AWS_ACCESS_KEY_ID": KEY.access_key,
                   "AWS_SECRET_ACCESS_KEY": KEY.secret_key, "AWS_SESSION_TOKEN": str(KEY.token)}
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "frontend/app.py", "--server.address", "127.0.0.1",
             "--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"],
            cwd=ROOT, env=environ, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop(process)


def test_a_link_opens_its_document_at_its_page(page_url: str, bucket: StubApi) -> None:
    """Through the page's own server, at each click anew, with the page number kept."""
    (source, *_) = recorded("suspect_ko")["knowledge"]["sources"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{page_url}/?lang=ko")
        page.locator(".st-key-diagnose button").click(timeout=60_000)
        chart = page.locator("[data-testid=stImage] img")
        expect(chart).to_be_visible(timeout=30_000)
        link = page.locator(f"a[href='/open/{source['document']}#page={source['page']}']").first
        for _ in range(2):
            with page.context.expect_page() as opened:
                link.click()
            opened.value.wait_for_url(f"{bucket.url}/file.html?X-Amz-Signature=1#page={source['page']}")
            opened.value.close()
        browser.close()
    assert "GET /chart.png?X-Amz-Signature=1" in [call for call, _ in bucket.received]
    assert [call for call, _ in bucket.received].count("GET /file.html?X-Amz-Signature=1") == 2


def test_a_document_that_is_gone_is_reported(page_url: str) -> None:
    """By the page's server, and not by an empty page of Streamlit's."""
    response = ask(f"{page_url}/open/absent.pdf")
    assert response.status == 404 and "이제 없습니다" in response.body.decode()
