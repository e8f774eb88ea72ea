"""Adding documents: the files to send, and what becomes of those that were sent."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.messages import Words
from frontend.uploads import Documents, Transfer, known
from frontend.views import markup, problems, reading
from frontend.views.markup import text

MAX_MB = 200


def form(names: Collection[str], turn: int, words: Words) -> Sequence[UploadedFile]:
    """The files to send now, none before the button is pressed. names: of the documents that there are; turn: another
    one empties the box."""
    markup.heading(words("add.title"), words("add.note"), first=True)
    _own_words(words)
    files = st.file_uploader(words("add.files"), type="pdf", accept_multiple_files=True, key=f"files:{turn}",
                             label_visibility="collapsed", max_upload_size=MAX_MB)
    replaced = [name for file in files if (name := unicodedata.normalize("NFC", file.name)) in names]
    if replaced:
        markup.note([words("add.replaces", names=", ".join(replaced))])
    pressed = st.button(words("add.add"), key="add", disabled=not files, width="stretch")
    return files if pressed else ()


def _own_words(words: Words) -> None:
    """The box speaks English only; style.css hides its words and shows these."""
    said = {"limit": words("add.limit", limit=MAX_MB), "browse": words("add.browse"), "unfit": words("add.unfit")}
    values = "".join(f"--words-{name}: {json.dumps(value, ensure_ascii=False)};" for name, value in said.items())
    st.html(f"<style>:root {{ {values} }}</style>")


def progress(transfers: Iterable[Transfer], documents: Documents, words: Words) -> None:
    """Every file that was sent, with its state."""
    items = "".join(_item(transfer, documents, words) for transfer in transfers)
    if items:
        markup.draw(f'<ul class="sw-list sw-transfers">{items}</ul>')


def _item(transfer: Transfer, documents: Documents, words: Words) -> str:
    key = "reading" if transfer.state == "waiting" else transfer.state
    return (f"<li><div><b>{text(transfer.name)}</b>{_more(transfer, documents, words)}</div>"
            f"{reading.chip(transfer.state, words(f'add.{key}'))}</li>")


def _more(transfer: Transfer, documents: Documents, words: Words) -> str:
    if transfer.error is not None:
        return f'<div class="quiet">{text(problems.advice(transfer.error, words, "problem.upload"))}</div>'
    if transfer.state == "late":
        return f'<div class="quiet">{text(words("add.late_note"))}</div>'
    _, failure = known(transfer.name, documents)
    return reading.failure(failure, transfer.name, words) if transfer.state == "failed" and failure else ""
