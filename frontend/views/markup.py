"""Small pieces of HTML. Whatever comes from the API or the reader is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st


def text(value: object) -> str:
    """A value as HTML text."""
    return escape(str(value))


def link(address: str, words: str) -> str:
    """A link that opens beside the page."""
    return f'<a href="{text(address)}" target="_blank" rel="noopener">{text(words)}</a>'


def html(content: str, kind: str = "") -> str:
    """HTML under the page's own style."""
    return f'<div class="sw {kind}">{content}</div>'


def draw(content: str, kind: str = "") -> None:
    """Put HTML on the page, under the page's own style."""
    st.html(html(content, kind))


def heading(words: str, note: str = "", *, first: bool = False) -> None:
    """The heading of a part, with a quiet line under it. Not st.header, which adds an anchor with English words."""
    under = f'<div class="quiet">{text(note)}</div>' if note else ""
    draw(f'<div class="sw-heading{" first" if first else ""}" role="heading" aria-level="2">{text(words)}</div>{under}')


def note(paragraphs: Iterable[str], kind: str = "") -> None:
    """A box with plain paragraphs. kind: alarm, plain or nothing."""
    draw(f'<div class="sw-note {kind}">{"".join(f"<p>{text(words)}</p>" for words in paragraphs)}</div>')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; the first column is text, the others are numbers, or with kind "marks" marks. Cells are HTML."""
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(f'<{tag} class="{"right number" if place else ""}">{cell}</{tag}>'
                       for place, cell in enumerate(cells))

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (f'<table class="sw-table {kind}"><thead><tr>{line([text(cell) for cell in head], "th")}</tr></thead>'
            f"<tbody>{body}</tbody></table>")
