"""Read the server-sent events of an answer as they arrive."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import requests


def events(response: requests.Response) -> Iterator[httpx2.ServerSentEvent]:
    """Yield the events of a response, each as soon as it is complete.

    The request was sent by requests like all others, with the same signature, proxy and certificates; httpx2 only
    parses the events in its body.

    Raises
    ------
    requests.RequestException
        The connection broke.
    httpx2.SSEError
        The body is not a stream of events, or an event is larger than 1 MiB.
    """
    stream = httpx2.Response(
        response.status_code, headers={"Content-Type": response.headers.get("Content-Type", "")},
        content=response.iter_content(None), request=httpx2.Request("POST", response.url))
    # An event without data, such as an id, is dropped, as browsers do.
    return (event for event in httpx2.EventSource(stream) if event.data)
