"""The diagnosis: pick or edit a shot on the left, read what is found on the right."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend.client import ApiError, Client
from frontend.fields import Field, fields_of
from frontend.messages import Words
from frontend.views import form, markup, model_note, problems, result

FRESH = 60  # seconds for which schema and samples are kept


@st.cache_data(ttl=FRESH, show_spinner=False)
def load(api_url: str, _client: Client) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Model and samples of the API there; failures are not kept. The underscore keeps the client out of the key."""
    return _client.model(), _client.samples()


def keep() -> None:
    """Hold on to what the form holds while the reader is elsewhere."""
    form.keep()


def show(client: Client, words: Words) -> None:
    """The place from top to bottom."""
    try:
        model, samples = load(client.base_url, client)
    except ApiError as error:
        problems.show(error, {}, client.base_url, words)
        st.button(words("problem.retry"), key="retry")
        return
    fields = {field.name: field for field in fields_of(model)}
    left, right = st.columns([4, 7], gap="large")
    with left:
        asked = form.show(tuple(fields.values()), samples, model, words)
    with right:
        answer(client, asked, model, fields, words)
        model_note.show(model, words)


def answer(client: Client, asked: form.Asked, model: Mapping[str, Any], fields: Mapping[str, Field],
           words: Words) -> None:
    """The diagnosis of what was asked last, in the page's language: another language asks again."""
    state = st.session_state
    if asked.pressed:
        state["sent"], state["found"], state["failure"] = asked.body, None, None
    sent = state.get("sent")
    if sent is None:
        markup.note([words("page.start"), words("page.start_more")], "plain")
        return
    body = {**sent, "language": words.language}
    if state["failure"] is None and (state["found"] is None or state["found"].sent != body):
        try:
            with st.spinner(words("page.busy")):
                state["found"] = diagnose(client, body)
        except ApiError as error:
            state["failure"] = error
    if state["failure"] is not None:
        problems.show(state["failure"], fields, client.base_url, words)
        return
    if sent != asked.body:
        markup.note([words("page.stale")])
    result.show(state["found"], model, fields, client.document_link, words)


def diagnose(client: Client, body: Mapping[str, Any]) -> result.Diagnosed:
    """Ask the API, then fetch the chart. A chart that cannot be had leaves the rest of the diagnosis whole."""
    start = time.monotonic()
    reply = client.diagnose(body)
    whole_ms = 1000 * (time.monotonic() - start)
    url = (reply["importance"] or {}).get("visualization_url")
    try:
        chart = client.chart(url) if url else None
    except ApiError:
        chart = None
    return result.Diagnosed(body, reply, chart, whole_ms)
