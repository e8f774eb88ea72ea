"""Errors → RFC 9457 problem documents. A client sees what it can act on and nothing of the inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shotwise.errors import InvalidInput, KnowledgeError, NotFound, ShotwiseError, StoreError
from shotwise.handlers.body import PayloadTooLarge, UnsupportedMediaType

CONTENT_TYPE = "application/problem+json"
MAX_CAUSE = 24_000  # of the 32 KiB that a workflow's cause may hold, for errors, escaped twice
MAX_CHARACTERS = 100  # of a field name, which a caller may make as long as they like

STATUSES: tuple[tuple[type[ShotwiseError], int, str], ...] = (
    (PayloadTooLarge, 413, "Payload too large"),
    (UnsupportedMediaType, 415, "Unsupported media type"),
    (InvalidInput, 400, "Invalid input"),
    (NotFound, 404, "Not found"),
    (StoreError, 503, "Store unavailable"),
    (KnowledgeError, 503, "Knowledge unavailable"),
)


class InvalidPayload(Exception):
    """Raised to who sent a plain payload that is at fault: the message is the problem document."""


def problem(error: Exception) -> dict[str, Any]:
    """The problem document of an error; what STATUSES lacks is an engineer's mistake and tells nothing of itself."""
    for kind, status, title in STATUSES:
        if isinstance(error, kind):
            return _document(error, status, title)
    return {"type": "about:blank", "title": "Internal error", "status": 500,
            "detail": "The request failed here, not at your side. The log holds the reason."}


def _document(error: ShotwiseError, status: int, title: str) -> dict[str, Any]:
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if not isinstance(error, InvalidInput):
        # The text of a store's or an index's error names paths and hosts; a missing thing may be named.
        detail = str(error) if isinstance(error, NotFound) else "It does not answer at the moment; try again later."
        return {**document, "detail": detail}
    count = len(error.errors)
    shown = list(_fitting(error))
    more = f"; the first {len(shown)} are listed" if count > len(shown) else ""
    return {**document, "detail": f"{count} field{'s' if count != 1 else ''} to correct{more}.", "errors": shown}


def _fitting(error: InvalidInput) -> Iterator[dict[str, str]]:
    """The first errors, as many as a workflow can carry to the caller."""
    room = MAX_CAUSE
    for item in error.errors:
        field = item.field[:MAX_CHARACTERS].encode("utf-8", "replace").decode()  # a caller's key may be no text
        shown = {"field": field, "reason": item.reason[:4 * MAX_CHARACTERS]}
        room -= len(json.dumps(json.dumps(shown)))
        if room < 0:
            return
        yield shown


def to_json(content: Any) -> str:
    """The one way that replies become JSON: UTF-8 as it is, no spare spaces, never NaN."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
