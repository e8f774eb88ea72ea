"""Whatever text a caller puts into a path or a query string, the answer is never a 5xx."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shotwise_local.gateway import Gateway

from .client import call_asgi

HOSTILE = ("0" * 4400, "9" * 5000, "000000005" + "0" * 4400, "00000000150", "-1", "1e9", "nan", "٣", "\0", "\x1b[31m",
           "\u202e", "../../etc/passwd", "a\nb", "%", "%2", "%zz", "%25",
           "'; DROP TABLE documents; --", "$input", "#set($a=1)", "${jndi:x}", "{}",
           "*", "\"", "(", "[", "기공 " * 900, "x" * 9000, "MATCH OR NEAR(", "\ufeff", "\U0001f3ed")
# Percent-encoded text, raw bytes that are no UTF-8, and hostile examples.
ENCODED = st.one_of(st.text(max_size=200).filter(lambda text: not re.search("[\ud800-\udfff]", text)).map(
                        lambda text: quote(text, safe="")),
                    st.binary(max_size=60).map(lambda raw: quote_from_bytes(raw, safe="")),
                    st.sampled_from([quote(text, safe="") for text in HOSTILE]),
                    st.from_regex(r"[!-\"$-.0->@-~]{0,40}", fullmatch=True))  # printable ASCII, not encoded
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def routes(api: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of every operation that is described."""
    return [(method.upper(), path) for path, methods in api["paths"].items() for method in methods
            if method in ("get", "post", "put", "delete")]


def check(gateway: Gateway, method: str, url: str) -> None:
    """No 5xx, and an error is a problem."""
    response = call_asgi(gateway, method, url, {} if method == "POST" else None)
    assert response.status < 500, (method, url, response.body)
    if response.status >= 400:
        assert json.loads(response.body)["status"] == response.status


@MANY
@given(query=ENCODED, limit=ENCODED)
def test_any_search_is_answered(gateway: Gateway, query: str, limit: str) -> None:
    """Any text to search for, and any limit, is answered or refused as the caller's mistake."""
    check(gateway, "GET", f"/search?query={query}&limit={limit}")
    check(gateway, "GET", f"/search?query=x&limit={limit}&limit={query}")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_answered(gateway: Gateway, api: dict[str, Any], text: str) -> None:
    """Numbers of thousands of digits, paths, controls, templates and queries of other languages, on every route."""
    encoded = quote(text, safe="")
    for query in (encoded, "x"):
        check(gateway, "GET", f"/search?query={query}&limit={encoded}")
    for method, path in routes(api):
        check(gateway, method, re.sub(r"\{\w+\}", encoded, path) + f"?{encoded}={encoded}")


@MANY
@given(text=ENCODED, query=ENCODED)
def test_any_path_is_answered(gateway: Gateway, api: dict[str, Any], text: str, query: str) -> None:
    """Any text in the place of a path parameter, and any query string, on every route without a body."""
    for method, path in routes(api):
        if method != "POST" and "?" not in text and "#" not in text:
            check(gateway, method, re.sub(r"\{\w+\}", text.replace("\\", "%5C"), path) + f"?limit={query}")
