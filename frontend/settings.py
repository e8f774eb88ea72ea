"""The settings of the page, from its environment."""

from __future__ import annotations

from collections.abc import Mapping

from frontend.client import Client

API_URL = "http://127.0.0.1:8000"


def client_from_environ(environ: Mapping[str, str]) -> Client:
    """Return a client of the API that the environment names.

    SHOTWISE_API_URL is the address of the API. SHOTWISE_STREAM_URL is the address that streams answers, if it is
    another one (a function URL). SHOTWISE_SIGN_REGION is the region of an API Gateway at a custom domain, whose name
    does not show that requests must be signed.
    """
    return Client(environ.get("SHOTWISE_API_URL") or API_URL, environ.get("SHOTWISE_STREAM_URL", ""),
                  environ.get("SHOTWISE_SIGN_REGION", ""))
