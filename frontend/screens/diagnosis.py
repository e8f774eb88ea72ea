"""The diagnosis screen: choose or edit a shot on the left, read its diagnosis on the right."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend.client import ApiError, Client
from frontend.fields import Field, fields_of
from frontend.messages import Messages
from frontend.views import diagnosis as diagnosis_view
from frontend.views import form, markup, model_note, problems

CACHE_SECONDS = 60  # for schema and samples


@st.cache_data(ttl=CACHE_SECONDS, show_spinner=False)
def load(api_url: str, _client: Client) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return model and samples of the API at `api_url`; failures are not cached.

    Streamlit leaves `_client` out of the cache key because of its underscore.
    """
    return _client.model(), _client.samples()


def keep_state() -> None:
    """Keep the values of the form while the reader is at the other screen."""
    form.keep_state()


def show(client: Client, messages: Messages) -> None:
    """Draw the screen from top to bottom."""
    try:
        model, samples = load(client.base_url, client)
    except ApiError as error:
        problems.show(error, {}, client.base_url, messages)
        st.button(messages("problem.retry"), key="retry")
        return
    fields = {field.name: field for field in fields_of(model)}
    left, right = st.columns([4, 7], gap="large")
    with left:
        form_state = form.show(tuple(fields.values()), samples, model, messages)
    with right:
        show_diagnosis(client, form_state, model, fields, messages)
        model_note.show(model, messages)


def show_diagnosis(client: Client, form_state: form.FormState, model: Mapping[str, Any], fields: Mapping[str, Field],
                   messages: Messages) -> None:
    """Draw the diagnosis of the shot that was sent last; after a change of language it is requested again."""
    state = st.session_state
    if form_state.pressed:
        state["sent"], state["diagnosis"], state["failure"] = form_state.body, None, None
    sent = state.get("sent")
    if sent is None:
        markup.note([messages("page.start"), messages("page.start_more")], "plain")
        return
    body = {**sent, "language": messages.language}
    if state["failure"] is None and (state["diagnosis"] is None or state["diagnosis"].body != body):
        try:
            with st.spinner(messages("page.busy")):
                state["diagnosis"] = diagnose(client, body)
        except ApiError as error:
            state["failure"] = error
    if state["failure"] is not None:
        problems.show(state["failure"], fields, client.base_url, messages)
        return
    if sent != form_state.body:
        markup.note([messages("page.stale")])
    diagnosis_view.show(state["diagnosis"], model, fields, client.document_link, messages)


def diagnose(client: Client, body: Mapping[str, Any]) -> diagnosis_view.Diagnosis:
    """Request a diagnosis and its chart; without the chart if that cannot be fetched."""
    start = time.monotonic()
    reply = client.diagnose(body)
    call_ms = 1000 * (time.monotonic() - start)
    url = (reply["importance"] or {}).get("visualization_url")
    try:
        chart = client.chart(url) if url else None
    except ApiError:
        chart = None
    return diagnosis_view.Diagnosis(body, reply, chart, call_ms)
