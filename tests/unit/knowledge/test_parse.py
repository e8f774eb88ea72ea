"""PDF → pages, and the ways in which a file fails to be a PDF with text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from sample_documents import MANUALS

from shotwise.errors import DocumentError
from shotwise.knowledge.parse import parse
from shotwise.knowledge.passage import Document


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


def test_real_manual_has_pages_headings_and_text(casebook: Document) -> None:
    """A real manual gives its title, pages numbered from 1, headings in the Markdown and the PDF's own text."""
    assert casebook.title == "다이캐스팅 결함 사례집"
    assert [page.number for page in casebook.pages] == list(range(1, len(casebook.pages) + 1))
    assert any(line.startswith("# 1. 미성형") for line in "\n".join(p.markdown for p in casebook.pages).splitlines())
    with pymupdf.open(MANUALS / casebook.name) as pdf:
        assert [page.text for page in casebook.pages] == [page.get_text() for page in pdf]


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
