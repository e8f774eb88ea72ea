"""A stored file as a response: its bytes, or a redirect to where they are."""

from __future__ import annotations

from typing import Any

from shotwise.compat.powertools import Response
from shotwise.files import StoredFile


def file_response(stored: StoredFile, content_type: str) -> Response[Any]:
    """200 with the bytes (API Gateway wants them in base64; Powertools sees to it), or 302 to the address."""
    if stored.content is None:
        return Response(302, content_type, "", headers={"Location": stored.url or ""})
    return Response(200, content_type, stored.content)
