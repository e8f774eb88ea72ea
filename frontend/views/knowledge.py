"""An answer of the documents: its text, recommended actions, every source with its page, and what did not work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from frontend.messages import Words
from frontend.views import markup
from frontend.views.markup import text

Link = Callable[[str, int], str]
EXTRACTIVE = "extractive"


def show(found: Mapping[str, Any], link: Link, words: Words, title: str = "knowledge.title") -> None:
    """A knowledge reply. link: document and page → where a browser opens it; title: key of its heading."""
    if not found["grounded"]:
        markup.heading(words(title))
        markup.note(found["answer"].splitlines(), "plain")
        _degraded(found, words)
        return
    how = words("knowledge.extractive") if found["generator"] == EXTRACTIVE \
        else words("knowledge.generated", name=found["generator"])
    markup.heading(words(title), how)
    markup.draw(answer_text(found["answer"]), "sw-answer")
    _degraded(found, words)
    if found["recommendations"]:
        _recommendations(found, link, words)
    if found["sources"]:
        _sources(found, link, words)


def answer_text(answer: str) -> str:
    """An answer as paragraphs. Documents and models wrote it, so it is text and nothing else."""
    return "".join(f"<p>{text(line)}</p>" for line in answer.splitlines())


def places(passages: Iterable[Mapping[str, Any]], link: Link, words: Words) -> str:
    """The pages that passages stand on, each once, in their order, with links."""
    found = dict.fromkeys((one["document"], one["title"], one["page"]) for one in passages)
    return " · ".join(_place(document, title, page, link, words) for document, title, page in found)


def _degraded(found: Mapping[str, Any], words: Words) -> None:
    """What did not work. Where the wording failed after some of it, the answer is not extractive: it ends early."""
    failed = {item["step"] for item in found.get("degraded", ())}
    early = "knowledge.degraded.early" if found["generator"] != EXTRACTIVE else "knowledge.degraded.generation"
    lines = [words(key) for step, key in (("embedding", "knowledge.degraded.embedding"), ("generation", early))
             if step in failed]
    if lines:
        markup.note(lines)


def _recommendations(found: Mapping[str, Any], link: Link, words: Words) -> None:
    pairs = zip(found["recommendations"], found["recommendation_sources"], strict=True)
    items = "".join(f'<li><span>{text(action)}</span><span class="from">'
                    f"{_cited(found['sources'][index], index, link, words)}</span></li>" for action, index in pairs)
    markup.draw(f'<div class="sw-subheading">{text(words("knowledge.recommendations"))}</div>'
                f'<ul class="sw-list">{items}</ul>')


def _sources(found: Mapping[str, Any], link: Link, words: Words) -> None:
    """Every source; its quote too, unless it already stands above, word for word."""
    above = "\n".join([found["answer"], *found["recommendations"]])
    items = ""
    for index, source in enumerate(found["sources"]):
        quote = "" if source["quote"] in above else f"<blockquote>“{text(source['quote'])}”</blockquote>"
        items += f"<li><div>{_cited(source, index, link, words)}{quote}</div></li>"
    markup.draw(f'<div class="sw-subheading">{text(words("knowledge.sources"))}</div><ul class="sw-list">{items}</ul>')


def _cited(source: Mapping[str, Any], index: int, link: Link, words: Words) -> str:
    """`[1] 다이캐스팅 공정 매뉴얼 7쪽`, with a link to that page."""
    return f"[{index + 1}] {_place(source['document'], source['title'], source['page'], link, words)}"


def _place(document: str, title: str, page: int, link: Link, words: Words) -> str:
    place = words("knowledge.page", title=title, page=page)
    return markup.link(link(document, page), place)
