"""Small files that tests make: PDFs, JSONL, a set to rank."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

# By words alone the passage with fewer other words comes first.
CORPUS = [{"id": "a", "text": "porosity"}, {"id": "b", "text": "porosity under a thin biscuit of the ladle"},
          {"id": "c", "text": "soldering of the die"}, {"id": "d", "text": "vacuum valve"}]
QUERIES = [{"query": "porosity", "relevant": ["b"]}, {"query": "soldering", "relevant": ["c"]},
           {"query": "porosity", "relevant": ["a", "d"]}, {"query": "lunch", "relevant": ["d"]}]


def pdf(path: Path, *pages: str) -> Path:
    """A PDF with a line of text a page."""
    canvas = Canvas(str(path), pagesize=A4)
    for text in pages:
        canvas.drawString(72, 750, text)
        canvas.showPage()
    canvas.save()
    return path


def lines(path: Path, rows: Iterable[Any]) -> Path:
    """A JSONL file; text goes as it is."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), "utf-8")
    return path
