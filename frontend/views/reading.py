"""How reading a document went: its state as a chip, why it failed, and what was not read as it should have been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.messages import Messages
from frontend.messages.document_codes import DOCUMENT_FAILURES, DOCUMENT_NOTES
from frontend.views.markup import text

MAX_NOTES = 3
TONES = {"searched": "accept", "failed": "reject", "refused": "reject", "older": "inspect", "late": "inspect"}


def chip(state: str, label: str) -> str:
    """Return a state as a small coloured word; a state that will pass has a moving mark."""
    return f'<span class="sw-advice sw-chip {TONES.get(state, "inspect busy")}">{text(label)}</span>'


def failure(document: Mapping[str, Any], messages: Messages) -> str:
    """Return why a document could not be read; nothing where it could be."""
    if not document["failure"]:
        return ""
    return _report(DOCUMENT_FAILURES, document.get("failure_detail"), document["failure"], document["name"], messages)


def notes(document: Mapping[str, Any], messages: Messages) -> str:
    """Return the first notes on a document, and how many more there are."""
    details = document.get("note_details") or [None] * len(document["notes"])
    lines = [_report(DOCUMENT_NOTES, detail, note, document["name"], messages)
             for note, detail in zip(document["notes"], details, strict=False)]
    more = len(lines) - MAX_NOTES
    more_line = f'<div class="quiet">{text(messages("documents.more_notes", count=more))}</div>' if more > 0 else ""
    return "".join(lines[:MAX_NOTES]) + more_line


def _report(texts: Mapping[str, tuple[str, str]], detail: Mapping[str, Any] | None, server_text: str, name: str,
            messages: Messages) -> str:
    """The page's text of a code; where the page does not know it, the server's own text, marked as such."""
    report = messages.of_code(texts, detail.get("code"), detail.get("params")) if detail else None
    if report:
        return f'<div class="quiet">{text(report)}</div>'
    return (f'<div class="quiet">{text(messages("documents.server_message"))}</div>'
            f'<code class="sw-own" translate="no">{text(server_text.removeprefix(f"{name}: "))}</code>')
