"""What became of a document when it was read: its state, and what the reader of documents had to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from frontend import reasons
from frontend.messages import Words
from frontend.views.markup import text

MAX_NOTES = 3
TONES = {"searched": "accept", "failed": "reject", "refused": "reject", "older": "inspect", "late": "inspect"}


def chip(state: str, label: str) -> str:
    """A state as a small coloured word; what is going on has a mark that moves."""
    return f'<span class="sw-advice sw-chip {TONES.get(state, "inspect busy")}">{text(label)}</span>'


def failure(message: str, name: str, words: Words) -> str:
    """Why a document could not be read."""
    return _told(message, name, reasons.failure, words)


def notes(messages: Sequence[str], name: str, words: Words) -> str:
    """What was not read as it should have been, the first of it."""
    lines = "".join(_told(message, name, reasons.note, words) for message in messages[:MAX_NOTES])
    more = len(messages) - MAX_NOTES
    return lines + (f'<div class="quiet">{text(words("documents.more_notes", count=more))}</div>' if more > 0 else "")


def _told(message: str, name: str, known: Callable[[str, str, Words], str | None], words: Words) -> str:
    """The page's own words for a message; one that the page does not know is set apart, as it is."""
    said = known(message, name, words)
    if said:
        return f'<div class="quiet">{text(said)}</div>'
    return (f'<div class="quiet">{text(words("documents.own_message"))}</div>'
            f'<code class="sw-own" translate="no">{text(reasons.own(message, name))}</code>')
