"""The documents screen: ask the documents on the left; add, list and remove them on the right."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.client import ApiError, Client
from frontend.messages import Messages
from frontend.uploads import DocumentChange, Documents, by_name, revision_of, updated
from frontend.views import document_list, markup, problems, question, upload

POLL_EVERY = 1.0  # seconds between requests of the list while a document is being read or removed


def keep_state() -> None:
    """Keep the question while the reader is at the other screen: Streamlit forgets a widget that is not drawn."""
    if "query" in st.session_state:
        st.session_state["query"] = st.session_state["query"]


def show(client: Client, messages: Messages) -> None:
    """Draw the screen. The answer is drawn last, so that nothing else waits for its stream."""
    with st.container(key="documents"):
        left, right = st.columns([7, 4], gap="large")
    with left:
        question.form(_ask, messages)
        answer_space = st.empty()
    with right:
        show_documents(client, messages)
    show_answer(client, answer_space, messages)


def _ask(query: str) -> None:
    st.session_state["query_sent"], st.session_state["answer"] = query, None


def show_answer(client: Client, space: DeltaGenerator, messages: Messages) -> None:
    """Draw the answer to the last question; after a change of language it is asked again."""
    state = st.session_state
    if state.get("query_sent") is None:
        with space.container():
            markup.note([messages("ask.start"), messages("ask.start_more")], "plain")
        return
    body = {"query": state["query_sent"], "language": messages.language}
    answer: question.StreamedAnswer | None = state["answer"]
    if answer is None or answer.body != body or not answer.ended:
        answer = state["answer"] = question.StreamedAnswer(body)
        _receive(client, answer, space, messages)
    with space.container():
        question.show(answer, client.document_link, client.base_url, messages)
        if answer.failure is not None and answer.failure.status != 400:
            st.button(messages("ask.again"), key="ask_again", on_click=_ask, args=(state["query_sent"],))


def _receive(client: Client, answer: question.StreamedAnswer, space: DeltaGenerator, messages: Messages) -> None:
    """Receive an answer and draw it as it arrives. When the reader leaves, drawing raises, which closes the stream."""
    try:
        with closing(client.query(answer.body)) as events:
            space.html(markup.html(question.incoming(answer, messages)))
            for kind, content in events:
                if kind == "passage":
                    answer.passages.append(content)
                elif kind == "token":
                    answer.text += str(content.get("text", ""))
                elif kind == "done":
                    answer.reply = content
                space.html(markup.html(question.incoming(answer, messages)))
    except ApiError as error:
        answer.failure = error


def show_documents(client: Client, messages: Messages) -> None:
    """Draw the form to add documents, the changes under way, and the list."""
    state = st.session_state
    state.setdefault("changes", {})
    state.setdefault("upload_round", 0)
    try:
        listing = client.documents()
    except ApiError as error:
        problems.show(error, {}, client.base_url, messages, "problem.documents")
        st.button(messages("problem.retry"), key="retry")
        return
    documents = by_name(listing)
    _update_changes(documents)
    files = upload.form(documents, state["upload_round"], messages)
    if files:
        with st.spinner(messages("add.busy")):
            _upload(client, files, documents)
        state["upload_round"] += 1
        st.rerun()
    _show_uploads(client, documents, messages)
    name = document_list.show(listing, state["changes"], client.document_link, messages)
    if name is not None:
        _remove(client, name, documents)
        st.rerun()


def _show_uploads(client: Client, documents: Documents, messages: Messages) -> None:
    """Draw the uploads. While any change is waiting, only this part is run again every POLL_EVERY seconds.

    When the state of a change is another one, the complete screen is drawn again.
    """
    changes: Mapping[str, DocumentChange] = st.session_state["changes"]
    waiting = any(change.state == "waiting" for change in changes.values())

    @st.fragment(run_every=POLL_EVERY if waiting else None)
    def poll() -> None:
        if any(change.pending for change in changes.values()) and _poll(client):
            st.rerun()
        upload.progress([change for change in changes.values() if not change.is_removal], documents, messages)
        if any(change.state == "late" for change in changes.values()):
            st.button(messages("add.check"), key="check")

    poll()


def _poll(client: Client) -> bool:
    """Request the list and return whether the state of any change is another one; False if the request fails."""
    try:
        return _update_changes(by_name(client.documents()))
    except ApiError:
        return False


def _update_changes(documents: Documents) -> bool:
    """Update the states of all changes and return whether any of them is another one."""
    changes: dict[str, DocumentChange] = st.session_state["changes"]
    changes_now = {name: updated(change, documents, time.monotonic()) for name, change in changes.items()}
    any_changed = any(changes_now[name].state != change.state for name, change in changes.items())
    changes.update(changes_now)
    return any_changed


def _upload(client: Client, files: Sequence[UploadedFile], documents: Documents) -> None:
    """Upload the files one after another, also after one was refused; forget earlier changes that have ended."""
    changes: dict[str, DocumentChange] = st.session_state["changes"]
    for name in [name for name, change in changes.items() if not change.pending]:
        del changes[name]
    for file in files:
        change = DocumentChange(file.name, False, revision_of(file.name, documents), time.monotonic())
        try:
            name = client.upload(file.name, file)
            change = replace(change, name=name, before=revision_of(name, documents), started=time.monotonic())
        except ApiError as error:
            change = replace(change, state="refused", error=error)
        changes[change.name] = change


def _remove(client: Client, name: str, documents: Documents) -> None:
    removal = DocumentChange(name, True, revision_of(name, documents), time.monotonic())
    try:
        client.remove(name)
    except ApiError as error:
        removal = replace(removal, state="refused", error=error)
    changes: dict[str, DocumentChange] = st.session_state["changes"]
    changes[name] = removal
