"""Turn errors into RFC 9457 problems. A client sees what it can act on, and nothing of the system's inside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
MAX_CAUSE = 24_000  # characters of errors, escaped twice, of the 32 KiB that the cause of a workflow may have
MAX_NAME = 100  # characters of a field's name, which a caller may make as long as they like
MAX_TEXT = 400  # characters of a reason, or of one of its parameters, which a bundle may make long

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
    """A function was invoked with a payload that is at fault; the message is the problem as JSON."""


def problem(error: Exception) -> dict[str, Any]:
    """Return the RFC 9457 problem of an error.

    Members: `type`, `title`, `status`, `code`, `detail`, and for invalid input `errors`. An error that STATUSES does
    not list is a bug of ours: its problem says nothing about it.
    """
    for error_class, status, code, title in STATUSES:
        if isinstance(error, error_class):
            return {"type": "about:blank", "title": title, "status": status, "code": code, **_details(error)}
    return {"type": "about:blank", "title": "Internal error", "status": 500, "code": "internal_error",
            "detail": "The request failed here, not at your side. The log holds the reason."}


def _details(error: ShotwiseError) -> dict[str, Any]:
    if not isinstance(error, InvalidInput):
        # The text of a store's or an index's error names paths and hosts; what is not found may be named.
        return {"detail": str(error) if isinstance(error, NotFound)
                else "It does not answer at the moment; try again later."}
    count = len(error.errors)
    listed = list(_errors_that_fit(error))
    more = f"; the first {len(listed)} are listed" if count > len(listed) else ""
    return {"detail": f"{count} field{'s' if count != 1 else ''} to correct{more}.", "errors": listed}


def _errors_that_fit(error: InvalidInput) -> Iterator[dict[str, Any]]:
    """The first errors: as many as a workflow can carry to the caller in its cause."""
    room = MAX_CAUSE
    for field_error in error.errors:
        entry = _error_entry(field_error)
        room -= len(json.dumps(json.dumps(entry)))
        if room < 0:
            return
        yield entry


def _error_entry(error: FieldError) -> dict[str, Any]:
    field = error.field[:MAX_NAME].encode("utf-8", "replace").decode()  # a key of the caller may not be encodable
    return {"field": field, "reason": error.reason[:MAX_TEXT], "code": error.code, "params": _short(error.params)}


def _short(params: Mapping[str, Param]) -> dict[str, Param]:
    """The parameters of an error, with long texts and lists cut as the reason is."""
    return {name: _short_param(param) for name, param in params.items()}


def _short_param(param: Param) -> Param:
    if isinstance(param, int | float):
        return param
    return param[:MAX_TEXT] if isinstance(param, str) else _first_items(param)


def _first_items(texts: Sequence[str]) -> list[str]:
    """The first texts of a list, MAX_TEXT characters at most."""
    items: list[str] = []
    room = MAX_TEXT
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            break
        items.append(text)
    return items


def to_json(content: Any) -> str:
    """Serialise a response: UTF-8 as it is, no spare spaces. Raises ValueError for NaN and infinity."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
