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
from reportlab.pdfgen.canvas import Canvas

from .running import Stack, ask, stack, wait_for

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NEUTRAL = {"Shotwise", "KO", "EN", "ms", "p"}
LABELS = {"ko": {"defect": "결함", "advice": "불합격", "source": r"\[1\] .+ \d+쪽", "actions": "권고 조치"},
          "en": {"defect": "Defect", "advice": "reject", "source": r"\[1\] .+, p\. \d+", "actions": "Sources"}}


def find_browser() -> str:
    """Return Chromium or Chrome on PATH; root on Debian gets it installed."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
        path = shutil.which("chromium")
    assert path, "the browser tests need Chromium or Chrome on PATH; on Debian: apt-get install chromium"
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """API and page."""
    with stack(tmp_path_factory.mktemp("page") / "home", ui=True) as running:
        wait_for(f"{running.ui}/_stcore/health", running.process)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window, which makes no calls of its own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_browser(), args=[
            "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"])
        yield opened
        opened.close()


def diagnosed(browser: Browser, served: Stack, language: str, sample: int) -> Page:
    """Return the page in a language, with a sample picked and diagnosed."""
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
    labels = LABELS[language]
    verdict = page.locator(".sw-verdict")
    expect(verdict).to_contain_text(labels["defect"])
    expect(verdict).to_contain_text(labels["advice"])
    expect(verdict).to_contain_text(re.compile(r"\d+\.\d%"))
    chart = page.locator("[data-testid=stImage] img")
    expect(chart).to_be_visible(timeout=20_000)
    chart.evaluate("image => image.decode()")  # waits until it is loaded, and raises where it cannot be
    assert chart.evaluate("image => image.naturalWidth") > 100
    expect(page.locator(".sw-list").last).to_contain_text(re.compile(labels["source"]))
    expect(page.get_by_text(labels["actions"], exact=True)).to_be_visible()
    link = page.locator(".sw-list a").first.get_attribute("href") or ""
    document = ask(link.split("#")[0])
    assert document.status == 200 and document.body.startswith(b"%PDF")
    assert re.search(r"#page=\d+$", link)
    page.close()


def documents(browser: Browser, served: Stack, language: str) -> Page:
    """Return the page in a language, at the documents screen."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{served.ui}/?lang={language}&page=documents")
    expect(page.locator(".sw-document").first).to_be_visible(timeout=60_000)
    return page


def foreign(text: str, language: str, allowed: set[str]) -> set[str]:
    """Return the words of another language than the page's."""
    latin = set(re.findall(r"[A-Za-z](?:[\w/.-]*\w)?", text, re.ASCII))  # a particle may follow: PDF로
    return latin - NEUTRAL - allowed if language == "ko" else set(re.findall("[가-힣]+", text))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_on_the_screen_is_of_another_language(language: str, browser: Browser, served: Stack) -> None:
    """Beside quotes from documents, the visible screen, Streamlit's own parts included, speaks one language."""
    page = diagnosed(browser, served, language, sample=2)
    page.locator("[data-testid=stImage] img").wait_for()
    for folded in page.locator("[data-testid=stExpander] summary").all():
        folded.click()
    # Icons are words of an icon font; answers and source lists quote documents.
    page.evaluate("document.querySelectorAll('[data-testid=stIconMaterial], .sw-answer, .sw-list')"
                  ".forEach(element => element.remove())")
    text = page.locator("[data-testid=stApp]").inner_text()
    assert ("정밀도" if language == "ko" else "Precision") in text  # the folded parts are open
    model = ask(f"{served.api}/model").json()
    allowed = {"F1", "ROC-AUC", model["version"]} | {feature["unit"].strip("°") for feature in model["features"]}
    assert {word for word in foreign(text, language, allowed) if not word.startswith("pred_")} == set()
    page.close()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_at_the_documents_is_of_another_language(language: str, browser: Browser, served: Stack,
                                                         tmp_path: Path) -> None:
    """Beside titles and names of files the screen speaks one language, Streamlit's box for files included."""
    page = documents(browser, served, language)
    unfit = tmp_path / "1.txt"
    unfit.write_text("no PDF", "utf-8")
    page.locator("input[type=file]").set_input_files(unfit)
    expect(page.locator("[data-testid=stFileChip]")).to_be_visible()
    page.locator("[data-testid=stFileChip]").hover()
    page.locator("[class*=st-key-remove] button").first.click()
    expect(page.locator(".st-key-confirm_removal")).to_be_visible()
    page.evaluate("document.querySelectorAll('[data-testid=stIconMaterial], [data-testid=stFileChipName], "
                  ".sw-document a, .sw-document .quiet').forEach(element => element.remove())")
    text = page.locator("[data-testid=stApp]").inner_text()
    assert ("검색됨" if language == "ko" else "searched") in text
    assert foreign(text, language, {"PDF", "MB", "B"}) == set()
    page.close()


def test_a_document_is_added_asked_and_removed(browser: Browser, served: Stack, tmp_path: Path) -> None:
    """A PDF is read after it is uploaded, answers a question with the right page, and is gone when removed."""
    pdf = tmp_path / "ladle-note.pdf"
    canvas = Canvas(str(pdf))
    for line in ("Ladle maintenance", "The zirconia ladle coating is renewed after 120 pours."):
        canvas.drawString(72, 750, line)
        canvas.showPage()
    canvas.save()
    page = documents(browser, served, "en")
    page.locator("input[type=file]").set_input_files(pdf)
    page.locator(".st-key-add button:not([disabled])").click()
    expect(page.locator(".sw-uploads")).to_contain_text("searched", timeout=60_000)
    own = page.locator(".sw-document", has_text=pdf.name)
    expect(own).to_contain_text("2 pages")
    page.locator(".st-key-query input").fill("When is the zirconia ladle coating renewed?")
    page.keyboard.press("Enter")
    expect(page.locator(".sw-answer")).to_contain_text("renewed after 120 pours", timeout=20_000)
    link = page.locator(".sw-list a", has_text="p. 2").first.get_attribute("href") or ""
    assert link.endswith("#page=2") and ask(link.split("#")[0]).body.startswith(b"%PDF")
    page.reload()  # the screen is in the address
    expect(own).to_be_visible(timeout=20_000)
    page.locator("[class*=st-key-remove-ladle-note] button").click()
    page.locator(".st-key-confirm_removal button").click()
    expect(own).to_have_count(0, timeout=20_000)
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
