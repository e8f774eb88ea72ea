"""Draw the form to upload documents, and the states of uploaded files."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.messages import Messages
from frontend.uploads import DocumentChange, Documents
from frontend.views import markup, problems, reading
from frontend.views.markup import text

MAX_MB = 200


def form(names: Collection[str], upload_round: int, messages: Messages) -> Sequence[UploadedFile]:
    """Draw the box for files and return the files to upload, none until the button is pressed.

    `names` are the names of the existing documents; another `upload_round` empties the box.
    """
    markup.heading(messages("add.title"), messages("add.note"), first=True)
    _translate_box(messages)
    files = st.file_uploader(messages("add.files"), type="pdf", accept_multiple_files=True,
                             key=f"files:{upload_round}", label_visibility="collapsed", max_upload_size=MAX_MB)
    replaced = [name for file in files if (name := unicodedata.normalize("NFC", file.name)) in names]
    if replaced:
        markup.note([messages("add.replaces", names=", ".join(replaced))])
    pressed = st.button(messages("add.add"), key="add", disabled=not files, width="stretch")
    return files if pressed else ()


def _translate_box(messages: Messages) -> None:
    """Define the texts of the box. Streamlit's own are always English, so style.css hides them and shows these."""
    texts = {"limit": messages("add.limit", limit=MAX_MB), "browse": messages("add.browse"),
             "unfit": messages("add.unfit")}
    variables = "".join(f"--text-{name}: {json.dumps(label, ensure_ascii=False)};" for name, label in texts.items())
    st.html(f"<style>:root {{ {variables} }}</style>")


def progress(changes: Iterable[DocumentChange], documents: Documents, messages: Messages) -> None:
    """Draw every uploaded file with its state."""
    items = "".join(_list_entry(change, documents, messages) for change in changes)
    if items:
        markup.draw(f'<ul class="sw-list sw-uploads">{items}</ul>')


def _list_entry(change: DocumentChange, documents: Documents, messages: Messages) -> str:
    key = "reading" if change.state == "waiting" else change.state
    return (f"<li><div><b>{text(change.name)}</b>{_explanation(change, documents, messages)}</div>"
            f"{reading.chip(change.state, messages(f'add.{key}'))}</li>")


def _explanation(change: DocumentChange, documents: Documents, messages: Messages) -> str:
    if change.error is not None:
        return f'<div class="quiet">{text(problems.advice(change.error, messages, "problem.upload"))}</div>'
    if change.state == "late":
        return f'<div class="quiet">{text(messages("add.late_note"))}</div>'
    document = documents.get(change.name)
    return reading.failure(document, messages) if change.state == "failed" and document else ""
