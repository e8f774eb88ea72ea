"""The page: a head, and below it one of two screens, the diagnosis of a shot or the documents.

Streamlit runs this file from top to bottom at every click. A module of screens/ calls the API and orders the parts of a
screen; the modules of views/ draw the parts.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from frontend.messages import LANGUAGES, Messages
from frontend.screens import diagnosis, documents
from frontend.settings import client_from_environ
from frontend.views import markup

STYLE = Path(__file__).parent / "style.css"
SCREENS = {"diagnosis": diagnosis, "documents": documents}
FIRST_SCREEN = next(iter(SCREENS))


def main() -> None:
    """Draw the page from top to bottom."""
    st.set_page_config(page_title="Shotwise", layout="wide")
    st.html(STYLE)
    messages, screen = head()
    for module in SCREENS.values():
        module.keep_state()
    SCREENS[screen].show(client_from_environ(os.environ), messages)


def head() -> tuple[Messages, str]:
    """Draw the head and return the chosen language's messages and the chosen screen.

    Both choices are in the page's address, so a reload keeps them.
    """
    state = st.session_state
    _restore_choice("language", "lang", LANGUAGES)
    _restore_choice("screen", "page", tuple(SCREENS))
    messages = Messages(state["language"])
    name_column, screen_column, language_column = st.columns([5, 5, 2], vertical_alignment="center")
    with name_column:
        markup.draw(f"<b>Shotwise</b><span>{markup.text(messages('page.subtitle'))}</span>", "sw-brand")
    with screen_column:
        st.segmented_control(messages("page.screen"), tuple(SCREENS), required=True, key="screen",
                             on_change=_write_address, format_func=lambda screen: messages(f"screen.{screen}"),
                             label_visibility="collapsed")
    with language_column, st.container(horizontal=True, horizontal_alignment="right"):
        # Codes rather than names, because they are the same in both languages.
        st.segmented_control(messages("page.language"), LANGUAGES, required=True, format_func=str.upper,
                             key="language", label_visibility="collapsed", on_change=_write_address)
    return messages, state["screen"]


def _restore_choice(key: str, parameter: str, allowed: tuple[str, ...]) -> None:
    """At the start, take a choice from the page's address; the default is the first of the allowed ones."""
    choice = st.query_params.get(parameter)
    st.session_state.setdefault(key, choice if choice in allowed else allowed[0])


def _write_address() -> None:
    """Put the choices into the page's address, except the first screen, which is the default."""
    state = st.session_state
    st.query_params["lang"] = state["language"]
    if state["screen"] != FIRST_SCREEN:
        st.query_params["page"] = state["screen"]
    else:
        st.query_params.pop("page", None)


main()
