"""Draw the list of documents, each with its state and a button to remove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from frontend.messages import Messages
from frontend.uploads import DocumentChange
from frontend.views import knowledge, markup, problems, reading
from frontend.views.markup import text


def show(documents: Sequence[Mapping[str, Any]], changes: Mapping[str, DocumentChange], link: knowledge.Link,
         messages: Messages) -> str | None:
    """Draw the list; return the name of the document to remove when the reader has just confirmed that, else None."""
    markup.heading(messages("documents.title", count=len(documents)))
    if not documents:
        markup.note([messages("documents.none")], "plain")
    with st.container(gap=None):
        confirmed = [document["name"] for number, document in enumerate(documents)
                     if _row(number, document, changes.get(document["name"]), link, messages)]
    if confirmed:
        _select_for_removal(None)
    return confirmed[0] if confirmed else None


def _row(number: int, document: Mapping[str, Any], change: DocumentChange | None, link: knowledge.Link,
         messages: Messages) -> bool:
    """Draw one document and return whether it is to be removed."""
    name = document["name"]
    removal = change if change and change.is_removal else None
    leaving = removal is not None and removal.pending
    with st.container(key=f"document-{number}", gap="small"):
        with st.container(horizontal=True, wrap=False):
            markup.draw(_description(document, leaving, link, messages), "sw-document")
            if not leaving:
                st.button(messages("remove.remove"), key=f"remove:{name}", type="tertiary",
                          on_click=_select_for_removal, args=(name,))
        if removal and removal.error:
            markup.note([problems.advice(removal.error, messages, "problem.remove")])
        return st.session_state.get("removing") == name and _confirmed(messages)


def _description(document: Mapping[str, Any], leaving: bool, link: knowledge.Link, messages: Messages) -> str:
    name, failure = document["name"], document["failure"]
    state = "removing" if leaving else "searched" if not failure else "older" if document["version"] else "failed"
    title = markup.link(link(name, 1), document["title"])
    details = [name] if document["title"] != name else []
    if document["pages"]:
        details.append(messages("documents.page" if document["pages"] == 1 else "documents.pages",
                                count=document["pages"]))
    return (f'<div class="name">{title}{reading.chip(state, messages(f"documents.{state}"))}</div>'
            f'<div class="quiet">{text(" · ".join(details))}</div>'
            f"{reading.failure(document, messages)}{reading.notes(document, messages)}")


def _confirmed(messages: Messages) -> bool:
    """Ask the reader to confirm the removal, below the document, and return whether they do."""
    markup.note([messages("remove.sure")], "alarm")
    with st.container(horizontal=True):
        confirmed = st.button(messages("remove.remove"), key="confirm_removal", type="primary")
        st.button(messages("remove.cancel"), key="cancel_removal", on_click=_select_for_removal, args=(None,))
    return confirmed


def _select_for_removal(name: str | None) -> None:
    st.session_state["removing"] = name
