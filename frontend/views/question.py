"""Draw a question to the documents: the form, the answer while it arrives, and an answer that broke off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from frontend.client import ApiError
from frontend.messages import Messages
from frontend.views import knowledge, markup, problems
from frontend.views.markup import text

MAX_QUESTION = 2000  # characters; the API accepts no more
EXAMPLES = 3


@dataclass
class StreamedAnswer:
    """The answer to a question, as far as it has arrived.

    Attributes
    ----------
    body : mapping
        The body of POST /query.
    text : str
        The text so far.
    passages : list of mapping
        The passages of the `passage` events so far.
    reply : mapping or None
        The complete answer, once it has arrived.
    failure : ApiError or None
        Why the stream ended without a complete answer.
    """

    body: Mapping[str, Any]
    text: str = ""
    passages: list[Mapping[str, Any]] = field(default_factory=list)
    reply: Mapping[str, Any] | None = None
    failure: ApiError | None = None

    @property
    def ended(self) -> bool:
        """Whether the stream is complete or failed; neither if the reader interrupted it by another action."""
        return self.reply is not None or self.failure is not None


def form(ask: Callable[[str], None], messages: Messages) -> None:
    """Draw the box for a question, and some examples. `ask` is called with the question."""
    markup.heading(messages("ask.title"), first=True)
    with st.form("ask", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(messages("ask.question"), key="query", placeholder=messages("ask.example"),
                      max_chars=MAX_QUESTION, label_visibility="collapsed", autocomplete="off")
        st.form_submit_button(messages("ask.ask"), key="ask_press", type="primary",
                              on_click=lambda: ask(st.session_state["query"]))
    markup.draw(f'<div class="quiet">{text(messages("ask.examples"))}</div>')
    with st.container(horizontal=True, key="examples"):
        for number in range(EXAMPLES):
            example = messages(f"ask.example.{number}")
            st.button(example, key=f"example:{number}", on_click=_ask_example, args=(example, ask))


def _ask_example(example: str, ask: Callable[[str], None]) -> None:
    st.session_state["query"] = example
    ask(example)


def incoming(answer: StreamedAnswer, messages: Messages) -> str:
    """Return the HTML of an answer that is still arriving."""
    state = messages("ask.wording", count=len(answer.passages)) if answer.passages else messages("ask.busy")
    return (_question(answer, messages) + f'<div class="sw-busy quiet">{text(state)}</div>'
            f'<div class="sw-answer">{knowledge.answer_text(answer.text)}</div>')


def show(answer: StreamedAnswer, link: knowledge.Link, address: str, messages: Messages) -> None:
    """Draw an answer that has ended."""
    markup.draw(_question(answer, messages))
    if answer.failure is not None:
        _show_broken(answer, answer.failure, link, address, messages)
    elif answer.reply is not None:
        knowledge.show(answer.reply, link, messages, "ask.answer")
        took = messages("ask.took", ms=f"{answer.reply['processing_time_ms']:,.0f}")
        markup.draw(f'<div class="quiet">{text(took)}</div>')


def _question(answer: StreamedAnswer, messages: Messages) -> str:
    return f'<div class="sw-asked"><small>{text(messages("ask.question"))}</small>{text(answer.body["query"])}</div>'


def _show_broken(answer: StreamedAnswer, failure: ApiError, link: knowledge.Link, address: str,
                 messages: Messages) -> None:
    """Draw what went wrong, and the part of the answer that had arrived."""
    if not answer.text and not answer.passages:
        problems.show(failure, {}, address, messages, "problem.query")
        return
    markup.note([messages("ask.broken" if failure.status is None else "ask.failed")], "alarm")
    if answer.text:
        markup.heading(messages("ask.partial"))
        markup.draw(knowledge.answer_text(answer.text), "sw-answer")
    if answer.passages:
        pages = knowledge.page_links(answer.passages, link, messages)
        markup.draw(f'<div class="quiet">{text(messages("ask.passages"))}: {pages}</div>')
