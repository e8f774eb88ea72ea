"""PDFs that tests make, and a worker that fails as a test wants it to."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf

from shotwise.knowledge.ingestion.expected_questions import ATTACHMENT
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.ingestion.time_budget import TimeBudget
from shotwise.knowledge.models import Document

# Prints what a worker prints for a document of as many pages as the plan in argv[1] has, and fails where it says so.
FAKE_WORKER = """
import json, os, signal, sys, time
plan, job = json.loads(sys.argv[1]), json.loads(sys.argv[3])
def do(what):
    if what == "memory": print('{"stopped": "memory"}', flush=True); os._exit(1)
    if what == "hang": time.sleep(60)
    if what == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if what == "half": print('{"markdown": "ha', end="", flush=True); os._exit(0)
def tell(**line): print(json.dumps(line), flush=True)
do(plan.get("open"))
tell(title=plan.get("title", "Fake"), pages=plan["pages"], repaired=False, questions=plan.get("questions", ""))
if not job.get("plain"):
    do(plan.get("prepare") if job["bake"] else "")
    tell(headings={})
for number in [job["first"]] if job.get("plain") else range(job["first"], plan["pages"] + 1):
    do(plan.get(("plain " if job.get("plain") else "page ") + str(number)))
    text = plan.get("text", ("plain " if job.get("plain") else "page ") + str(number))
    tell(markdown=text, text=text, cut_off=plan.get("cut_off", False))
"""
LIMIT_S = 1.0  # for the fake worker, which prints at once or never


def save(path: Path, draw: Callable[[pymupdf.Page], object], **options: object) -> Path:
    """Write a PDF of one page, drawn by `draw`."""
    with pymupdf.open() as pdf:
        draw(pdf.new_page())
        pdf.save(path, **options)
    return path


def draw_words(page: pymupdf.Page) -> None:
    """Put a line of text on the page."""
    page.insert_text((72, 72), "Biscuit thickness")


def draw_picture(page: pymupdf.Page) -> None:
    """Put a grey picture on the page."""
    pixels = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 50, 50), False)
    pixels.clear_with(128)
    page.insert_image(page.rect, pixmap=pixels)


def save_pages(path: Path, count: int) -> Path:
    """Write a PDF of `count` pages that say their number."""
    with pymupdf.open() as pdf:
        for number in range(1, count + 1):
            pdf.new_page().insert_text((72, 72), f"Page {number} speaks of porosity")
        pdf.save(path)
    return path


def attach(path: Path, attachment: bytes, name: str = ATTACHMENT) -> Path:
    """Attach a file to a PDF, in place of one of that name."""
    with pymupdf.open(path) as pdf:
        if name in pdf.embfile_names():
            pdf.embfile_del(name)
        pdf.embfile_add(name, attachment, filename=name)
        content = pdf.tobytes(no_new_id=True, deflate=True)
    path.write_bytes(content)
    return path


def parse_with_fake_worker(tmp_path: Path, *, budget: TimeBudget | None = None, **plan: object) -> Document:
    """Parse a PDF with a worker that behaves as `plan` says."""
    return parse(save(tmp_path / "guide.pdf", draw_words), page_limit_s=LIMIT_S, budget=budget,
                 command=[sys.executable, "-c", FAKE_WORKER, json.dumps({"pages": 3, **plan})])
