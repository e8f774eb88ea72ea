"""The page while the API is away, and afterwards."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import streamlit as st
from page_text import LANGUAGES, OpenPage, assert_one_language, checked, visible_text
from stub_api import StubApi


@LANGUAGES
def test_a_silent_server_is_explained(language: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch,
                                      model: dict[str, Any]) -> None:
    """Without the API the page says so, with the address and what to do, and tries again when told to."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("SHOTWISE_API_URL", address)
        page = open_page(language)
        text = visible_text(page)
        assert ("연결할 수 없습니다" if language == "ko" else "does not answer") in text and address in text
        assert_one_language(text.replace(address, ""), language, model)
    assert page.button(key="retry")


def test_the_page_recovers_when_the_server_is_back(open_page: OpenPage, api: StubApi) -> None:
    """A failed load is not remembered: the next try shows the form."""
    model = api.replies.pop("GET /model")
    page = open_page("ko")
    api.replies["GET /model"] = model
    checked(page.button(key="retry").click().run())
    assert page.button(key="diagnose")


def test_edits_outlive_a_break_of_the_server(open_page: OpenPage, api: StubApi) -> None:
    """What was typed is there again when the server is."""
    page = open_page("ko")
    checked(page.number_input(key="value:Biscuit_Thickness").set_value(4.0).run())
    checked(page.text_area(key="question").set_value("왜?").run())
    model = api.replies.pop("GET /model")
    st.cache_data.clear()
    assert "진단하지 못했습니다" in visible_text(checked(page.run()))
    api.replies["GET /model"] = model
    checked(page.button(key="retry").click().run())
    assert page.number_input(key="value:Biscuit_Thickness").value == 4.0
    assert page.text_area(key="question").value == "왜?"
