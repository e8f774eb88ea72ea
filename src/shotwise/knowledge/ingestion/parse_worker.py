"""The process that reads a PDF for `parse`: opens it, looks through it once, then prints page after page.

Started with the file and a job, JSON: {first, page_limit_s, plain} or {first, page_limit_s, headings, bake}. It prints
one line of JSON for each step as soon as it is done: {title, pages, mended, questions, note} or {problem}; {headings},
font size → Markdown's mark, taken from the job where that has them; then {markdown, text} for each page from `first`
on, with {trouble} where that is its plain text or nothing. A plain job reads the one page `first`, by its text alone,
and looks through nothing.

Whole-document calls of pymupdf4llm give the same text; it is asked page by page so that a page can be given up.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT, MAX_BYTES
from shotwise.knowledge.ingestion.parse import OPEN_LIMIT_S, prepare_limit_s

with contextlib.redirect_stdout(sys.stderr):  # libraries print notices, at import and later; stdout is for the pages
    try:
        import pymupdf
        from pymupdf4llm.helpers.pymupdf_rag import IdentifyHeaders, to_markdown
    except ImportError:
        missing = "cannot be read without pymupdf4llm: pip install pymupdf==1.26.7 pymupdf4llm==0.2.9"
        print(json.dumps({"problem": missing}), file=sys.__stdout__)
        sys.exit(1)

DAMAGES = (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError)
GRACE_S = 5.0  # after which a worker whose parent is gone ends itself
SNAP = 3.0  # points within which the table finder takes lines for one


class _TextPage(pymupdf.TextPage):  # type: ignore[misc]
    """Keeps its characters: the table finder asks for all of the page's once for every cell, minutes on a full page."""

    @functools.cached_property
    def _kept(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {}

    def extractRAWDICT(self, cb: Any = None, sort: bool = False) -> dict[str, Any]:  # noqa: N802
        """As the library's; nobody changes what is returned."""
        # The boxes of the characters depend on these two, which the table finder switches.
        state = (cb, sort, pymupdf.TOOLS.set_small_glyph_heights(), pymupdf.TOOLS.unset_quad_corrections())
        if state not in self._kept:
            self._kept[state] = super().extractRAWDICT(cb, sort)
        return self._kept[state]

    def extractTextbox(self, rect: Any) -> str:  # noqa: N802
        """The characters whose boxes overlap `rect`, as the library's, which computes every box anew."""
        left, top, right, bottom = array("f", rect)  # MuPDF's precision

        def overlaps(part: dict[str, Any]) -> bool:
            x0, y0, x1, y1 = part["bbox"]
            return bool(left < x1 and top < y1 and right > x0 and bottom > y0)

        lines = [line for block in self.extractRAWDICT()["blocks"] if block["type"] == 0 for line in block["lines"]]
        found = ("".join(char["c"] for span in line["spans"] for char in span["chars"] if overlaps(char))
                 for line in lines if overlaps(line))
        return "\n".join(filter(None, found))


class _Page(pymupdf.Page):  # type: ignore[misc]
    """Gives such text pages."""

    def get_textpage(self, *options: Any, **named: Any) -> Any:
        """A text page that keeps its characters."""
        found = super().get_textpage(*options, **named)
        found.__class__ = _TextPage
        return found


class _Document(pymupdf.Document):  # type: ignore[misc]
    """Says at once what `to_markdown` asks of the whole document, for each page again: there is nothing to bake, since
    that is done, and the table of contents is not wanted."""

    is_form_pdf = False

    def has_annots(self) -> bool:
        """Baked ones are part of the page."""
        return False

    def get_toc(self, simple: bool = True) -> list[Any]:
        """Not wanted."""
        return []

    def load_page(self, page_id: Any) -> Any:
        """A page whose text pages keep their characters."""
        found = super().load_page(page_id)
        found.__class__ = _Page
        return found


def main() -> None:
    """Do the job that stands in the arguments."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    path, job = sys.argv[1], json.loads(sys.argv[2])
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pymupdf.TOOLS.mupdf_display_errors(False)
    for line in _lines(path, job):
        out.write(json.dumps(line) + "\n")
        out.flush()


def _lines(path: str, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _allow(OPEN_LIMIT_S)
    try:
        document = _Document(path, filetype="pdf")
        if document.needs_pass:
            yield {"problem": "is encrypted; store it without a password"}
            return
        count = len(document)
        title = (document.metadata or {}).get("title") or ""
    except DAMAGES:
        yield {"problem": "is damaged; export it again as PDF"}
        return
    questions, note = _questions(document) if job["first"] == 1 and not job.get("plain") else ("", "")
    yield {"title": title, "pages": count, "mended": bool(document.is_repaired), "questions": questions, "note": note}
    if job.get("plain"):
        _allow(job["page_limit_s"])
        yield _plain(document, job["first"])
        return
    _allow(prepare_limit_s(count))
    if job["bake"]:
        _bake(document)
    headings = _headings(document) if job["headings"] is None else job["headings"]
    yield {"headings": headings}
    for number in range(job["first"], count + 1):
        _allow(job["page_limit_s"])
        yield _page(document, number, headings)


def _questions(document: _Document) -> tuple[str, str]:
    """The text of the attachment by that name, empty where there is none, and why it is not read where there is."""
    with contextlib.suppress(*DAMAGES):
        if ATTACHMENT in document.embfile_names():
            # What the PDF says of its size may be wrong.
            if document.embfile_info(ATTACHMENT)["length"] <= MAX_BYTES:
                content = document.embfile_get(ATTACHMENT)
                if len(content) <= MAX_BYTES:
                    return content.decode("utf-8", "replace"), ""
            return "", f"{ATTACHMENT} is larger than {MAX_BYTES >> 20} MiB and is passed over"
    return "", ""


def _allow(seconds: float) -> None:
    """End this process after that, even in the middle of a call into MuPDF: its parent may have been killed, and only
    the kernel reaches a process that hangs there."""
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def _bake(document: _Document) -> None:
    """Make form fields and annotations part of their pages, as `to_markdown` does."""
    with contextlib.suppress(*DAMAGES):
        if pymupdf.Document.is_form_pdf.fget(document) or pymupdf.Document.has_annots(document):
            document.bake()


def _headings(document: _Document) -> dict[str, str]:
    try:
        found = IdentifyHeaders(document)
    except DAMAGES:
        legible = [number for number in range(len(document)) if _is_legible(document, number)]
        found = IdentifyHeaders(document, pages=legible)
    return {str(size): mark for size, mark in found.header_id.items()}


def _is_legible(document: _Document, number: int) -> bool:
    try:
        document[number].get_text("dict")
    except DAMAGES:
        return False
    return True


def _page(document: _Document, number: int, headings: dict[str, str]) -> dict[str, Any]:
    def mark(span: dict[str, Any], page: Any = None) -> str:
        return headings.get(str(round(span["size"])), "")

    try:
        page = document[number - 1]
        page.remove_rotation()
        drawings = page.get_cdrawings()
        (chunk,) = to_markdown(document, pages=[number - 1], hdr_info=mark, page_chunks=True,
                               table_strategy="lines_strict" if may_hold_table(drawings) else None,
                               # Only filled areas are compared with the background, to render which takes 2 ms.
                               detect_bg_color=any(drawing["type"] == "f" for drawing in drawings))
        found = {"markdown": chunk["text"], "text": document[number - 1].get_text()}
        if page.get_images():  # MuPDF would keep 256 MiB of them, decoded
            pymupdf.TOOLS.store_shrink(100)
    except Exception as error:  # whatever the libraries raise on this page, the other pages are wanted
        return {"trouble": f"cannot be laid out ({type(error).__name__})", **_plain(document, number)}
    if found["text"].strip() and not found["markdown"].strip():  # it skips what is written upwards
        return {"trouble": "has no text that can be laid out", **_plain(document, number)}
    return found


def _plain(document: _Document, number: int) -> dict[str, Any]:
    """The page by its text alone, its blocks as paragraphs."""
    try:
        page = document[number - 1]
        blocks = [block[4].strip() for block in page.get_text("blocks") if block[6] == 0]
        return {"markdown": "\n\n".join(filter(None, blocks)), "text": page.get_text()}
    except Exception as error:  # as above
        return {"markdown": "", "text": "", "trouble": f"cannot be read ({type(error).__name__})"}


def may_hold_table(drawings: Iterable[dict[str, Any]]) -> bool:
    """False where the drawings cannot make a table, so that the table finder, nine tenths of a text page's time, need
    not look for one. What is kept of its finds has two rows and two columns, so three horizontal lines more than SNAP
    apart and three vertical ones, all connected: in a band of the page, between drawings no more than SNAP apart, that
    is higher and wider than twice SNAP and has more than one line or box."""
    for band in _bands(drawing for drawing in drawings if not _is_shade(drawing)):
        boxes = [drawing["rect"] for drawing in band]
        width, height = (max(box[axis + 2] for box in boxes) - min(box[axis] for box in boxes) for axis in (0, 1))
        if width > 2 * SNAP and height > 2 * SNAP and not _is_one(band):
            return True
    return False


def _is_shade(drawing: dict[str, Any]) -> bool:
    """A filled area without a line: the table finder's strategy lines_strict sets it aside."""
    left, top, right, bottom = drawing["rect"]
    return bool(drawing["type"] == "f" and right - left > SNAP and bottom - top > SNAP)


def _is_one(band: list[dict[str, Any]]) -> bool:
    return len(band) == 1 and len(band[0]["items"]) == 1 and band[0]["items"][0][0] in ("l", "re")


def _bands(drawings: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    band: list[dict[str, Any]] = []
    bottom = 0.0
    for drawing in sorted(drawings, key=lambda drawing: float(drawing["rect"][1])):
        if band and drawing["rect"][1] > bottom + SNAP:
            yield band
            band = []
        bottom = max(bottom, drawing["rect"][3]) if band else drawing["rect"][3]
        band.append(drawing)
    if band:
        yield band
