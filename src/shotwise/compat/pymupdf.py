"""Let pymupdf4llm convert a document page by page, without repeating the work for the complete document on each page.

Written for pymupdf 1.26.7 with pymupdf4llm 0.2.9. The classes are subclasses of pymupdf's; pages and text pages become
instances by a change of `__class__`, because pymupdf creates them.

Why: `to_markdown` is made to be called once per document. Here it is called once per page, so that single pages can be
skipped, and each call would search the complete document for form fields, annotations and the table of contents. Also,
pymupdf's table finder extracts all characters of the page for each cell: a page with a table of 400 cells takes 2.4 s
on one core, 0.3 s with these classes, and fuller pages take minutes. It decodes every image, for boxes that it then
does not use: 0.3 s and 60 MB for a scanned page, minutes and gigabytes for some images.

It can be removed when `TextPage` caches its characters and `to_markdown` takes a page rather than a document.
tests/slow/test_parse_large.py compares every shipped manual, page by page, with a single call of the unpatched library.
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
    """A text page that caches its characters."""

    @functools.cached_property
    def _characters(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {}

    def extractRAWDICT(self, cb: Any = None, sort: bool = False) -> dict[str, Any]:  # noqa: N802
        """Return the same as the library, whose callers do not change the result."""
        # The boxes of the characters depend on these two settings, which the table finder changes.
        state = (cb, sort, pymupdf.TOOLS.set_small_glyph_heights(), pymupdf.TOOLS.unset_quad_corrections())
        if state not in self._characters:
            self._characters[state] = super().extractRAWDICT(cb, sort)
        return self._characters[state]

    def extractTextbox(self, rect: Any) -> str:  # noqa: N802
        """Return the characters whose boxes overlap `rect`, as the library does, but with the cached boxes."""
        left, top, right, bottom = array("f", rect)  # MuPDF's precision

        def overlaps(part: dict[str, Any]) -> bool:
            x0, y0, x1, y1 = part["bbox"]
            return bool(left < x1 and top < y1 and right > x0 and bottom > y0)

        lines = [line for block in self.extractRAWDICT()["blocks"] if block["type"] == 0 for line in block["lines"]]
        texts = ("".join(char["c"] for span in line["spans"] for char in span["chars"] if overlaps(char))
                 for line in lines if overlaps(line))
        return "\n".join(filter(None, texts))


class CachedPage(pymupdf.Page):  # type: ignore[misc]
    """A page whose text pages cache their characters."""

    def get_textpage(self, *args: Any, **kwargs: Any) -> Any:
        """Return a CachedTextPage."""
        text_page = super().get_textpage(*args, **kwargs)
        text_page.__class__ = CachedTextPage
        return text_page

    def get_image_rects(self, name: Any, transform: bool = False) -> list[Any]:
        """Return nothing, because the layout only needs the boxes of images if it leaves out text on images.

        The library decodes every image for them, to compare digests, which takes gigabytes for some.
        """
        return []


class PagewiseDocument(pymupdf.Document):  # type: ignore[misc]
    """A document that claims to have no form fields, annotations and table of contents, which are slow to search.

    Form fields and annotations have to be baked into their pages before; the table of contents is not needed.
    """

    is_form_pdf = False

    def has_annots(self) -> bool:
        """Return False, because baked annotations are part of their pages."""
        return False

    def get_toc(self, simple: bool = True) -> list[Any]:
        """Return an empty table of contents."""
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
