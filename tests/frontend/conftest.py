"""The frontend tier: the page's modules, and the page itself against a stand-in for the API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "frontend"))  # as Streamlit does for app.py

import streamlit as st
from screen import Opened, checked
from streamlit.testing.v1 import AppTest
from stub_api import StubApi, recorded, stub_api

APP = Path(__file__).parents[2] / "frontend/app.py"


@pytest.fixture
def api() -> Iterator[StubApi]:
    """A stand-in for the API."""
    with stub_api() as stub:
        yield stub


@pytest.fixture
def opened(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Open the page in a language, at a place, against the stand-in."""
    monkeypatch.setenv("SHOTWISE_API_URL", api.url)

    def open_page(language: str, place: str | None = None) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=30)
        page.query_params["lang"] = language
        if place:
            page.query_params["page"] = place
        return checked(page.run())

    st.cache_data.clear()
    yield open_page
    st.cache_data.clear()


@pytest.fixture
def model() -> dict[str, Any]:
    """The recorded reply of GET /model."""
    found: dict[str, Any] = recorded("model")
    return found
