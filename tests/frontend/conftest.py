"""Fixtures of the page's tests: a stand-in for the API, and the page opened against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from page_text import OpenPage, checked
from streamlit.testing.v1 import AppTest
from stub_api import StubApi, recorded, stub_api

from frontend import signing

APP = Path(__file__).parents[2] / "frontend/page.py"


@pytest.fixture
def api() -> Iterator[StubApi]:
    """A stand-in for the API."""
    with stub_api() as stub:
        yield stub


@pytest.fixture
def open_page(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPage]:
    """A function that opens the page in a language, at a screen, against the stand-in."""
    monkeypatch.setenv("SHOTWISE_API_URL", api.url)

    def open_at(language: str, screen_name: str | None = None) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=30)
        page.query_params["lang"] = language
        if screen_name:
            page.query_params["page"] = screen_name
        return checked(page.run())

    st.cache_data.clear()
    yield open_at
    st.cache_data.clear()


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A machine without AWS credentials, none cached either."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    signing._session.cache_clear()
    yield monkeypatch
    signing._session.cache_clear()


@pytest.fixture
def model() -> dict[str, Any]:
    """The recorded reply of GET /model."""
    reply: dict[str, Any] = recorded("model")
    return reply
