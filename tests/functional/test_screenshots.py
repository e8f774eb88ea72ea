"""The script of the README's pictures ends with a sentence where it cannot take one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "docs/images/screenshots.py"


@pytest.fixture(scope="module")
def screenshots() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("screenshots", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_missing_browser_is_named(screenshots: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Without Chromium or Chrome the status is 1, and the message says what to install."""
    assert screenshots.main([], which=lambda name: None) == 1
    assert "apt-get install chromium" in capsys.readouterr().err


def test_an_address_that_is_none_is_refused(screenshots: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not begin with http:// or https:// is bad usage."""
    with pytest.raises(SystemExit) as ended:
        screenshots.main(["127.0.0.1:8501"])
    assert ended.value.code == 2
    assert "has to begin with http:// or https://" in capsys.readouterr().err
