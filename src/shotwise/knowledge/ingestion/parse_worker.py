"""The process that reads a PDF for `parse`: it opens the file, finds the headings, then prints page after page.

Its arguments are the file and a job in JSON: {first, parent, page_limit_s, headings, bake}, where `parent` is the id of
the process that started it, or {first, parent, page_limit_s, plain} to read the one page `first` as plain text. It
prints one line of JSON for each step as soon as it is done:

1. {title, pages, repaired, questions, note}, or only {failure}. `note` and `failure` are {code, params} of
   `shotwise.messages`; `note` may be null.
2. {headings}, Markdown's mark by font size, copied from the job if it has them. A plain job omits this line.
3. {markdown, text} for each page from `first` on, with {cause} if the page was read as plain text or is empty, and
   {cut_off} if it has more characters than a page may.

If it needs more memory than it may use, it prints {stopped} with the cause and ends, because some of the memory that a
page took is lost.

Calling pymupdf4llm once for the whole document gives the same text; it is called page by page so that a page that
cannot be read can be skipped.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT
from shotwise.knowledge.ingestion.time_budget import prepare_seconds
from shotwise.knowledge.ingestion.worker_process import OUT_OF_MEMORY, is_near_memory_limit, own_peak
from shotwise.limits import (
    MAX_BACKGROUND_PIXELS,
    MAX_PAGE_CHARACTERS,
    MAX_QUESTIONS_BYTES,
    MAX_READER_BYTES,
    OPEN_SECONDS,
)

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
PR_SET_PDEATHSIG = 1  # of prctl(2)
GRACE_S = 5.0  # added to every time limit, so that the parent stops the worker first unless it has ended
SNAP = 3.0  # distance in points up to which the table finder treats lines as one
ALLOCATION_FAILED = re.compile(r"\b[mc]alloc\b.* failed|\brealloc\b.* failed|out of memory")  # in texts of MuPDF
INHERITED_PEAK = own_peak()  # before this process has used memory of its own


class _OutOfMemory(Exception):
    """The process needs more memory than it may use."""


def main() -> None:
    """Do the job that the arguments describe."""
    path, job = sys.argv[1], json.loads(sys.argv[2])
    _end_with_parent(job["parent"])
    _limit_memory()
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pymupdf.TOOLS.mupdf_display_errors(False)
    try:
        for line in _read(path, job):
            out.write(json.dumps(line) + "\n")
            out.flush()
    except (_OutOfMemory, MemoryError):
        os.write(out.fileno(), json.dumps({"stopped": OUT_OF_MEMORY}).encode() + b"\n")
        os._exit(1)  # ending in order takes memory as well


def _end_with_parent(parent: int) -> None:
    """Let Linux end this process when its parent does; elsewhere its time limits have to do.

    A thread that looks for the parent would not get its turn while MuPDF works on a page.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            os._exit(1)


def _limit_memory() -> None:
    """Limit the memory of this process on Linux; macOS has no such limit, so there the time limits have to do."""
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = MAX_READER_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_READER_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _check_memory(error: BaseException | None = None) -> None:
    """Raise _OutOfMemory if this error, or a warning of MuPDF since the last call, says that memory ran out.

    MuPDF goes on without a font or an image that does not fit into memory, and warns. pymupdf's own code in C ignores
    that an allocation failed, which Python notices as a SystemError.
    """
    texts = f"{error} {pymupdf.TOOLS.mupdf_warnings()}"
    starved = isinstance(error, SystemError) and is_near_memory_limit(own_peak(), INHERITED_PEAK)
    if starved or isinstance(error, MemoryError) or ALLOCATION_FAILED.search(texts):
        raise _OutOfMemory from error


def _read(path: str, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    _limit(OPEN_SECONDS)
    try:
        document = PagewiseDocument(path, filetype="pdf")
        if document.needs_pass:
            yield {"failure": {"code": "encrypted", "params": {}}}
            return
        page_count = len(document)
        title = (document.metadata or {}).get("title") or ""
    except DAMAGE_ERRORS as error:
        _check_memory(error)
        yield {"failure": {"code": "damaged", "params": {}}}
        return
    questions, note = _attached_questions(document) if job["first"] == 1 and not job.get("plain") else ("", None)
    yield {"title": title, "pages": page_count, "repaired": bool(document.is_repaired), "questions": questions,
           "note": note}
    if job.get("plain"):
        _limit(job["page_limit_s"])
        yield _plain_page(document, job["first"])
        return
    _limit(prepare_seconds(page_count))
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
            if document.embfile_info(ATTACHMENT)["length"] <= MAX_QUESTIONS_BYTES:
                content = document.embfile_get(ATTACHMENT)
                if len(content) <= MAX_QUESTIONS_BYTES:
                    return content.decode("utf-8", "replace"), None
            return "", {"code": "questions_too_large", "params": {"max_mib": MAX_QUESTIONS_BYTES >> 20}}
    return "", None


def _limit(seconds: float) -> None:
    """End this process after the given time, by a timer of the kernel, which also interrupts a call into MuPDF.

    The parent limits the time as well, but it may have been killed.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def _find_headings(document: PagewiseDocument) -> dict[str, str]:
    try:
        headers = IdentifyHeaders(document)
    except DAMAGE_ERRORS as error:
        _check_memory(error)
        legible = [number for number in range(len(document)) if _is_legible(document, number)]
        headers = IdentifyHeaders(document, pages=legible)
    return {str(size): mark for size, mark in headers.header_id.items()}


def _is_legible(document: PagewiseDocument, number: int) -> bool:
    try:
        document[number].get_text("dict")
    except DAMAGE_ERRORS as error:
        _check_memory(error)
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
        images = page.get_images()
        (chunk,) = to_markdown(document, pages=[number - 1], hdr_info=mark, page_chunks=True,
                               table_strategy="lines_strict" if may_hold_table(drawings) else None,
                               detect_bg_color=_needs_background(drawings, images))
        line = _page_line(chunk["text"], document[number - 1].get_text())
        if images:  # MuPDF would cache up to 256 MiB of decoded images
            pymupdf.TOOLS.store_shrink(100)
    except Exception as error:  # whatever the libraries raise on this page, the other pages are still needed
        _check_memory(error)
        return {"cause": type(error).__name__, **_plain_page(document, number)}
    _check_memory()
    if line["text"].strip() and not line["markdown"].strip():  # the layout omits text that is written upwards
        return {"cause": "empty layout", **_plain_page(document, number)}
    return line


def _needs_background(drawings: Iterable[dict[str, Any]], images: Iterable[tuple[Any, ...]]) -> bool:
    """Return whether the colour of the page's background is needed: it only matters for filled areas.

    It is rendered in 2 ms, but with images under it these are decoded, so that very large ones take gigabytes.
    """
    pixels = sum(width * height for _, _, width, height, *_ in images)
    return pixels <= MAX_BACKGROUND_PIXELS and any(drawing["type"] == "f" for drawing in drawings)


def _page_line(markdown: str, text: str) -> dict[str, Any]:
    """Return the line of a page, whose texts are cut off at the limit; Markdown may have as many marks as text."""
    line: dict[str, Any] = {"markdown": markdown[:2 * MAX_PAGE_CHARACTERS], "text": text[:MAX_PAGE_CHARACTERS]}
    if len(text) > MAX_PAGE_CHARACTERS or len(markdown) > 2 * MAX_PAGE_CHARACTERS:
        line["cut_off"] = True
    return line


def _plain_page(document: PagewiseDocument, number: int) -> dict[str, Any]:
    """Read a page as plain text, with its blocks as paragraphs."""
    try:
        page = document[number - 1]
        text_page = page.get_textpage(flags=pymupdf.TEXTFLAGS_TEXT)
        blocks = [block[4].strip() for block in text_page.extractBLOCKS() if block[6] == 0]
        line = _page_line("\n\n".join(filter(None, blocks)), text_page.extractText())
    except Exception as error:  # as above
        _check_memory(error)
        return {"markdown": "", "text": "", "cause": type(error).__name__}
    _check_memory()
    return line


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
