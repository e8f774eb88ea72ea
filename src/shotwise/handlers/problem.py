"""Turn errors into RFC 9457 problems, which tell clients what to correct and reveal no internals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from shotwise.errors import (
    FieldError,
    InvalidInput,
    KnowledgeError,
    NotFound,
    ShippedDocument,
    ShotwiseError,
    StoreError,
)
from shotwise.handlers.body import PayloadTooLarge, UnsupportedMediaType
from shotwise.messages import Param

CONTENT_TYPE = "application/problem+json"
MAX_CAUSE = 30_000  # characters of all errors, escaped twice; the cause of a failed workflow may have 32 KiB
MAX_NAME = 100  # characters of a field's name, which may be any key that the caller sent
MAX_TEXT = 400  # characters of a reason or of one of its parameters; a bundle may have long lists of categories

# Error class → HTTP status, code, title. The first class that fits counts.
STATUSES: tuple[tuple[type[ShotwiseError], int, str, str], ...] = (
    (PayloadTooLarge, 413, "payload_too_large", "Payload too large"),
    (UnsupportedMediaType, 415, "unsupported_media_type", "Unsupported media type"),
    (InvalidInput, 400, "invalid_input", "Invalid input"),
    (ShippedDocument, 404, "shipped_document", "Not found"),
    (NotFound, 404, "not_found", "Not found"),
    (StoreError, 503, "store_unavailable", "Store unavailable"),
    (KnowledgeError, 503, "knowledge_unavailable", "Knowledge unavailable"),
)


class InvalidPayload(Exception):
    """A function was invoked with an invalid payload; the message is the problem as JSON."""


def problem(error: Exception) -> dict[str, Any]:
    """Return the RFC 9457 problem of an error.

    Members: `type`, `title`, `status`, `code`, `detail`, and for invalid input `errors`. An error that STATUSES does
    not list is a bug of Shotwise, and its problem gives no details.
    """
    for error_class, status, code, title in STATUSES:
        if isinstance(error, error_class):
            return {"type": "about:blank", "title": title, "status": status, "code": code, **_details(error)}
    return {"type": "about:blank", "title": "Internal error", "status": 500, "code": "internal_error",
            "detail": "The request failed here, not at your side. The log holds the reason."}


def _details(error: ShotwiseError) -> dict[str, Any]:
    if not isinstance(error, InvalidInput):
        # The errors of stores and indexes name paths and hosts, so only the text of NotFound is passed on.
        return {"detail": str(error) if isinstance(error, NotFound)
                else "A service that this request needs does not answer at the moment; try again later."}
    count = len(error.errors)
    listed = list(_errors_that_fit(error))
    more = f"; the first {len(listed)} are listed" if count > len(listed) else ""
    return {"detail": f"{count} field{'s' if count != 1 else ''} to correct{more}.", "errors": listed}


def _errors_that_fit(error: InvalidInput) -> Iterator[dict[str, Any]]:
    """Yield the first errors, as many as fit into the cause of a failed workflow."""
    room = MAX_CAUSE
    for field_error in error.errors:
        entry = _error_entry(field_error)
        room -= len(json.dumps(json.dumps(entry)))
        if room < 0:
            return
        yield entry


def _error_entry(error: FieldError) -> dict[str, Any]:
    field = error.field[:MAX_NAME].encode("utf-8", "replace").decode()  # a key of the caller may not be encodable
    return {"field": field, "reason": error.reason[:MAX_TEXT], "code": error.code,
            "params": {name: _shortened(param) for name, param in error.params.items()}}


def _shortened(param: Param) -> Param:
    """Cut a text, or drop the last texts of a list, beyond MAX_TEXT characters."""
    if isinstance(param, int | float):
        return param
    return param[:MAX_TEXT] if isinstance(param, str) else _first_texts(param)


def _first_texts(texts: Sequence[str]) -> list[str]:
    first_texts: list[str] = []
    room = MAX_TEXT
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            break
        first_texts.append(text)
    return first_texts


def to_json(content: Any) -> str:
    """Serialise a response compactly, without escaping Korean. Raises ValueError for NaN and infinity."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
