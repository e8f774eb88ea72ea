"""Draw an answer from the documents: its text, recommended actions, sources with their pages, and failed steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from frontend.messages import Messages
from frontend.messages.codes import DEGRADED_STEPS
from frontend.views import markup
from frontend.views.markup import text

Link = Callable[[str, int], str]  # returns the address at which a browser opens a document at a page
EXTRACTIVE = "extractive"


def show(reply: Mapping[str, Any], link: Link, messages: Messages, title: str = "knowledge.title") -> None:
    """Draw a knowledge reply. `title` is the key of its heading."""
    if not reply["grounded"]:
        markup.heading(messages(title))
        markup.note(reply["answer"].splitlines(), "plain")
        _degraded(reply, messages)
        return
    origin = messages("knowledge.extractive") if reply["generator"] == EXTRACTIVE \
        else messages("knowledge.generated", name=reply["generator"])
    markup.heading(messages(title), origin)
    markup.draw(answer_text(reply["answer"]), "sw-answer")
    _degraded(reply, messages)
    if reply["recommendations"]:
        _recommendations(reply, link, messages)
    if reply["sources"]:
        _sources(reply, link, messages)


def answer_text(answer: str) -> str:
    """Return an answer as paragraphs, escaped, because documents and models wrote it."""
    return "".join(f"<p>{text(line)}</p>" for line in answer.splitlines())


def page_links(passages: Iterable[Mapping[str, Any]], link: Link, messages: Messages) -> str:
    """Return links to the pages of some passages, each page once, in their order."""
    pages = dict.fromkeys((passage["document"], passage["title"], passage["page"]) for passage in passages)
    return " · ".join(_page_link(document, title, page, link, messages) for document, title, page in pages)


def _degraded(reply: Mapping[str, Any], messages: Messages) -> None:
    """Draw which steps failed."""
    lines = [_failure(entry, reply, messages) for entry in reply.get("degraded", ())]
    if lines:
        markup.note(lines)


def _failure(entry: Mapping[str, Any], reply: Mapping[str, Any], messages: Messages) -> str:
    # If the generator failed after its first claims, the answer has these and ends early.
    if entry["step"] == "generation" and reply["generator"] != EXTRACTIVE:
        return messages("knowledge.degraded.early")
    failure = messages.of_code(DEGRADED_STEPS, entry.get("code"), entry.get("params"))
    return failure or messages("server.message", text=entry["error"])


def _recommendations(reply: Mapping[str, Any], link: Link, messages: Messages) -> None:
    pairs = zip(reply["recommendations"], reply["recommendation_sources"], strict=True)
    items = "".join(f'<li><span>{text(action)}</span><span class="from">'
                    f"{_cited(reply['sources'][index], index, link, messages)}</span></li>" for action, index in pairs)
    markup.draw(f'<div class="sw-subheading">{text(messages("knowledge.recommendations"))}</div>'
                f'<ul class="sw-list">{items}</ul>')


def _sources(reply: Mapping[str, Any], link: Link, messages: Messages) -> None:
    """Draw all sources, with their quotes unless the answer or the recommendations already contain them."""
    above = "\n".join([reply["answer"], *reply["recommendations"]])
    items = ""
    for index, source in enumerate(reply["sources"]):
        quote = "" if source["quote"] in above else f"<blockquote>“{text(source['quote'])}”</blockquote>"
        items += f"<li><div>{_cited(source, index, link, messages)}{quote}</div></li>"
    markup.draw(f'<div class="sw-subheading">{text(messages("knowledge.sources"))}</div>'
                f'<ul class="sw-list">{items}</ul>')


def _cited(source: Mapping[str, Any], index: int, link: Link, messages: Messages) -> str:
    """Return a citation such as `[1] 다이캐스팅 공정 매뉴얼 7쪽`, with a link to that page."""
    return f"[{index + 1}] {_page_link(source['document'], source['title'], source['page'], link, messages)}"


def _page_link(document: str, title: str, page: int, link: Link, messages: Messages) -> str:
    return markup.link(link(document, page), messages("knowledge.page", title=title, page=page))
