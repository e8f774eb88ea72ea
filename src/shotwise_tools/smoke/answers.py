"""What the smoke test wants of an answer, of the way it came, and of a diagnosis. Each check says what it saw."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from frontend.client import Client
from shotwise_tools.smoke.document import PAGE, Probe

STEPS = ("importance", "knowledge")


@dataclass(frozen=True)
class Heard:
    """A streamed answer. reply: of its `done` event; text: of all `token` events; first_s, whole_s: seconds until the
    first word and until the end; events: how many came before the end; headers: of the response."""

    reply: Mapping[str, Any]
    text: str
    first_s: float | None
    whole_s: float
    events: int
    headers: Mapping[str, str]


def hear(client: Client, body: Mapping[str, Any]) -> Heard:
    """Ask, and take the answer as it comes. Raises ApiError."""
    begun: list[requests.Response] = []
    started, first, text, count, reply = time.monotonic(), None, "", 0, {}
    for kind, data in client.query(body, begun.append):
        if kind == "done":
            reply = data
            break
        count += 1
        if kind == "token":
            first = first if first is not None else time.monotonic() - started
            text += str(data.get("text", ""))
    return Heard(reply, text, first, time.monotonic() - started, count, begun[0].headers if begun else {})


def answer_flaw(reply: Mapping[str, Any], probe: Probe) -> str | None:
    """What is wrong with the answer to the probe's question; None when nothing is."""
    if not reply["grounded"]:
        return f"the answer is not grounded: {reply['answer'][:200]!r}"
    cited = [source for source in reply["sources"] if probe.cited_by(source)]
    if PAGE not in [source["page"] for source in cited]:
        places = [(source["document"], source["page"]) for source in reply["sources"]]
        return f"the answer cites {places}, not {probe.name} page {PAGE}"
    if not any(word in source["quote"] for source in cited for word in probe.words):
        return f"the quote is not the document's sentence: {cited[0]['quote'][:200]!r}"
    if reply["degraded"]:
        return f"the answer is degraded: {reply['degraded']}"
    return None


def stream_flaw(heard: Heard) -> str | None:
    """What shows that an answer was not streamed; None when nothing does.

    Times prove nothing where an answer is worded at once. A length does: who sends it held the answer back until it
    was whole, as a gateway or a function that does not stream.
    """
    if heard.first_s is None:
        return "no token came before the end of the answer"
    if heard.events < 2:
        return f"only {heard.events} event came before the end of the answer"
    if heard.text != heard.reply["answer"]:
        return f"the tokens are not the answer: {heard.text[:200]!r}"
    if "Content-Length" in heard.headers:
        return f"the answer was not streamed: it came as a whole of {heard.headers['Content-Length']} bytes"
    return None


def diagnosis_flaw(found: Mapping[str, Any]) -> str | None:
    """What is wrong with a diagnosis that was asked for with all its steps; None when nothing is."""
    if found["degraded"]:
        return f"the diagnosis is degraded: {found['degraded']}"
    if lacking := [step for step in STEPS if not found[step]]:
        return f"the diagnosis lacks {', '.join(lacking)}"
    if not found["importance"]["visualization_url"]:
        return "the diagnosis has no chart"
    return None
