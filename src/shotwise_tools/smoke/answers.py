"""Check an answer, its streaming and a diagnosis. Each check returns what is wrong, or None."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from frontend.client import Client
from shotwise_tools.smoke.document import FACT_PAGE, ProbeDocument

STEPS = ("importance", "knowledge")


@dataclass(frozen=True)
class StreamedAnswer:
    """A streamed answer.

    Attributes
    ----------
    reply : mapping
        Content of the `done` event.
    text : str
        Text of all `token` events.
    first_s : float or None
        Seconds until the first `token` event; None if there was none.
    total_s : float
        Seconds until the end.
    events : int
        Number of events before the end.
    headers : mapping
        Headers of the response.
    """

    reply: Mapping[str, Any]
    text: str
    first_s: float | None
    total_s: float
    events: int
    headers: Mapping[str, str]


def ask(client: Client, body: Mapping[str, Any]) -> StreamedAnswer:
    """Ask a question, and read the answer as it is streamed. Raises ApiError."""
    responses: list[requests.Response] = []
    started = time.monotonic()
    first_s, text, count, reply = None, "", 0, {}
    for kind, content in client.query(body, responses.append):
        if kind == "done":
            reply = content
            break
        count += 1
        if kind == "token":
            first_s = first_s if first_s is not None else time.monotonic() - started
            text += str(content.get("text", ""))
    headers = responses[0].headers if responses else {}
    return StreamedAnswer(reply, text, first_s, time.monotonic() - started, count, headers)


def answer_flaw(reply: Mapping[str, Any], document: ProbeDocument) -> str | None:
    """Return what is wrong with the answer to the document's question; None if nothing is."""
    if not reply["grounded"]:
        return f"the answer is not grounded: {reply['answer'][:200]!r}"
    sources = [source for source in reply["sources"] if document.is_cited_by(source)]
    if FACT_PAGE not in [source["page"] for source in sources]:
        cited = [(source["document"], source["page"]) for source in reply["sources"]]
        return f"the answer cites {cited}, not {document.name} page {FACT_PAGE}"
    if not any(word in source["quote"] for source in sources for word in document.words):
        return f"the quote is not the document's sentence: {sources[0]['quote'][:200]!r}"
    if reply["degraded"]:
        return f"the answer is degraded: {reply['degraded']}"
    return None


def stream_flaw(answer: StreamedAnswer) -> str | None:
    """Return why an answer cannot have been streamed; None if it can.

    Times prove nothing, because a whole answer may be ready at once. A Content-Length does: whoever sends it, such as a
    gateway or a function that does not stream, held the answer back until it was complete.
    """
    if answer.first_s is None:
        return "no token came before the end of the answer"
    if answer.events < 2:
        return f"only {answer.events} event came before the end of the answer"
    if answer.text != answer.reply["answer"]:
        return f"the tokens are not the answer: {answer.text[:200]!r}"
    if "Content-Length" in answer.headers:
        return f"the answer was not streamed: it came as a whole of {answer.headers['Content-Length']} bytes"
    return None


def diagnosis_flaw(diagnosis: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a diagnosis that was requested with all its steps; None if nothing is."""
    if diagnosis["degraded"]:
        return f"the diagnosis is degraded: {diagnosis['degraded']}"
    if lacking := [step for step in STEPS if not diagnosis[step]]:
        return f"the diagnosis lacks {', '.join(lacking)}"
    if not diagnosis["importance"]["visualization_url"]:
        return "the diagnosis has no chart"
    return None
