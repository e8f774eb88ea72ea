"""Photograph the page for the README: a running page diagnoses its first sample, in each language.

    make screenshots [URL=http://127.0.0.1:8501]

Exit status: 0 the pictures are written, 1 the page or the browser does not do its part, 2 bad usage.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, sync_playwright

FOLDER = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No window, and no calls of the browser's own.
OPTIONS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
# As wide as a README is shown on a large screen; as high as verdict, types of defects, chart and table.
WIDTH, HEIGHT = 1200, 1264
LANGUAGES = ("en", "ko")
MAX_BYTES = 300_000
START_MS, DIAGNOSIS_MS = 60_000.0, 30_000.0
# The time in which a finished page fades in.
SETTLE_MS = 1_500.0


class ScreenshotError(Exception):
    """No picture can be made; the text says why and what to do."""


def main(arguments: Sequence[str] | None = None, which: Callable[[str], str | None] = shutil.which) -> int:
    """Write a picture for each language and return the exit status."""
    parser = argparse.ArgumentParser(prog="screenshots", description="Photograph a running page for the README.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8501", help="the page; start it with make run")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write to")
    options = parser.parse_args(arguments)
    if urlsplit(options.url).scheme not in ("http", "https"):
        parser.error(f"{options.url!r} is not the address of a page: it has to begin with http:// or https://")
    try:
        for path in take_all(options.url, options.out, find_browser(which)):
            print(f"{path}: {path.stat().st_size:,} bytes")
    except ScreenshotError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


def find_browser(which: Callable[[str], str | None]) -> str:
    """Return the path of Chromium or Chrome. Raises ScreenshotError."""
    path = next(filter(None, map(which, BROWSERS)), None)
    if path is None:
        raise ScreenshotError("no Chromium or Chrome on PATH; install one (on Debian: apt-get install chromium)")
    return path


def take_all(url: str, folder: Path, executable: str) -> list[Path]:
    """Write `diagnosis.LANGUAGE.png` for each language. Raises ScreenshotError."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
            try:
                return [take(browser, url, language, folder) for language in LANGUAGES]
            finally:
                browser.close()
        except Error as error:
            raise ScreenshotError(f"{error.message.splitlines()[0]}; is the page of make run at {url}?") from error


def take(browser: Browser, url: str, language: str, folder: Path) -> Path:
    """Diagnose the first sample and write the picture. Raises ScreenshotError, or Error of Playwright."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(f"{url.rstrip('/')}/?lang={language}")
    page.locator(".st-key-diagnose button").click(timeout=START_MS)
    page.locator(".sw-verdict").wait_for(timeout=DIAGNOSIS_MS)
    page.locator("[data-testid=stImage] img").evaluate("image => image.decode()", timeout=DIAGNOSIS_MS)
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLE_MS)
    picture = page.screenshot()
    page.close()
    if len(picture) > MAX_BYTES:
        raise ScreenshotError(f"the picture in {language} has {len(picture):,} bytes, more than {MAX_BYTES:,}")
    path = folder / f"diagnosis.{language}.png"
    path.write_bytes(picture)
    return path


if __name__ == "__main__":
    sys.exit(main())
