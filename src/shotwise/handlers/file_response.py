"""A stored file as an HTTP response."""

from __future__ import annotations

from typing import Any

from shotwise.compat.powertools import Response
from shotwise.files import StoredFile


def file_response(stored: StoredFile, content_type: str) -> Response[Any]:
    """Return 200 with the bytes of a file, which Powertools encodes in base64, or 302 to the URL where it is."""
    if stored.content is None:
        return Response(302, content_type, "", headers={"Location": stored.url or ""})
    return Response(200, content_type, stored.content)
