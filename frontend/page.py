"""The page: a head, and under it one of two places, the diagnosis of a shot or the documents.

Streamlit runs this file from top to bottom at every click. A place (places/) holds the order of its parts and the
calls to the API; the parts are drawn in views/.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from frontend.messages import LANGUAGES, Words
from frontend.screens import diagnosis, documents
from frontend.settings import client_of
from frontend.views import markup

STYLE = Path(__file__).parent / "style.css"
PLACES = {"diagnosis": diagnosis, "documents": documents}
FIRST = next(iter(PLACES))


def main() -> None:
    """The page from top to bottom."""
    st.set_page_config(page_title="Shotwise", layout="wide")
    st.html(STYLE)
    words, place = head()
    for module in PLACES.values():
        module.keep()
    PLACES[place].show(client_of(os.environ), words)


def head() -> tuple[Words, str]:
    """Name, choice of the place, and language switch; both choices stay in the address, so a reload keeps them."""
    state = st.session_state
    _begin("language", "lang", LANGUAGES)
    _begin("place", "page", tuple(PLACES))
    words = Words(state["language"])
    name, choice, switch = st.columns([5, 5, 2], vertical_alignment="center")
    with name:
        markup.draw(f"<b>Shotwise</b><span>{markup.text(words('page.subtitle'))}</span>", "sw-brand")
    with choice:
        st.segmented_control(words("page.place"), tuple(PLACES), required=True, key="place", on_change=_to_address,
                             format_func=lambda place: words(f"place.{place}"), label_visibility="collapsed")
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        # Codes, not names: they read the same on a page of either language.
        st.segmented_control(words("page.language"), LANGUAGES, required=True, format_func=str.upper,
                             key="language", label_visibility="collapsed", on_change=_to_address)
    return words, state["place"]


def _begin(key: str, parameter: str, allowed: tuple[str, ...]) -> None:
    """A choice as the address has it, at the start; the first one where it says nothing that is known."""
    wanted = st.query_params.get(parameter)
    st.session_state.setdefault(key, wanted if wanted in allowed else allowed[0])


def _to_address() -> None:
    """Put the choices into the address; the first place needs no mention."""
    state = st.session_state
    st.query_params["lang"] = state["language"]
    if state["place"] != FIRST:
        st.query_params["page"] = state["place"]
    else:
        st.query_params.pop("page", None)


main()
