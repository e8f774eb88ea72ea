"""The process that reads a PDF for `parse`: it opens the file, finds the headings, then prints page after page.

Its arguments are the file and a job in JSON: {first, page_limit_s, headings, bake}, or {first, page_limit_s, plain} to
read the one page `first` as plain text. It prints one line of JSON for each step as soon as it is done:

1. {title, pages, repaired, questions, note}, or only {failure}. `note` and `failure` are {code, params} of
   `shotwise.messages`; `note` may be null.
2. {headings}, Markdown's mark by font size, copied from the job if it has them. A plain job omits this line.
3. {markdown, text} for each page from `first` on, with {cause} if the page was read as plain text or is empty.

Calling pymupdf4llm once for the whole document gives the same text; it is called page by page so that a page that
cannot be read can be skipped.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT, MAX_BYTES
from shotwise.knowledge.ingestion.parse import OPEN_LIMIT_S, prepare_limit_s

PACKAGES = "pymupdf==1.26.7 pymupdf4llm==0.2.9"
with contextlib.redirect_stdout(sys.stderr):  # the libraries print notices, and stdout is only for the JSON
    try:
        import pymupdf
        from pymupdf4llm.helpers.pymupdf_rag import IdentifyHeaders, to_markdown

        from shotwise.compat.pymupdf import PagewiseDocument
    except ImportError:
        failure = {"code": "reader_missing", "params": {"packages": PACKAGES}}
        print(json.dumps({"failure": failure}), file=sys.__stdout__)
        sys.exit(1)

DAMAGE_ERRORS = (pymupdf.FileDataError, pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError)
GRACE_S = 5.0  # added to every time limit, so that the parent stops the worker first unless it has ended
SNAP = 3.0  # distance in points up to which the table finder treats lines as one


def main() -> None:
    """Do the job that the arguments describe."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    path, job = sys.argv[1], json.loads(sys.argv[2])
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pymupdf.TOOLS.mupdf_display_errors(False)
    for line in _read(path, job):
        out.write(json.dumps(line) + "\n")
        out.flush()


def _read(path: str, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _limit(OPEN_LIMIT_S)
    try:
        document = PagewiseDocument(path, filetype="pdf")
        if document.needs_pass:
            yield {"failure": {"code": "encrypted", "params": {}}}
            return
        page_count = len(document)
        title = (document.metadata or {}).get("title") or ""
    except DAMAGE_ERRORS:
        yield {"failure": {"code": "damaged", "params": {}}}
        return
    questions, note = _attached_questions(document) if job["first"] == 1 and not job.get("plain") else ("", None)
    yield {"title": title, "pages": page_count, "repaired": bool(document.is_repaired), "questions": questions,
           "note": note}
    if job.get("plain"):
        _limit(job["page_limit_s"])
        yield _plain_page(document, job["first"])
        return
    _limit(prepare_limit_s(page_count))
    if job["bake"]:
        with contextlib.suppress(*DAMAGE_ERRORS):
            document.bake_forms_and_annotations()
    headings = _find_headings(document) if job["headings"] is None else job["headings"]
    yield {"headings": headings}
    for number in range(job["first"], page_count + 1):
        _limit(job["page_limit_s"])
        yield _page(document, number, headings)


def _attached_questions(document: PagewiseDocument) -> tuple[str, dict[str, Any] | None]:
    """Return the text of the attachment, empty if there is none, and a note if it is too large to be read."""
    with contextlib.suppress(*DAMAGE_ERRORS):
        if ATTACHMENT in document.embfile_names():
            # The size that the PDF states may be wrong, so the content's size is checked as well.
            if document.embfile_info(ATTACHMENT)["length"] <= MAX_BYTES:
                content = document.embfile_get(ATTACHMENT)
                if len(content) <= MAX_BYTES:
                    return content.decode("utf-8", "replace"), None
            return "", {"code": "questions_too_large", "params": {"max_mib": MAX_BYTES >> 20}}
    return "", None


def _limit(seconds: float) -> None:
    """End this process after the given time, by a timer of the kernel, which also interrupts a call into MuPDF.

    The parent limits the time as well, but it may have been killed.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def _find_headings(document: PagewiseDocument) -> dict[str, str]:
    try:
        headers = IdentifyHeaders(document)
    except DAMAGE_ERRORS:
        legible = [number for number in range(len(document)) if _is_legible(document, number)]
        headers = IdentifyHeaders(document, pages=legible)
    return {str(size): mark for size, mark in headers.header_id.items()}


def _is_legible(document: PagewiseDocument, number: int) -> bool:
    try:
        document[number].get_text("dict")
    except DAMAGE_ERRORS:
        return False
    return True


def _page(document: PagewiseDocument, number: int, headings: dict[str, str]) -> dict[str, Any]:
    """Lay a page out as Markdown; return its plain text if that fails."""
    def mark(span: dict[str, Any], page: Any = None) -> str:
        return headings.get(str(round(span["size"])), "")

    try:
        page = document[number - 1]
        page.remove_rotation()
        drawings = page.get_cdrawings()
        (chunk,) = to_markdown(document, pages=[number - 1], hdr_info=mark, page_chunks=True,
                               table_strategy="lines_strict" if may_hold_table(drawings) else None,
                               # The background, which takes 2 ms to render, only matters for filled areas.
                               detect_bg_color=any(drawing["type"] == "f" for drawing in drawings))
        line = {"markdown": chunk["text"], "text": document[number - 1].get_text()}
        if page.get_images():  # MuPDF would cache up to 256 MiB of decoded images
            pymupdf.TOOLS.store_shrink(100)
    except Exception as error:  # whatever the libraries raise on this page, the other pages are still needed
        return {"cause": type(error).__name__, **_plain_page(document, number)}
    if line["text"].strip() and not line["markdown"].strip():  # the layout omits text that is written upwards
        return {"cause": "empty layout", **_plain_page(document, number)}
    return line


def _plain_page(document: PagewiseDocument, number: int) -> dict[str, Any]:
    """Read a page as plain text, with its blocks as paragraphs."""
    try:
        page = document[number - 1]
        blocks = [block[4].strip() for block in page.get_text("blocks") if block[6] == 0]
        return {"markdown": "\n\n".join(filter(None, blocks)), "text": page.get_text()}
    except Exception as error:  # as above
        return {"markdown": "", "text": "", "cause": type(error).__name__}


def may_hold_table(drawings: Iterable[dict[str, Any]]) -> bool:
    """Return whether the drawings of a page may contain a table, so that the table finder has to run.

    The table finder takes nine tenths of the time of a page of text. It only returns tables with at least two rows and
    two columns, that is, three horizontal lines more than SNAP apart and three such vertical lines, all connected. So a
    table lies in a band of drawings with gaps of at most SNAP, which is higher and wider than twice SNAP and has more
    than a single line or box.
    """
    for band in _bands(drawing for drawing in drawings if not _is_shade(drawing)):
        boxes = [drawing["rect"] for drawing in band]
        width, height = (max(box[axis + 2] for box in boxes) - min(box[axis] for box in boxes) for axis in (0, 1))
        if width > 2 * SNAP and height > 2 * SNAP and not _is_single_line_or_box(band):
            return True
    return False


def _is_shade(drawing: dict[str, Any]) -> bool:
    """Return whether a drawing is a filled area without an outline, which the strategy lines_strict ignores."""
    left, top, right, bottom = drawing["rect"]
    return bool(drawing["type"] == "f" and right - left > SNAP and bottom - top > SNAP)


def _is_single_line_or_box(band: list[dict[str, Any]]) -> bool:
    return len(band) == 1 and len(band[0]["items"]) == 1 and band[0]["items"][0][0] in ("l", "re")


def _bands(drawings: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Group drawings whose vertical extents overlap or are at most SNAP apart."""
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
