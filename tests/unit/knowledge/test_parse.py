"""A PDF is read page by page, and a file that is no PDF with text is named with what is wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import sys
from pathlib import Path

import pymupdf
import pytest
from pymupdf4llm.helpers.pymupdf_rag import to_markdown
from sample_documents import MANUALS
from sample_pdfs import attach, draw_picture, draw_words, parse_with_fake_worker, save, save_pages

from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.page_reader import clean
from shotwise.knowledge.ingestion.parse import parse
from shotwise.knowledge.models import Document, ExpectedQuestion
from shotwise.limits import MAX_PAGES, MAX_QUESTIONS_BYTES, MAX_READER_BYTES, MAX_STOPPED_PAGES
from shotwise.messages import Message

ANSWERED = ExpectedQuestion(1, "Biscuit thickness", ("비스킷이 왜 얇나요?", "Why is it thin?"))
ROW = json.dumps(ANSWERED.__dict__, ensure_ascii=False)

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
    assert parse(save(tmp_path / "press manual.pdf", draw_words)).title == "press manual"


def test_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a DocumentError that names it."""
    with pytest.raises(DocumentError, match=r"^absent\.pdf: cannot be read"):
        parse(tmp_path / "absent.pdf")


def test_empty_file_is_named(tmp_path: Path) -> None:
    """A file of 0 bytes is called empty."""
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(DocumentError, match=r"^empty\.pdf: is empty"):
        parse(tmp_path / "empty.pdf")


def test_renamed_file_is_named(tmp_path: Path) -> None:
    """A file of another kind that was renamed to .pdf is called no PDF."""
    (tmp_path / "table.pdf").write_bytes(b"PK\x03\x04 a spreadsheet")
    with pytest.raises(DocumentError, match=r"^table\.pdf: is not a PDF"):
        parse(tmp_path / "table.pdf")


def test_truncated_file_is_named(tmp_path: Path) -> None:
    """A PDF that lacks only its last part is refused rather than repaired with pages lost."""
    complete = (MANUALS / "defect-casebook.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(complete[: len(complete) * 9 // 10])
    with pytest.raises(DocumentError, match=r"^cut\.pdf: is cut short"):
        parse(tmp_path / "cut.pdf")


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """A PDF with nothing usable between its first and last bytes is called damaged, without its path."""
    (tmp_path / "torn.pdf").write_bytes(b"%PDF-1.7\n" + b"\0" * 500 + b"%%EOF")
    with pytest.raises(DocumentError, match=r"^torn\.pdf: .*damaged") as raised:
        parse(tmp_path / "torn.pdf")
    assert str(tmp_path) not in str(raised.value)


def test_encrypted_file_is_named(tmp_path: Path) -> None:
    """A PDF with a password is called encrypted."""
    path = save(tmp_path / "secret.pdf", draw_words, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="u", owner_pw="o")
    with pytest.raises(DocumentError, match=r"^secret\.pdf: .*encrypted"):
        parse(path)


def test_scanned_file_is_named(tmp_path: Path) -> None:
    """A PDF of pictures alone is called one without text."""
    with pytest.raises(DocumentError, match=r"^scan\.pdf: holds no text, only images"):
        parse(save(tmp_path / "scan.pdf", draw_picture))


def test_file_without_pages_is_named(tmp_path: Path) -> None:
    """A complete PDF without pages is said to have none."""
    (tmp_path / "none.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                                        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF")
    with pytest.raises(DocumentError, match=r"^none\.pdf: has no pages; export"):
        parse(tmp_path / "none.pdf")


def test_endless_document_is_named(tmp_path: Path) -> None:
    """A PDF of more pages than the limit is refused before any page is document."""
    with pytest.raises(DocumentError, match=rf"^guide\.pdf: has more than {MAX_PAGES} pages; split"):
        parse_with_fake_worker(tmp_path, pages=MAX_PAGES + 1)


def test_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is a DocumentError that can itself be written as UTF-8."""
    with pytest.raises(DocumentError, match=r"^\?\?\.pdf: .*rename") as raised:
        parse(tmp_path / os.fsdecode(b"\xb0\xa1.pdf"))
    assert str(raised.value).encode()


def test_repaired_file_is_noted(tmp_path: Path) -> None:
    """A PDF whose table of objects is gone is read, with a note that pages may be missing."""
    sound = save_pages(tmp_path / "sound.pdf", 2).read_bytes()
    (tmp_path / "torn.pdf").write_bytes(sound.replace(b"startxref", b"startxxxx"))
    document = parse(tmp_path / "torn.pdf")
    assert len(document.pages) == 2
    assert document.notes == (Message("repaired"),)


def test_the_mark_of_a_pdf_may_stand_after_other_bytes(tmp_path: Path) -> None:
    """A PDF is read even if a download wrote a line before it."""
    pdf = save(tmp_path / "plain.pdf", draw_words).read_bytes()
    (tmp_path / "late.pdf").write_bytes(b"HTTP/1.1 200\n" + pdf)
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
        in_one_call = [(clean(chunk["text"]), clean(page.get_text()))
                       for chunk, page in zip(to_markdown(pdf, page_chunks=True), pdf, strict=True)]
    document = parse(path)
    assert [(page.markdown, page.text) for page in document.pages] == in_one_call
    assert ["|P2g|2 bar|" in page for page, _ in in_one_call] == [False, True] * 3
    assert "Seen by the line lead" in in_one_call[2][0] and "Dross in the ladle" in in_one_call[3][0]
    assert document.notes == ()


def test_upright_lines_alone_are_read_as_text(tmp_path: Path) -> None:
    """A page written upwards, which the layout leaves out, is read as plain text, with a note."""
    document = parse(save(tmp_path / "side.pdf", lambda page: page.insert_text((72, 300), "Die spray", rotate=90)))
    assert document.pages[0].markdown == "Die spray"
    assert document.notes == (Message("page_plain_text", {"page": 1, "cause": "empty layout"}),)


def test_page_that_cannot_be_read_is_left_empty(tmp_path: Path) -> None:
    """A page on which the library raises is left empty, and the others are document."""
    path = save_pages(tmp_path / "deep.pdf", 3)
    with pymupdf.open(path) as pdf:
        pdf.update_stream(pdf[1].get_contents()[0], b"q " * 200_000)
        pdf.save(tmp_path / "deeper.pdf")
    document = parse(tmp_path / "deeper.pdf")
    assert [page.text.strip() for page in document.pages] == [
        "Page 1 speaks of porosity", "", "Page 3 speaks of porosity"]
    assert document.notes == (Message("page_empty", {"page": 2, "cause": "RuntimeError"}),)


@pytest.mark.parametrize(("failure", "cause"), [("hang", "timeout after 1 s"), ("crash", "crash"), ("half", "crash")])
def test_page_that_stops_the_worker_is_read_as_text(tmp_path: Path, failure: str, cause: str) -> None:
    """A hang, a crash and a half-written page are read as plain text; the next worker goes on after that page."""
    document = parse_with_fake_worker(tmp_path, **{"page 2": failure})
    assert [page.text for page in document.pages] == ["page 1", "plain 2", "page 3"]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.notes == (Message("page_plain_text", {"page": 2, "cause": cause}),)


@pytest.mark.parametrize("failure", ["hang", "crash"])
def test_page_whose_text_stops_the_worker_is_left_empty(tmp_path: Path, failure: str) -> None:
    """A page whose plain text cannot be read either is left empty, also as the last one."""
    document = parse_with_fake_worker(tmp_path, **{"page 3": "crash", "plain 3": failure})
    assert [page.text for page in document.pages] == ["page 1", "page 2", ""]
    assert document.notes == (Message("page_empty", {"page": 3, "cause": "crash"}),)


def test_document_of_crashing_pages_is_given_up(tmp_path: Path) -> None:
    """A document with more such pages than the limit is an error that says what to do."""
    crashing = {f"page {number}": "crash" for number in range(1, 100)}
    with pytest.raises(DocumentError, match=rf"^guide\.pdf: more than {MAX_STOPPED_PAGES} pages .*print it"):
        parse_with_fake_worker(tmp_path, pages=99, **crashing)


def test_document_of_no_readable_page_is_not_called_a_scan(tmp_path: Path) -> None:
    """Where pages were given up and no text is left, the error does not advise text recognition."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: none of its pages can be read; export"):
        parse_with_fake_worker(tmp_path, pages=1, **{"page 1": "crash", "plain 1": "crash"})


@pytest.mark.parametrize("failure", ["crash", "half"])
def test_crash_at_opening_is_named(tmp_path: Path, failure: str) -> None:
    """A file on which the worker ends before its first line is an error that names the file."""
    with pytest.raises(DocumentError, match=r"^guide\.pdf: cannot be opened \(crash\); export"):
        parse_with_fake_worker(tmp_path, open=failure)


def test_crash_while_headings_are_found_costs_the_headings(tmp_path: Path) -> None:
    """Where finding the headings fails, pages are read without them, with one note."""
    document = parse_with_fake_worker(tmp_path, prepare="crash", **{"page 2": "crash"})
    assert [page.text for page in document.pages] == ["page 1", "plain 2", "page 3"]
    assert document.notes == (Message("no_headings", {"cause": "crash"}),
                          Message("page_plain_text", {"page": 2, "cause": "crash"}))


def test_unseen_characters_are_gone_from_text_and_markdown(tmp_path: Path) -> None:
    """A page has no control, zero-width or surrogate characters, and fits into JSON and SQLite."""
    text = "P\x001\ud800\n\t주\u200b조\x07 압\ufeff력\x0c\r\n끝\x85.\u2028"
    (page, *_) = parse_with_fake_worker(tmp_path, text=text).pages
    assert page.text == page.markdown == "P\ufffd1\ufffd\n\t주조 압력\n\n끝\n.\n"
    assert json.loads(json.dumps(page.text, ensure_ascii=False).encode()) == page.text
    with sqlite3.connect(":memory:") as store:
        assert store.execute("SELECT ?", (page.text,)).fetchone() == (page.text,)


@pytest.mark.parametrize("content", [ROW, ROW + "\n", "\r\n" + ROW + "\r\n", "\ufeff" + ROW,
                                     ROW.replace("왜", "왜\u200b"), json.dumps(ANSWERED.__dict__)])
def test_attached_questions_are_read(tmp_path: Path, content: str) -> None:
    """Questions are read with the marks that editors leave in a file and any escapes; pages stay as they are."""
    path = save(tmp_path / "guide.pdf", draw_words)
    plain = parse(path)
    document = parse(attach(path, content.encode()))
    assert (document.expected_questions, document.notes, document.pages) == ((ANSWERED,), (), plain.pages)
    assert document.sha256 != plain.sha256 and plain.expected_questions == ()


def test_a_damaged_line_of_questions_is_noted(tmp_path: Path) -> None:
    """A line that cannot be read is noted by its number; the lines around it count, even with bytes not UTF-8."""
    content = b"\n".join([ROW.encode(), b"{", ROW.encode().replace(b"thin", b"thi\xff"), b'{"page": 0}'])
    document = parse(attach(save(tmp_path / "guide.pdf", draw_words), content))
    assert [expected.questions[1] for expected in document.expected_questions] == [
        "Why is it thin?", "Why is it thi\ufffd?"]
    assert [(note.code, note.params["line"]) for note in document.notes] == [
        ("questions_line_not_json", 2), ("questions_line_bad_page", 4)]


@pytest.mark.parametrize("name", ["Questions.jsonl", "questions.json", "old/questions.jsonl", "questions.jsonl.txt"])
def test_attachments_of_other_names_are_not_read(tmp_path: Path, name: str) -> None:
    """Attachments of other names are ignored, also beside the right one."""
    path = attach(save(tmp_path / "guide.pdf", draw_words), b"{", name)
    assert (parse(path).expected_questions, parse(path).notes) == ((), ())
    assert parse(attach(path, ROW.encode())).expected_questions == (ANSWERED,)


@pytest.mark.parametrize(("size", "expected", "notes"), [
    (MAX_QUESTIONS_BYTES, (ANSWERED,), ()),
    (MAX_QUESTIONS_BYTES + 1, (), (Message("questions_too_large", {"max_mib": 8}),))])
def test_questions_have_a_limit(tmp_path: Path, size: int, expected: tuple[ExpectedQuestion, ...],
                                notes: tuple[Message, ...]) -> None:
    """An attachment over the limit is skipped with a note, however small it is in the PDF."""
    path = attach(save(tmp_path / "guide.pdf", draw_words), ROW.encode().ljust(size))
    document = parse(path)
    assert (document.expected_questions, document.notes, len(document.pages)) == (expected, notes, 1)


def test_an_attachment_that_is_torn_costs_its_questions(tmp_path: Path) -> None:
    """A torn attachment is ignored, and the pages are document."""
    path = attach(save(tmp_path / "guide.pdf", draw_words), ROW.encode() * 9)
    with pymupdf.open(path) as pdf:
        (torn,) = (xref for xref in range(1, pdf.xref_length()) if pdf.xref_get_key(xref, "Type")[1] == "/EmbeddedFile")
        pdf.update_stream(torn, b"\0 no such stream", compress=False)
        pdf.xref_set_key(torn, "Filter", "/FlateDecode")
        pdf.save(tmp_path / "torn.pdf")
    document = parse(tmp_path / "torn.pdf")
    assert document.pages[0].text.strip() == "Biscuit thickness" and document.expected_questions == ()


@pytest.mark.parametrize("plan", [{"page 2": "crash"}, {"prepare": "crash"}, {"page 1": "crash", "plain 1": "crash"}])
def test_questions_are_read_once(tmp_path: Path, plan: dict[str, str]) -> None:
    """However many workers read the pages, the questions and their notes come once, before the notes of pages."""
    document = parse_with_fake_worker(tmp_path, questions=f"{{\n{ROW}", **plan)
    assert document.expected_questions == (ANSWERED,) and len(document.notes) == 2
    assert (document.notes[0].code, document.notes[0].params["line"]) == ("questions_line_not_json", 1)


@pytest.mark.parametrize("package", ["pymupdf", "pymupdf4llm"])
def test_the_patches_refuse_other_versions_of_the_reader(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """The patches of pymupdf do not load beside a version that they were not written for."""
    monkeypatch.setattr(importlib.import_module(package), "__version__", "9.9.9")
    spec = importlib.util.find_spec("shotwise.compat.pymupdf")
    assert spec and spec.loader
    with pytest.raises(ImportError, match=f"{package} 9.9.9 is installed"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_missing_reader_is_named(tmp_path: Path) -> None:
    """Without its libraries the worker says what to install."""
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; sys.modules['pymupdf4llm'] = None; "
                                     "from shotwise.knowledge.ingestion.parse_worker import main; main()"]
    with pytest.raises(DocumentError, match=r"^guide\.pdf: .*pip install pymupdf==1\.26\.7 pymupdf4llm==0\.2\.9$"):
        parse(save(tmp_path / "guide.pdf", draw_words), command=command)


def test_a_crash_is_no_lack_of_memory_because_the_parent_uses_much(tmp_path: Path) -> None:
    """On Linux a process inherits the peak memory of the one that started it."""
    ballast = bytearray(MAX_READER_BYTES)
    ballast[::4096] = b"x" * len(ballast[::4096])  # touched, so that it counts
    document = parse_with_fake_worker(tmp_path, **{"page 2": "crash"})
    assert [note.params["cause"] for note in document.notes] == ["crash"] and ballast
