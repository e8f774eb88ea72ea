"""Render API Gateway's mapping templates, VTL with `$input`, `$util` and `$context`, by airspeed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import airspeed
from jsonpath_ng.parser import parse


class _Util:
    """The `$util` functions that our templates use."""

    def base64Encode(self, text: str) -> str:  # noqa: N802 (VTL's name)
        # Bytes that are not UTF-8 were decoded to lone surrogates; this restores them.
        return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()

    def parseJson(self, text: str) -> Any:  # noqa: N802 (VTL's name)
        return json.loads(text)


class _Input:
    """`$input` for one body. The body is parsed as JSON only when a template reads a path in it."""

    def __init__(self, body: str, headers: Mapping[str, str]) -> None:
        self.body = body
        self._headers = headers

    def params(self, name: str) -> str:
        """Return a header of the request, by its name in any case; empty if there is none."""
        return self._headers.get(name.lower(), "")

    def path(self, path: str) -> Any:
        """Return the first match of a JSONPath; empty if there is none."""
        matches = parse(path).find(json.loads(self.body))
        return matches[0].value if matches else ""


@dataclass(frozen=True)
class Rendered:
    """A rendered template.

    Attributes
    ----------
    text : str
        Output of the template.
    status : int or None
        Status that the template set in `$context.responseOverride`, if any.
    headers : dict of str to str
        Headers that the template set there.
    """

    text: str
    status: int | None
    headers: dict[str, str]


def render(template: str, body: str, headers: Mapping[str, str] | None = None) -> Rendered:
    """Render a request or response template for a body; `headers` of the request have lower-case names."""
    override: dict[str, Any] = {"header": {}}
    text = airspeed.Template(template).merge(
        {"input": _Input(body, headers or {}), "util": _Util(),
         "context": {"responseOverride": override, "requestTimeEpoch": int(time.time() * 1000)}})
    status = override.get("status")
    return Rendered(text, int(status) if status is not None else None, override["header"])
