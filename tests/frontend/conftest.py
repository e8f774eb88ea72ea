"""The frontend tier: the page's modules, and the page itself against a stand-in for the API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "frontend"))  # as Streamlit does for app.py

from stub_api import StubApi, recorded, stub_api


@pytest.fixture
def api() -> Iterator[StubApi]:
    """A stand-in for the API."""
    with stub_api() as stub:
        yield stub


@pytest.fixture
def model() -> dict[str, Any]:
    """The recorded reply of GET /model."""
    found: dict[str, Any] = recorded("model")
    return found
