"""Lets pymupdf4llm lay a document out page by page without doing the work of the whole document for each page.

Written for pymupdf 1.26.7 with pymupdf4llm 0.2.9. The classes are subclasses; pages and text pages get theirs by a
change of `__class__`, because pymupdf makes them itself.

Why: `to_markdown` is made for one call a document. Here it is called once a page, so that a page can be given up, and
would ask the whole document each time for its form fields, annotations and table of contents. And pymupdf's table
finder asks for all characters of the page once for each cell: a page with a table of 400 cells takes 2.4 s on one core,
0.3 s with these classes, and fuller pages take minutes.

It can go when `TextPage` keeps its characters itself and `to_markdown` takes a page rather than a document.
tests/slow/test_parse_large.py compares every shipped manual, page by page, with one call of the library as it is.
"""

from __future__ import annotations

import functools
from array import array
from typing import Any

import pymupdf
import pymupdf4llm

from shotwise.compat import require_version

require_version("pymupdf", pymupdf.__version__, "1.26.7")
require_version("pymupdf4llm", pymupdf4llm.__version__, "0.2.9")


class CachedTextPage(pymupdf.TextPage):  # type: ignore[misc]
    """A text page that keeps its characters."""

    @functools.cached_property
    def _characters(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {}

    def extractRAWDICT(self, cb: Any = None, sort: bool = False) -> dict[str, Any]:  # noqa: N802
        """Return what the library does; its callers change nothing of it."""
        # The boxes of the characters depend on these two settings, which the table finder switches.
        state = (cb, sort, pymupdf.TOOLS.set_small_glyph_heights(), pymupdf.TOOLS.unset_quad_corrections())
        if state not in self._characters:
            self._characters[state] = super().extractRAWDICT(cb, sort)
        return self._characters[state]

    def extractTextbox(self, rect: Any) -> str:  # noqa: N802
        """Return the characters whose boxes overlap `rect`, as the library does, which computes every box anew."""
        left, top, right, bottom = array("f", rect)  # MuPDF's precision

        def overlaps(part: dict[str, Any]) -> bool:
            x0, y0, x1, y1 = part["bbox"]
            return bool(left < x1 and top < y1 and right > x0 and bottom > y0)

        lines = [line for block in self.extractRAWDICT()["blocks"] if block["type"] == 0 for line in block["lines"]]
        texts = ("".join(char["c"] for span in line["spans"] for char in span["chars"] if overlaps(char))
                 for line in lines if overlaps(line))
        return "\n".join(filter(None, texts))


class CachedPage(pymupdf.Page):  # type: ignore[misc]
    """A page whose text pages keep their characters."""

    def get_textpage(self, *args: Any, **kwargs: Any) -> Any:
        """Return a CachedTextPage."""
        text_page = super().get_textpage(*args, **kwargs)
        text_page.__class__ = CachedTextPage
        return text_page


class PagewiseDocument(pymupdf.Document):  # type: ignore[misc]
    """A document that answers at once what `to_markdown` asks of the whole of it for each page.

    Form fields and annotations have to be baked into their pages before; the table of contents is not wanted.
    """

    is_form_pdf = False

    def has_annots(self) -> bool:
        """Baked annotations are part of the page."""
        return False

    def get_toc(self, simple: bool = True) -> list[Any]:
        """Return no table of contents."""
        return []

    def load_page(self, page_id: Any) -> Any:
        """Return a CachedPage."""
        page = super().load_page(page_id)
        page.__class__ = CachedPage
        return page

    def bake_forms_and_annotations(self) -> None:
        """Make form fields and annotations part of their pages, as `to_markdown` does."""
        if pymupdf.Document.is_form_pdf.fget(self) or pymupdf.Document.has_annots(self):
            self.bake()
