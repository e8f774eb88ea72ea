"""Make the requests that the users send, from the shots of GET /samples."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from loadtests.signing import SignHeaders

TIMEOUT_S = 30  # a first call on AWS may start a function


class ApiError(Exception):
    """The API cannot be reached, or has no shots to send."""


def fetch_shots(host: str, sign: SignHeaders) -> list[dict[str, Any]]:
    """Return the features of every sample. Raises ApiError."""
    if not host.startswith(("http://", "https://")):
        raise ApiError(f"{host} is not the address of an API: it has to begin with http:// or https://")
    url = f"{host}/samples"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=sign("GET", url, b"")),
                                    timeout=TIMEOUT_S) as reply:
            samples = json.load(reply)["samples"]
        shots = [dict(sample["features"]) for sample in samples]
    except urllib.error.HTTPError as error:
        raise ApiError(f"{url} answers {error.code} {error.reason}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise ApiError(f"the API at {host} is not reachable ({reason}); `make serve` starts one") from None
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        raise ApiError(f"{url} does not answer with samples; is this the API?") from None
    if not shots:
        raise ApiError(f"{url} gives no samples to send")
    return shots


def encode_bodies(shots: list[dict[str, Any]], **fields: Any) -> list[bytes]:
    """Encode a request body for each shot, before the test, so that users spend no time on it."""
    return [json.dumps({"features": shot, **fields}, ensure_ascii=False).encode() for shot in shots]
