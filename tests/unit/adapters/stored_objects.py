"""Objects as the library keeps them in S3, written by hand, so that a change of their form is seen."""

from __future__ import annotations

import gzip
import json
from typing import Any

# A term that stands in the headings of the one passage, which answers a question without words.
POSTINGS = {"terms": ["b"], "starts": "AAAAAAEAAAA=", "places": "AAAAAA==", "counts": "Ag==", "firsts": "AAAAAAIAAAA=",
            "questions": "AAE=", "actions": "AQ=="}


def kept_object(**changes: Any) -> bytes:
    """A document's object with other content."""
    content = {"format": 2, "name": "x.pdf", "title": "X", "sha256": "0", "version": "v1", "notes": [], "pages": [],
               "passages": [[1, ["b"], [], True]], "postings": POSTINGS}
    return gzip.compress(json.dumps({**content, **changes}).encode())
