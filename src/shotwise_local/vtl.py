"""API Gateway's mapping templates: VTL with `$input`, `$util` and `$context`, rendered by airspeed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import airspeed
from jsonpath_ng import parse


class _Util:
    """The `$util` functions that our templates use."""

    def base64Encode(self, data: str) -> str:  # noqa: N802 (VTL's name)
        # A body that is not UTF-8 reaches us as lone surrogates; they become the bytes that came.
        return base64.b64encode(data.encode("utf-8", "surrogateescape")).decode()

    def parseJson(self, text: str) -> Any:  # noqa: N802
        return json.loads(text)


class _Input:
    """`$input` for one body. JSON is parsed only when a template asks for a path of it."""

    def __init__(self, body: str, headers: Mapping[str, str]) -> None:
        self.body = body
        self._headers = headers

    def params(self, name: str) -> str:
        """A header of the request, by its name in any case; empty where there is none."""
        return self._headers.get(name.lower(), "")

    def path(self, path: str) -> Any:
        found = parse(path).find(json.loads(self.body))
        return found[0].value if found else ""


@dataclass(frozen=True)
class Rendered:
    """The text of a template and what it set in $context.responseOverride."""

    text: str
    status: int | None
    headers: dict[str, str]


def render(template: str, body: str, headers: Mapping[str, str] | None = None) -> Rendered:
    """Render a request or response template for a body. headers: of the request, by lower-case names."""
    override: dict[str, Any] = {"header": {}}
    text = airspeed.Template(template).merge(
        {"input": _Input(body, headers or {}), "util": _Util(),
         "context": {"responseOverride": override, "requestTimeEpoch": int(time.time() * 1000)}})
    status = override.get("status")
    return Rendered(text, int(status) if status is not None else None, override["header"])
