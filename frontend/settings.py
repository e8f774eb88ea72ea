"""What the page is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping

from frontend.client import Client

API_URL = "http://127.0.0.1:8000"


def client_of(environ: Mapping[str, str]) -> Client:
    """The client of the API. SHOTWISE_API_URL: where that is; SHOTWISE_STREAM_URL: where questions are answered as a
    stream, if elsewhere (a function URL); SHOTWISE_SIGN_REGION: of an API Gateway at a domain of its own, whose name
    does not say that requests must be signed."""
    return Client(environ.get("SHOTWISE_API_URL") or API_URL, environ.get("SHOTWISE_STREAM_URL", ""),
                  environ.get("SHOTWISE_SIGN_REGION", ""))
