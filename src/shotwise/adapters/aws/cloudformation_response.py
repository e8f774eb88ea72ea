"""An answer to CloudFormation, put to the address that it signed."""

from __future__ import annotations

import http.client
import time
import urllib.request

TRIES, SECONDS = 3, 10


def put_answer(address: str, body: bytes) -> None:
    """Send it; the address is signed for a PUT without a content type. Raises OSError or HTTPException in the
    end."""
    for number in range(TRIES):
        request = urllib.request.Request(address, body, {"Content-Type": ""}, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):
                return
        except (OSError, http.client.HTTPException):
            if number == TRIES - 1:
                raise
            time.sleep(1)
