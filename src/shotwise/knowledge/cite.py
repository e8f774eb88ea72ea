"""The proof of a quote: it stands, word for word, in the text of the page that it names."""

from __future__ import annotations

import unicodedata

from shotwise.knowledge.passage import Index


def stands_on_page(quote: str, document: str, page: int, index: Index) -> bool:
    """Whether `quote` is in the PDF's own text of that page; only white space may differ, where lines break."""
    return stands_in(quote, index.page_text(document, page))


def stands_in(quote: str, text: str) -> bool:
    """Whether `quote` is in `text`, white space aside."""
    return bool(quote.strip()) and _joined(quote) in _joined(text)


def _joined(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).replace("​", "").split())
