"""The proof of a quote: it stands, word for word, in the text of the page that it names."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # taking documents in needs `stands_in` alone, and has no numpy on Lambda
    from shotwise.knowledge.index import Index


def stands_on_page(quote: str, document: str, page: int, index: Index) -> bool:
    """Whether `quote` is in the PDF's own text of that page; only white space may differ, where lines break."""
    return stands_in(quote, index.page_text(document, page))


def stands_in(quote: str, text: str) -> bool:
    """Whether `quote` is in `text`, white space aside."""
    return bool(quote.strip()) and joined(quote) in joined(text)


@lru_cache(maxsize=256)  # many quotes are held against the same page
def joined(text: str) -> str:
    """The text without white space, in one Unicode form."""
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())
