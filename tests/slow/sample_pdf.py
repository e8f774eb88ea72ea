"""A PDF that slow tests upload, and a question that it alone answers."""

from __future__ import annotations

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

NAME = "작업 표준 #1 (100%).pdf"
FIRST, FACT = "Work standard of line seven.", "The quorbex of line seven is greased with plintol every forty shots."
QUESTION = {"query": "How is the quorbex greased with plintol?"}


def pdf(*pages: str) -> bytes:
    """Make a PDF with a line of text on each page."""
    canvas = Canvas("", pagesize=A4)
    for text in pages:
        canvas.drawString(72, 750, text)
        canvas.showPage()
    content: bytes = canvas.getpdfdata()
    return content
