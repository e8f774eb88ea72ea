"""Objects of the document store in S3, written by hand, so that a change of their form fails a test."""

from __future__ import annotations

import gzip
import json
from typing import Any

# One term, in the headings of the only passage, which also answers a question without words.
POSTINGS = {"terms": ["b"], "starts": "AAAAAAEAAAA=", "places": "AAAAAA==", "counts": "Ag==", "firsts": "AAAAAAIAAAA=",
            "questions": "AAE=", "actions": "AQ=="}


def stored_object(**changes: Any) -> bytes:
    """Make a document's object, with some of its content changed."""
    content = {"format": 2, "name": "x.pdf", "title": "X", "sha256": "0", "version": "v1", "notes": [], "pages": [],
               "passages": [[1, ["b"], [], True]], "postings": POSTINGS}
    return gzip.compress(json.dumps({**content, **changes}).encode(), mtime=0)
