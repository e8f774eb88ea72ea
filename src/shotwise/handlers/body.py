"""JSON bodies, read strictly: what would be lost or guessed elsewhere is an error here."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from typing import Any

from shotwise.errors import FieldError, InvalidInput

MAX_BYTES = 256 * 1024  # an Express workflow takes no more
MAX_BATCH_BYTES = 4 * 1024 * 1024  # 1,000 shots take about 700 KB; Lambda takes 6 MB with everything around them
DEEPEST = 20
MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded")


class PayloadTooLarge(InvalidInput):
    """The body is over MAX_BYTES."""


class UnsupportedMediaType(InvalidInput):
    """The body is declared to be something else than JSON."""


class _Repeated(ValueError):
    """A key that stands twice in one object."""


def media_type(content_type: str | None) -> str:
    """The media type of a Content-Type header, without parameters; JSON where there is no header."""
    return (content_type or "application/json").split(";")[0].strip().lower()


def check_media_type(content_type: str | None) -> None:
    """JSON, or what curl declares by default; raises UnsupportedMediaType."""
    if media_type(content_type) not in MEDIA_TYPES:
        raise UnsupportedMediaType([FieldError("Content-Type", "must be application/json")])


def read_body(body: str | None, *, base64_encoded: bool = False, batch: str | None = None) -> dict[str, Any]:
    """The JSON object of a request body. Raises InvalidInput naming what is wrong: emptiness, encoding, syntax,
    repeated keys, depth over DEEPEST, anything but an object; PayloadTooLarge over MAX_BYTES, or over
    MAX_BATCH_BYTES where the object holds the key `batch`. NaN and infinity are left to the check of the field."""
    text = _text(body or "", base64_encoded)
    size = len(text.encode("utf-8", "surrogatepass"))
    if size <= MAX_BYTES:
        return _read(text)
    too_large = PayloadTooLarge([FieldError("body", f"is over {MAX_BYTES // 1024} KiB; send less")])
    if batch is None or size > MAX_BATCH_BYTES:
        raise too_large
    try:
        found = _read(text)
    except InvalidInput:
        raise too_large from None
    if batch not in found:
        raise too_large
    return found


def check_text(value: Any) -> None:
    """Raises InvalidInput where a string holds half of a surrogate pair, which no reply could repeat in UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _invalid("holds half a surrogate pair, which is no character; send whole ones") from None


def _read(text: str) -> dict[str, Any]:
    if not text.strip():
        raise _invalid("is empty; send a JSON object")
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_not_finite, parse_int=_integer)
    except _Repeated as error:
        raise InvalidInput([FieldError(str(name), "stands twice; send it once") for name in error.args]) from None
    except RecursionError:
        raise _invalid(f"is nested over {DEEPEST} levels deep") from None
    except ValueError as error:
        raise _invalid(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise _invalid("must be a JSON object")
    if _depth(found) > DEEPEST:
        raise _invalid(f"is nested over {DEEPEST} levels deep")
    check_text(found)
    return found


def _text(body: str, base64_encoded: bool) -> str:
    if not base64_encoded:
        return body
    try:
        return base64.b64decode(body, validate=True).decode("utf-8")
    except ValueError:  # no base64, or not UTF-8 inside
        raise _invalid("is not UTF-8") from None


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput([FieldError("body", reason)])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated(*(name for name, count in Counter(name for name, _ in pairs).items() if count > 1))
    return found


def _not_finite(constant: str) -> float:
    """NaN and Infinity are not JSON, but they come; the field check names the value that holds them."""
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[constant]


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 18 else float(digits)


def _depth(value: Any) -> int:
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        deepest = max(deepest, level)
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        waiting += [(child, level + 1) for child in children if isinstance(child, dict | list)]
    return deepest
