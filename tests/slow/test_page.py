"""The page in a real browser, over the real stack."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .running import Stack, ask, stack, wait_for

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NEUTRAL = {"Shotwise", "KO", "EN", "ms", "p"}
WORDS = {"ko": {"defect": "결함", "advice": "불합격", "source": r"\[1\] .+ \d+쪽", "actions": "권고 조치"},
         "en": {"defect": "Defect", "advice": "reject", "source": r"\[1\] .+, p\. \d+", "actions": "Sources"}}


def find_browser() -> str:
    """Chromium or Chrome on PATH; a root on Debian gets it installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
        found = shutil.which("chromium")
    assert found, "the browser tests need Chromium or Chrome on PATH; on Debian: apt-get install chromium"
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """API and page."""
    with stack(tmp_path_factory.mktemp("page") / "home", ui=True) as running:
        wait_for(f"{running.ui}/_stcore/health", running.process)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window that calls nobody by itself."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_browser(), args=[
            "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"])
        yield opened
        opened.close()


def diagnosed(browser: Browser, served: Stack, language: str, sample: int) -> Page:
    """The page in a language, with a sample picked and diagnosed."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{served.ui}/?lang={language}")
    button = page.locator(".st-key-diagnose button")
    expect(button).to_be_visible(timeout=60_000)
    page.locator(".st-key-sample [role=combobox], .st-key-sample [data-baseweb=select]").first.click()
    page.get_by_role("option").nth(sample).click()
    expect(page.get_by_role("option")).to_have_count(0)
    button.click()
    expect(page.locator(".sw-verdict")).to_be_visible(timeout=30_000)
    return page


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_sample_is_diagnosed_in_the_browser(language: str, browser: Browser, served: Stack) -> None:
    """Picking a defective sample and pressing the button shows verdict, chart and a source that opens at its page."""
    page = diagnosed(browser, served, language, sample=1)
    words = WORDS[language]
    verdict = page.locator(".sw-verdict")
    expect(verdict).to_contain_text(words["defect"])
    expect(verdict).to_contain_text(words["advice"])
    expect(verdict).to_contain_text(re.compile(r"\d+\.\d%"))
    chart = page.locator("[data-testid=stImage] img")
    expect(chart).to_be_visible(timeout=20_000)
    chart.evaluate("image => image.decode()")  # waits until it is loaded, and raises where it cannot be
    assert chart.evaluate("image => image.naturalWidth") > 100
    expect(page.locator(".sw-list").last).to_contain_text(re.compile(words["source"]))
    expect(page.get_by_text(words["actions"], exact=True)).to_be_visible()
    link = page.locator(".sw-list a").first.get_attribute("href") or ""
    document = ask(link.split("#")[0])
    assert document.status == 200 and document.body.startswith(b"%PDF")
    assert re.search(r"#page=\d+$", link)
    page.close()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_on_the_screen_is_of_another_language(language: str, browser: Browser, served: Stack) -> None:
    """Beside quotes from documents, the visible screen, Streamlit's own parts included, speaks one language."""
    page = diagnosed(browser, served, language, sample=2)
    page.locator("[data-testid=stImage] img").wait_for()
    for folded in page.locator("[data-testid=stExpander] summary").all():
        folded.click()
    # Icons are words of an icon font; answers and source lists quote documents.
    page.evaluate("document.querySelectorAll('[data-testid=stIconMaterial], .sw-answer, .sw-list')"
                  ".forEach(found => found.remove())")
    text = page.locator("[data-testid=stApp]").inner_text()
    assert ("정밀도" if language == "ko" else "Precision") in text  # the folded parts are open
    model = ask(f"{served.api}/model").json()
    allowed = NEUTRAL | {"F1", "ROC-AUC", model["version"]}
    allowed |= {feature["unit"].strip("°") for feature in model["features"]}
    latin = {word for word in re.findall(r"[A-Za-z](?:[\w/.-]*\w)?", text) if not word.startswith("pred_")}
    assert (latin - allowed if language == "ko" else set(re.findall("[가-힣]+", text))) == set()
    page.close()


def test_the_language_switch_asks_again(browser: Browser, served: Stack) -> None:
    """Another language shows the same shot's diagnosis in that language, and stays in the address."""
    page = diagnosed(browser, served, "ko", sample=0)
    probability = re.search(r"\d+\.\d%", page.locator(".sw-verdict").inner_text())
    page.locator(".st-key-language button").nth(1).click()
    expect(page.locator(".sw-verdict")).to_contain_text("Verdict", timeout=30_000)
    assert probability
    expect(page.locator(".sw-verdict")).to_contain_text(probability.group())
    assert page.url.endswith("?lang=en")
    page.close()


def test_sigterm_stops_api_and_page(tmp_path: Path) -> None:
    """One SIGTERM, and within 10 s the process has ended with status 0 and neither port listens."""
    with stack(tmp_path / "home", ui=True) as running:
        wait_for(f"{running.ui}/_stcore/health", running.process)
        start = time.monotonic()
        running.process.terminate()
        assert running.process.wait(10) == 0
        ports = [urlsplit(url).port for url in (running.api, running.ui)]
        while any(listens(port) for port in ports):
            assert time.monotonic() - start < 10, "a port still listens 10 s after SIGTERM"
            time.sleep(0.1)


def listens(port: int | None) -> bool:
    """Whether anyone accepts connections at a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port or 0)) == 0
