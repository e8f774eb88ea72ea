"""Send the response of a custom resource to CloudFormation, at the URL that CloudFormation signed for it."""

from __future__ import annotations

import http.client
import time
import urllib.request

TRIES, SECONDS = 3, 10


def put_response(url: str, body: bytes) -> None:
    """Send the response. The URL is signed for a PUT without a content type.

    Raises
    ------
    OSError or http.client.HTTPException
        The last of three tries failed.
    """
    for number in range(TRIES):
        request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):
                return
        except (OSError, http.client.HTTPException):
            if number == TRIES - 1:
                raise
            time.sleep(1)
