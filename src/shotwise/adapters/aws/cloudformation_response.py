"""The answer of a custom resource to CloudFormation, put to the URL that CloudFormation signed."""

from __future__ import annotations

import http.client
import time
import urllib.request

TRIES, SECONDS = 3, 10


def put_answer(url: str, body: bytes) -> None:
    """Send the answer. The URL is signed for a PUT without a content type.

    Raises
    ------
    OSError or http.client.HTTPException
        If the last of three tries fails.
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
