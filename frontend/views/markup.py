"""Build small pieces of HTML. Everything from the API or the reader is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st


def text(content: object) -> str:
    """Escape anything as HTML text."""
    return escape(str(content))


def link(address: str, label: str) -> str:
    """Return a link that opens in a new tab."""
    return f'<a href="{text(address)}" target="_blank" rel="noopener">{text(label)}</a>'


def html(content: str, css_class: str = "") -> str:
    """Put HTML under the page's own style."""
    return f'<div class="sw {css_class}">{content}</div>'


def draw(content: str, css_class: str = "") -> None:
    """Draw HTML on the page, under the page's own style."""
    st.html(html(content, css_class))


def heading(title: str, note: str = "", *, first: bool = False) -> None:
    """Draw the heading of a part, with a note below it, unlike st.header without an anchor, whose text is English."""
    under = f'<div class="quiet">{text(note)}</div>' if note else ""
    draw(f'<div class="sw-heading{" first" if first else ""}" role="heading" aria-level="2">{text(title)}</div>{under}')


def note(paragraphs: Iterable[str], tone: str = "") -> None:
    """Draw a box with plain paragraphs. `tone` is `alarm`, `plain` or nothing."""
    draw(f'<div class="sw-note {tone}">{"".join(f"<p>{text(paragraph)}</p>" for paragraph in paragraphs)}</div>')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], css_class: str = "") -> str:
    """Return a table whose first column has text, and its others numbers, or marks with the class `marks`.

    The cells of `rows` are HTML, those of `head` are text.
    """
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(f'<{tag} class="{"right number" if column else ""}">{cell}</{tag}>'
                       for column, cell in enumerate(cells))

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (f'<table class="sw-table {css_class}"><thead><tr>{line([text(cell) for cell in head], "th")}</tr></thead>'
            f"<tbody>{body}</tbody></table>")
