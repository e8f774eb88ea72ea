"""What T3 found: the answer, recommended actions, and every source with its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from views import markup
from views.markup import text
from words import Words

Link = Callable[[str, int], str]


def show(found: Mapping[str, Any], link: Link, words: Words) -> None:
    """The knowledge part of a diagnosis. link: document and page → where a browser opens it."""
    if not found["grounded"]:
        markup.heading(words("knowledge.title"))
        markup.note(found["answer"].splitlines(), "plain")
        return
    how = words("knowledge.extractive") if found["generator"] == "extractive" \
        else words("knowledge.generated", name=found["generator"])
    markup.heading(words("knowledge.title"), how)
    markup.draw("".join(f"<p>{text(line)}</p>" for line in found["answer"].splitlines()), "sw-answer")
    if found["recommendations"]:
        _recommendations(found, link, words)
    if found["sources"]:
        _sources(found, link, words)


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
    place = words("knowledge.page", title=source["title"], page=source["page"])
    return (f'[{index + 1}] <a href="{text(link(source["document"], source["page"]))}" target="_blank" '
            f'rel="noopener">{text(place)}</a>')
