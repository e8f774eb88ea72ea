"""A question to the documents: the form, the answer while it comes, and what is left where it broke off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from frontend.client import ApiError
from frontend.messages import Words
from frontend.views import knowledge, markup, problems
from frontend.views.markup import text

MAX_QUESTION = 2000  # characters that the API takes
EXAMPLES = 3


@dataclass
class Asking:
    """A question on its way. body: what was sent; text and passages: what has come; reply: the whole, at the end."""

    body: Mapping[str, Any]
    text: str = ""
    passages: list[Mapping[str, Any]] = field(default_factory=list)
    reply: Mapping[str, Any] | None = None
    failure: ApiError | None = None

    @property
    def over(self) -> bool:
        """Whether it came to an end, good or bad; it did not where the reader did something else meanwhile."""
        return self.reply is not None or self.failure is not None


def form(ask: Callable[[str], None], words: Words) -> None:
    """The question, and some to try. ask: called with what is asked."""
    markup.heading(words("ask.title"), first=True)
    with st.form("ask", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(words("ask.question"), key="query", placeholder=words("ask.example"), max_chars=MAX_QUESTION,
                      label_visibility="collapsed", autocomplete="off")
        st.form_submit_button(words("ask.ask"), key="ask_press", type="primary",
                              on_click=lambda: ask(st.session_state["query"]))
    markup.draw(f'<div class="quiet">{text(words("ask.examples"))}</div>')
    with st.container(horizontal=True, key="examples"):
        for number in range(EXAMPLES):
            example = words(f"ask.example.{number}")
            st.button(example, key=f"example:{number}", on_click=_try, args=(example, ask))


def _try(example: str, ask: Callable[[str], None]) -> None:
    st.session_state["query"] = example
    ask(example)


def coming(found: Asking, words: Words) -> str:
    """HTML of an answer that is still coming."""
    state = words("ask.wording", count=len(found.passages)) if found.passages else words("ask.busy")
    return (_asked(found, words) + f'<div class="sw-busy quiet">{text(state)}</div>'
            f'<div class="sw-answer">{knowledge.answer_text(found.text)}</div>')


def show(found: Asking, link: knowledge.Link, address: str, words: Words) -> None:
    """An answer that came to its end."""
    markup.draw(_asked(found, words))
    if found.failure is not None:
        _broken(found, found.failure, link, address, words)
    elif found.reply is not None:
        knowledge.show(found.reply, link, words, "ask.answer")
        took = words("ask.took", ms=f"{found.reply['processing_time_ms']:,.0f}")
        markup.draw(f'<div class="quiet">{text(took)}</div>')


def _asked(found: Asking, words: Words) -> str:
    return f'<div class="sw-asked"><small>{text(words("ask.question"))}</small>{text(found.body["query"])}</div>'


def _broken(found: Asking, failure: ApiError, link: knowledge.Link, address: str, words: Words) -> None:
    """What went wrong, with what had come by then."""
    if not found.text and not found.passages:
        problems.show(failure, {}, address, words, "problem.query")
        return
    markup.note([words("ask.broken" if failure.status is None else "ask.failed")], "alarm")
    if found.text:
        markup.heading(words("ask.partial"))
        markup.draw(knowledge.answer_text(found.text), "sw-answer")
    if found.passages:
        places = knowledge.places(found.passages, link, words)
        markup.draw(f'<div class="quiet">{text(words("ask.passages"))}: {places}</div>')
