"""An answer to CloudFormation, put to the address that it signed."""

from __future__ import annotations

import time
import urllib.request

TRIES, SECONDS = 3, 10


def put_answer(address: str, body: bytes) -> None:
    """Send it; the address is signed for a PUT without a content type. Raises OSError after the last try."""
    for number in range(TRIES):
        request = urllib.request.Request(address, body, {"Content-Type": ""}, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):
                return
        except OSError:
            if number == TRIES - 1:
                raise
            time.sleep(1)
