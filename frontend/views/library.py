"""The list of documents: what each is, whether it is searched, and its removal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from frontend.messages import Words
from frontend.uploads import Transfer
from frontend.views import knowledge, markup, problems, reading
from frontend.views.markup import text

SHIPPED = "comes with"  # in the detail of the API's refusal to remove what was there from the start


def show(documents: Sequence[Mapping[str, Any]], transfers: Mapping[str, Transfer], link: knowledge.Link,
         words: Words) -> str | None:
    """Draw the list; the name of the document to remove, right after the reader confirmed it."""
    markup.heading(words("documents.title", count=len(documents)))
    if not documents:
        markup.note([words("documents.none")], "plain")
    with st.container(gap=None):
        confirmed = [document["name"] for number, document in enumerate(documents)
                     if _row(number, document, transfers.get(document["name"]), link, words)]
    if confirmed:
        _choose(None)
    return confirmed[0] if confirmed else None


def _row(number: int, document: Mapping[str, Any], transfer: Transfer | None, link: knowledge.Link,
         words: Words) -> bool:
    """One document; whether it is to be removed."""
    name = document["name"]
    removal = transfer if transfer and transfer.removal else None
    leaving = removal is not None and removal.open
    with st.container(key=f"document-{number}", gap="small"):
        with st.container(horizontal=True, wrap=False):
            markup.draw(_described(document, leaving, link, words), "sw-document")
            if not leaving:
                st.button(words("remove.remove"), key=f"remove:{name}", type="tertiary", on_click=_choose, args=(name,))
        if removal and removal.error:
            markup.note([_refusal(removal, words)])
        return st.session_state.get("removing") == name and _confirmed(words)


def _described(document: Mapping[str, Any], leaving: bool, link: knowledge.Link, words: Words) -> str:
    name, failure = document["name"], document["failure"]
    state = "removing" if leaving else "searched" if not failure else "older" if document["version"] else "failed"
    title = markup.link(link(name, 1), document["title"])
    facts = [name] if document["title"] != name else []
    if document["pages"]:
        facts.append(words("documents.page" if document["pages"] == 1 else "documents.pages", count=document["pages"]))
    said = reading.failure(failure, name, words) if failure else ""
    return (f'<div class="name">{title}{reading.chip(state, words(f"documents.{state}"))}</div>'
            f'<div class="quiet">{text(" · ".join(facts))}</div>'
            f"{said}{reading.notes(document['notes'], name, words)}")


def _confirmed(words: Words) -> bool:
    """Ask once more, below the document."""
    markup.note([words("remove.sure")], "alarm")
    with st.container(horizontal=True):
        sure = st.button(words("remove.remove"), key="sure", type="primary")
        st.button(words("remove.cancel"), key="unsure", on_click=_choose, args=(None,))
    return sure


def _choose(name: str | None) -> None:
    st.session_state["removing"] = name


def _refusal(removal: Transfer, words: Words) -> str:
    error = removal.error
    assert error is not None
    if error.status == 404 and SHIPPED in str(error):
        return words("remove.shipped")
    return problems.advice(error, words, "problem.remove")
