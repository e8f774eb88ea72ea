"""Return the HTML of a document's state: a chip, why the file could not be read, and notes on what is incomplete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontend.messages import Messages
from frontend.messages.document_codes import DOCUMENT_FAILURES, DOCUMENT_NOTES
from frontend.views.markup import text

MAX_NOTES = 3
TONES = {"searched": "accept", "failed": "reject", "refused": "reject", "older": "inspect", "late": "inspect"}


def chip(state: str, label: str) -> str:
    """Return a state as a small coloured label; a temporary state has a moving mark."""
    return f'<span class="sw-advice sw-chip {TONES.get(state, "inspect busy")}">{text(label)}</span>'


def failure(document: Mapping[str, Any], messages: Messages) -> str:
    """Return why a document could not be read; empty if it could."""
    if not document["failure"]:
        return ""
    return _report(DOCUMENT_FAILURES, document.get("failure_detail"), document["failure"], document["name"], messages)


def notes(document: Mapping[str, Any], messages: Messages) -> str:
    """Return the first notes on a document, and the number of further ones."""
    details = document.get("note_details") or [None] * len(document["notes"])
    lines = [_report(DOCUMENT_NOTES, detail, note, document["name"], messages)
             for note, detail in zip(document["notes"], details, strict=False)]
    more = len(lines) - MAX_NOTES
    more_line = f'<div class="quiet">{text(messages("documents.more_notes", count=more))}</div>' if more > 0 else ""
    return "".join(lines[:MAX_NOTES]) + more_line


def _report(texts: Mapping[str, tuple[str, str]], detail: Mapping[str, Any] | None, server_text: str, name: str,
            messages: Messages) -> str:
    """Return the page's text of a code or, if the code is unknown, the server's text, marked as such."""
    report = messages.of_code(texts, detail.get("code"), detail.get("params")) if detail else None
    if report:
        return f'<div class="quiet">{text(report)}</div>'
    return (f'<div class="quiet">{text(messages("documents.server_message"))}</div>'
            f'<code class="sw-own" translate="no">{text(server_text.removeprefix(f"{name}: "))}</code>')
