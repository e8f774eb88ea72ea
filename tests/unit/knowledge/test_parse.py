"""PDF → pages, and the ways in which a file fails to be a PDF with text."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from pymupdf4llm.helpers.pymupdf_rag import to_markdown
from sample_documents import MANUALS

from shotwise.errors import DocumentError
from shotwise.knowledge.parse import MOST_PAGES, MOST_STOPS, clean, parse
from shotwise.knowledge.passage import Document

# Prints what a worker prints for a document of argv[1]["pages"] pages, and does on each page what argv[1] says.
FAKE = """
import json, os, signal, sys, time
plan, job = json.loads(sys.argv[1]), json.loads(sys.argv[3])
def do(what):
    if what == "hang": time.sleep(60)
    if what == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if what == "half": print('{"markdown": "ha', end="", flush=True); os._exit(0)
def tell(**line): print(json.dumps(line), flush=True)
do(plan.get("open"))
tell(title="Fake", pages=plan["pages"], mended=False)
if not job.get("plain"):
    do(plan.get("prepare") if job["bake"] else "")
    tell(headings={})
for number in [job["first"]] if job.get("plain") else range(job["first"], plan["pages"] + 1):
    do(plan.get(("plain " if job.get("plain") else "page ") + str(number)))
    text = plan.get("text", ("plain " if job.get("plain") else "page ") + str(number))
    tell(markdown=text, text=text)
"""
LIMIT_S = 1.0  # for fakes, which answer at once or never


def save(path: Path, draw: Callable[[pymupdf.Page], object], **options: object) -> Path:
    """Write a PDF of one page, drawn by `draw`."""
    with pymupdf.open() as pdf:
        draw(pdf.new_page())
        pdf.save(path, **options)
    return path


def words(page: pymupdf.Page) -> None:
    """Put a line of text on the page."""
    page.insert_text((72, 72), "Biscuit thickness")


def picture(page: pymupdf.Page) -> None:
    """Put a grey picture on the page."""
    pixels = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 50, 50), False)
    pixels.clear_with(128)
    page.insert_image(page.rect, pixmap=pixels)


def pages_of(path: Path, count: int) -> Path:
    """Write a PDF of `count` pages that say their number."""
    with pymupdf.open() as pdf:
        for number in range(1, count + 1):
            pdf.new_page().insert_text((72, 72), f"Page {number} speaks of porosity")
        pdf.save(path)
    return path


def faked(tmp_path: Path, **plan: object) -> Document:
    """What is read of a PDF whose worker behaves as `plan` says."""
    return parse(save(tmp_path / "guide.pdf", words), page_limit_s=LIMIT_S,
                 command=[sys.executable, "-c", FAKE, json.dumps({"pages": 3, **plan})])


def test_real_manual_has_pages_headings_and_text(casebook: Document) -> None:
    """A real manual gives its title, pages numbered from 1, headings in the Markdown and the PDF's own text."""
    assert casebook.title == "다이캐스팅 결함 사례집"
    assert [page.number for page in casebook.pages] == list(range(1, len(casebook.pages) + 1))
    assert any(line.startswith("# 1. 미성형") for line in "\n".join(p.markdown for p in casebook.pages).splitlines())
    with pymupdf.open(MANUALS / casebook.name) as pdf:
        assert [page.text for page in casebook.pages] == [clean(page.get_text()) for page in pdf]
    assert casebook.notes == ()


def test_untitled_pdf_is_called_by_its_file(tmp_path: Path) -> None:
    """A PDF without a title in its metadata gets the file's stem."""
    assert parse(save(tmp_path / "press manual.pdf", words)).title == "press manual"


def test_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a DocumentError that names it."""
    with pytest.raises(DocumentError, match=r"^absent\.pdf: cannot be read"):
        parse(tmp_path / "absent.pdf")


def test_empty_file_is_named(tmp_path: Path) -> None:
    """A file of 0 bytes is said to be empty."""
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(DocumentError, match=r"^empty\.pdf: is empty"):
        parse(tmp_path / "empty.pdf")


def test_renamed_file_is_named(tmp_path: Path) -> None:
    """A file of another kind, renamed to .pdf, is said not to be a PDF."""
    (tmp_path / "table.pdf").write_bytes(b"PK\x03\x04 a spreadsheet")
    with pytest.raises(DocumentError, match=r"^table\.pdf: is not a PDF"):
        parse(tmp_path / "table.pdf")


def test_truncated_file_is_named(tmp_path: Path) -> None:
    """A PDF that lacks only its last part is refused rather than mended with pages lost."""
    whole = (MANUALS / "defect-casebook.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(DocumentError, match=r"^cut\.pdf: is cut short"):
        parse(tmp_path / "cut.pdf")


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """A PDF with nothing usable between its first and last bytes is said to be damaged, without a path."""
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.7\n" + b"\0" * 500 + b"%%EOF")
    with pytest.raises(DocumentError, match=r"^torn\.pdf: .*damaged") as raised:
        parse(tmp_path / "torn.pdf")
    assert str(tmp_path) not in str(raised.value)


def test_encrypted_file_is_named(tmp_path: Path) -> None:
    """A PDF that wants a password is said to be encrypted."""
    path = save(tmp_path / "secret.pdf", words, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="u", owner_pw="o")
    with pytest.raises(DocumentError, match=r"^secret\.pdf: .*encrypted"):
        parse(path)


def test_scanned_file_is_named(tmp_path: Path) -> None:
    """A PDF of pictures alone is sent to text recognition."""
    with pytest.raises(DocumentError, match=r"^scan\.pdf: holds no text, only images"):
        parse(save(tmp_path / "scan.pdf", picture))


def test_file_without_pages_is_named(tmp_path: Path) -> None:
    """A PDF that is whole but has no pages is said to have none."""
    (tmp_path / "none.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                                        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF")
    with pytest.raises(DocumentError, match=r"^none\.pdf: has no pages; export"):
        parse(tmp_path / "none.pdf")


def test_endless_document_is_named(tmp_path: Path) -> None:
    """A PDF of more pages than the limit is refused before any page is read."""
    with pytest.raises(DocumentError, match=rf"^guide\.pdf: has more than {MOST_PAGES} pages; split"):
        faked(tmp_path, pages=MOST_PAGES + 1)


def test_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is a DocumentError that can itself be written as UTF-8."""
    with pytest.raises(DocumentError, match=r"^\?\?\.pdf: .*rename") as raised:
        parse(tmp_path / os.fsdecode(b"\xb0\xa1.pdf"))
    assert str(raised.value).encode()


def test_mended_file_is_told(tmp_path: Path) -> None:
    """A PDF whose table of objects is gone is read, with a note that pages may be missing."""
    whole = pages_of(tmp_path / "whole.pdf", 2).read_bytes()
    (tmp_path / "torn.pdf").write_bytes(whole.replace(b"startxref", b"startxxxx"))
    read = parse(tmp_path / "torn.pdf")
    assert len(read.pages) == 2
    assert [note[:37] for note in read.notes] == ["torn.pdf: is damaged and was mended; "]


def test_mark_may_stand_after_other_bytes(tmp_path: Path) -> None:
    """A PDF before which a download wrote a line is read as what it is."""
    whole = save(tmp_path / "whole.pdf", words).read_bytes()
    (tmp_path / "late.pdf").write_bytes(b"HTTP/1.1 200\n" + whole)
    assert parse(tmp_path / "late.pdf").pages[0].text.strip() == "Biscuit thickness"


def test_pages_are_those_of_the_whole_document(tmp_path: Path) -> None:
    """Read page by page, headings, tables, boxes, form fields and notes are as in one call for the document."""
    def draw(page: pymupdf.Page) -> None:
        page.insert_text((72, 72), f"{page.number} Countermeasures", fontsize=20)
        for row in range(4 if page.number % 2 else 0):
            page.draw_line((72, 100 + 20 * row), (272, 100 + 20 * row))
            page.insert_text((75, 115 + 20 * row), f"P{row}g", fontsize=11)
            page.insert_text((175, 115 + 20 * row), f"{row} bar", fontsize=11)
        for column in range(3 if page.number % 2 else 0):
            page.draw_line((72 + 100 * column, 100), (72 + 100 * column, 160))
        page.draw_rect((70, 300, 270, 330))
        page.insert_text((75, 320), "Keep the shot sleeve clean.")
        page.draw_line((72, 700), (500, 700))
        page.insert_text((72, 715), f"Page {page.number}")
        if page.number == 2:
            page.add_freetext_annot((72, 400, 272, 430), "Seen by the line lead")
        if page.number == 3:
            field = pymupdf.Widget()
            field.field_name, field.field_type = "remark", pymupdf.PDF_WIDGET_TYPE_TEXT
            field.rect, field.field_value = pymupdf.Rect(72, 450, 272, 470), "Dross in the ladle"
            page.add_widget(field)

    path = tmp_path / "drawn.pdf"
    with pymupdf.open() as pdf:
        for _ in range(6):
            draw(pdf.new_page())
        pdf.save(path)
    with pymupdf.open(path) as pdf:
        whole = [(clean(chunk["text"]), clean(page.get_text()))
                 for chunk, page in zip(to_markdown(pdf, page_chunks=True), pdf, strict=True)]
    read = parse(path)
    assert [(page.markdown, page.text) for page in read.pages] == whole
    assert ["|P2g|2 bar|" in page for page, _ in whole] == [False, True] * 3
    assert "Seen by the line lead" in whole[2][0] and "Dross in the ladle" in whole[3][0]
    assert read.notes == ()


def test_upright_lines_alone_are_read_as_text(tmp_path: Path) -> None:
    """A page written upwards, of which the layout keeps nothing, is its plain text, and that is told."""
    read = parse(save(tmp_path / "side.pdf", lambda page: page.insert_text((72, 300), "Die spray", rotate=90)))
    assert read.pages[0].markdown == "Die spray"
    assert read.notes == ("side.pdf: page 1 has no text that can be laid out; its plain text was used",)


def test_page_that_cannot_be_read_is_left_empty(tmp_path: Path) -> None:
    """A page on which the library raises costs that page alone."""
    path = pages_of(tmp_path / "deep.pdf", 3)
    with pymupdf.open(path) as pdf:
        pdf.update_stream(pdf[1].get_contents()[0], b"q " * 200_000)
        pdf.save(tmp_path / "deeper.pdf")
    read = parse(tmp_path / "deeper.pdf")
    assert [page.text.strip() for page in read.pages] == [
        "Page 1 speaks of porosity", "", "Page 3 speaks of porosity"]
    assert read.notes == ("deeper.pdf: page 2 cannot be read (RuntimeError); it is left empty",)


@pytest.mark.parametrize(("what", "reason"), [
    ("hang", "took longer than 1 s"), ("crash", "crashed the reader"), ("half", "crashed the reader")])
def test_page_that_stops_the_worker_is_read_as_text(tmp_path: Path, what: str, reason: str) -> None:
    """A hang, a crash and a half-written page cost that page its layout; the next worker goes on behind it."""
    read = faked(tmp_path, **{"page 2": what})
    assert [page.text for page in read.pages] == ["page 1", "plain 2", "page 3"]
    assert [page.number for page in read.pages] == [1, 2, 3]
    assert read.notes == (f"guide.pdf: page 2 {reason}; its plain text was used",)


@pytest.mark.parametrize("what", ["hang", "crash"])
def test_page_whose_text_stops_the_worker_is_left_empty(tmp_path: Path, what: str) -> None:
    """A page that cannot be had by its text either is empty, also as the last one; the others are there."""
    read = faked(tmp_path, **{"page 3": "crash", "plain 3": what})
    assert [page.text for page in read.pages] == ["page 1", "page 2", ""]
    assert read.notes == ("guide.pdf: page 3 crashed the reader; it is left empty",)


def test_document_of_crashing_pages_is_given_up(tmp_path: Path) -> None:
    """Beyond the limit of stopped pages the document is an error that says what to do."""
    crashing = {f"page {number}": "crash" for number in range(1, 100)}
    with pytest.raises(DocumentError, match=rf"^guide\.pdf: more than {MOST_STOPS} pages .*print it"):
        faked(tmp_path, pages=99, **crashing)


def test_document_of_no_readable_page_is_not_called_a_scan(tmp_path: Path) -> None:
    """Where pages were given up and no text is left, the advice is not text recognition."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: none of its pages can be read; export"):
        faked(tmp_path, pages=1, **{"page 1": "crash", "plain 1": "crash"})


@pytest.mark.parametrize("what", ["crash", "half"])
def test_crash_at_opening_is_named(tmp_path: Path, what: str) -> None:
    """A file on which the worker ends before it says anything is an error that names it."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: cannot be opened: it crashed the reader; export"):
        faked(tmp_path, open=what)


def test_crash_while_headings_are_found_costs_the_headings(tmp_path: Path) -> None:
    """Pages are read without headings, and it is told, once."""
    read = faked(tmp_path, prepare="crash", **{"page 2": "crash"})
    assert [page.text for page in read.pages] == ["page 1", "plain 2", "page 3"]
    assert [note.partition(";")[0] for note in read.notes] == [
        "guide.pdf: looking through its pages crashed the reader", "guide.pdf: page 2 crashed the reader"]


def test_unseen_characters_are_gone_from_text_and_markdown(tmp_path: Path) -> None:
    """What is left of a page holds no control, zero-width or surrogate characters, and goes into JSON and SQLite."""
    (page, *_) = faked(tmp_path, text="P\x001\ud800\n\t주\u200b조\x07 압\ufeff력\x0c\r\n끝\x85.\u2028").pages
    assert page.text == page.markdown == "P\ufffd1\ufffd\n\t주조 압력\n\n끝\n.\n"
    assert json.loads(json.dumps(page.text, ensure_ascii=False).encode()) == page.text
    with sqlite3.connect(":memory:") as store:
        assert store.execute("SELECT ?", (page.text,)).fetchone() == (page.text,)
