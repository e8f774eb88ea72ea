"""The documents: ask them on the left; add, read through and remove them on the right."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.client import ApiError, Client
from frontend.messages import Words
from frontend.uploads import Documents, Transfer, by_name, known, settled
from frontend.views import library, markup, problems, question, upload

LOOK_EVERY = 1.0  # seconds between looks at the list while a document is being read or removed


def keep() -> None:
    """Hold on to the question while the reader is elsewhere: Streamlit forgets a widget that is not drawn."""
    if "query" in st.session_state:
        st.session_state["query"] = st.session_state["query"]


def show(client: Client, words: Words) -> None:
    """The place from top to bottom. The answer is drawn last: all else must not wait while it comes."""
    with st.container(key="documents"):
        left, right = st.columns([7, 4], gap="large")
    with left:
        question.form(_ask, words)
        space = st.empty()
    with right:
        shelf(client, words)
    answer(client, space, words)


def _ask(query: str) -> None:
    st.session_state["asked"], st.session_state["asking"] = query, None


def answer(client: Client, space: DeltaGenerator, words: Words) -> None:
    """The answer to what was asked last, in the page's language: another language asks again."""
    state = st.session_state
    if state.get("asked") is None:
        with space.container():
            markup.note([words("ask.start"), words("ask.start_more")], "plain")
        return
    body = {"query": state["asked"], "language": words.language}
    found: question.Asking | None = state["asking"]
    if found is None or found.body != body or not found.over:
        found = state["asking"] = question.Asking(body)
        _listen(client, found, space, words)
    with space.container():
        question.show(found, client.document_link, client.base_url, words)
        if found.failure is not None and found.failure.status != 400:
            st.button(words("ask.again"), key="ask_again", on_click=_ask, args=(state["asked"],))


def _listen(client: Client, found: question.Asking, space: DeltaGenerator, words: Words) -> None:
    """Take the answer as it comes. When the reader leaves, drawing raises, and the stream is closed."""
    try:
        with closing(client.query(found.body)) as events:
            space.html(markup.html(question.coming(found, words)))
            for kind, data in events:
                if kind == "passage":
                    found.passages.append(data)
                elif kind == "token":
                    found.text += str(data.get("text", ""))
                elif kind == "done":
                    found.reply = data
                space.html(markup.html(question.coming(found, words)))
    except ApiError as error:
        found.failure = error


def shelf(client: Client, words: Words) -> None:
    """Adding documents, those on their way, and the list."""
    state = st.session_state
    state.setdefault("transfers", {})
    state.setdefault("turn", 0)
    try:
        documents = client.documents()
    except ApiError as error:
        problems.show(error, {}, client.base_url, words, "problem.documents")
        st.button(words("problem.retry"), key="retry")
        return
    there = by_name(documents)
    _settle(there)
    files = upload.form(there, state["turn"], words)
    if files:
        with st.spinner(words("add.busy")):
            _send(client, files, there)
        state["turn"] += 1
        st.rerun()
    _watch(client, there, words)
    name = library.show(documents, state["transfers"], client.document_link, words)
    if name is not None:
        _remove(client, name, there)
        st.rerun()


def _watch(client: Client, documents: Documents, words: Words) -> None:
    """Files on their way. While some are, this part alone runs again and again; a change draws the whole place anew."""
    transfers: Mapping[str, Transfer] = st.session_state["transfers"]
    waiting = any(transfer.state == "waiting" for transfer in transfers.values())

    @st.fragment(run_every=LOOK_EVERY if waiting else None)
    def look() -> None:
        if any(transfer.open for transfer in transfers.values()) and _look(client):
            st.rerun()
        upload.progress([transfer for transfer in transfers.values() if not transfer.removal], documents, words)
        if any(transfer.state == "late" for transfer in transfers.values()):
            st.button(words("add.check"), key="check")

    look()


def _look(client: Client) -> bool:
    """Whether anything has changed. A list that cannot be had just now is asked for again the next time."""
    try:
        return _settle(by_name(client.documents()))
    except ApiError:
        return False


def _settle(documents: Documents) -> bool:
    """Note what became of the files on their way; whether anything did."""
    transfers: dict[str, Transfer] = st.session_state["transfers"]
    found = {name: settled(transfer, documents, time.monotonic()) for name, transfer in transfers.items()}
    changed = any(found[name].state != transfer.state for name, transfer in transfers.items())
    transfers.update(found)
    return changed


def _send(client: Client, files: Sequence[UploadedFile], documents: Documents) -> None:
    """Send the files one after another; a refusal of one does not stop the others. What was sent before and came to
    its end is told no more."""
    transfers: dict[str, Transfer] = st.session_state["transfers"]
    for name in [name for name, transfer in transfers.items() if not transfer.open]:
        del transfers[name]
    for file in files:
        sent = Transfer(file.name, False, known(file.name, documents), time.monotonic())
        try:
            name = client.upload(file.name, file)
            sent = replace(sent, name=name, before=known(name, documents), since=time.monotonic())
        except ApiError as error:
            sent = replace(sent, state="refused", error=error)
        transfers[sent.name] = sent


def _remove(client: Client, name: str, documents: Documents) -> None:
    removal = Transfer(name, True, known(name, documents), time.monotonic())
    try:
        client.remove(name)
    except ApiError as error:
        removal = replace(removal, state="refused", error=error)
    transfers: dict[str, Any] = st.session_state["transfers"]
    transfers[name] = removal
