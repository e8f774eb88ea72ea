"""Read JSON request bodies strictly: whatever other parsers would drop or guess is an error here."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from typing import Any

from shotwise.errors import FieldError, InvalidInput
from shotwise.limits import (
    MAX_BATCH_BODY_BYTES,
    MAX_BODY_BYTES,
    MAX_INTEGER_DIGITS,
    MAX_JSON_DEPTH,
    MAX_JSON_VALUES,
)
from shotwise.messages import Param

MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded")


class PayloadTooLarge(InvalidInput):
    """The body is larger than the route accepts."""

    def __init__(self, max_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__([FieldError("body", "body_too_large", {"max_kib": max_bytes // 1024})])


class UnsupportedMediaType(InvalidInput):
    """The Content-Type header declares something other than JSON."""

    def __init__(self) -> None:
        super().__init__([FieldError("Content-Type", "media_type_not_json")])


class _RepeatedKeys(ValueError):
    """An object has the same key more than once; `args` are those keys."""


def media_type(content_type: str | None) -> str:
    """Return the media type of a Content-Type header without its parameters; JSON where there is no header."""
    return (content_type or "application/json").split(";")[0].strip().lower()


def check_media_type(content_type: str | None) -> None:
    """Raise UnsupportedMediaType unless the header declares JSON, or a form, which is what `curl -d` declares."""
    if media_type(content_type) not in MEDIA_TYPES:
        raise UnsupportedMediaType


def read_body(body: str | None, *, base64_encoded: bool = False, batch_key: str | None = None) -> dict[str, Any]:
    """Parse a request body that must be a JSON object.

    Parameters
    ----------
    body : str or None
        The body as API Gateway passes it on.
    base64_encoded : bool
        Whether `body` is base64 of UTF-8 text.
    batch_key : str, optional
        An object with this key may have up to MAX_BATCH_BODY_BYTES instead of MAX_BODY_BYTES.

    Returns
    -------
    payload : dict
        The object. NaN and Infinity become floats, which the checks of the fields refuse by the field's name.

    Raises
    ------
    PayloadTooLarge
        The body has more bytes than allowed.
    InvalidInput
        The body is empty, not UTF-8, not JSON, not an object, nested more than MAX_JSON_DEPTH levels deep, has a
        repeated key, or may hold more than MAX_JSON_VALUES values.
    """
    text = _decode(body or "", base64_encoded)
    size = len(text.encode("utf-8", "surrogatepass"))
    max_bytes = MAX_BODY_BYTES if batch_key is None else MAX_BATCH_BODY_BYTES
    if size > max_bytes:
        raise PayloadTooLarge(max_bytes)
    # A comma or a bracket for each value, so these are as many at least; those within texts hardly count.
    if sum(map(text.count, ",[{")) > MAX_JSON_VALUES:
        raise _invalid("too_many_values", max=MAX_JSON_VALUES)
    return _parse(text) if size <= MAX_BODY_BYTES else _parse_batch(text, batch_key)


def check_encodable(payload: Any) -> None:
    """Raise InvalidInput if a string contains half a surrogate pair, which no UTF-8 response could return."""
    try:
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _invalid("half_a_surrogate_pair") from None


def _parse_batch(text: str, batch_key: str | None) -> dict[str, Any]:
    """Parse a body that is too large unless it is an object with this key."""
    try:
        payload = _parse(text)
    except InvalidInput:
        raise PayloadTooLarge from None
    if batch_key not in payload:
        raise PayloadTooLarge
    return payload


def _parse(text: str) -> dict[str, Any]:
    if not text.strip():
        raise _invalid("body_empty")
    try:
        payload = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_nonfinite, parse_int=_integer)
    except _RepeatedKeys as error:
        raise InvalidInput([FieldError(str(key), "repeated_key") for key in error.args]) from None
    except RecursionError:
        raise _invalid("nested_too_deeply", max=MAX_JSON_DEPTH) from None
    except json.JSONDecodeError as error:
        raise _invalid("not_json", line=error.lineno, column=error.colno) from None
    if not isinstance(payload, dict):
        raise _invalid("not_an_object")
    if _depth(payload) > MAX_JSON_DEPTH:
        raise _invalid("nested_too_deeply", max=MAX_JSON_DEPTH)
    check_encodable(payload)
    return payload


def _decode(body: str, base64_encoded: bool) -> str:
    if not base64_encoded:
        return body
    try:
        return base64.b64decode(body, validate=True).decode("utf-8")
    except ValueError:  # not base64, or not UTF-8 inside
        raise _invalid("not_utf8") from None


def _invalid(code: str, **params: Param) -> InvalidInput:
    return InvalidInput([FieldError("body", code, params)])


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its pairs. Raises _RepeatedKeys, where a plain dict would silently use the last value."""
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise _RepeatedKeys(*(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return unique


def _nonfinite(constant: str) -> float:
    """Parse NaN and Infinity, which are not JSON but are sent by clients; the check of the field refuses them."""
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[constant]


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)


def _depth(payload: Any) -> int:
    """Count the levels of nested objects and lists, without recursion."""
    deepest = 0
    pending = [(payload, 1)]
    while pending:
        node, level = pending.pop()
        deepest = max(deepest, level)
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        pending += [(child, level + 1) for child in children if isinstance(child, dict | list)]
    return deepest
