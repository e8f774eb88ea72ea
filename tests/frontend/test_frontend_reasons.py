"""What the reader of documents says, in words of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend import reasons
from frontend.messages import Words
from shotwise.errors import DocumentError
from shotwise.knowledge.ingestion.parse import parse

READER = "\n".join((Path(__file__).parents[2] / "src/shotwise" / path).read_text(encoding="utf-8")
                   for path in ("knowledge/ingestion/parse.py", "knowledge/ingestion/parse_worker.py", "handlers/embed_documents.py"))
# (message without its name, the part of it that stands in the reader's code, Korean, English)
FAILURES = [
    ("none of its pages can be read; export it again as PDF", "none of its pages can be read", "하나도", "None of its"),
    ("holds no text, only images; run it through text recognition first", "holds no text, only images", "그림만",
     "images and no text"),
    ("has a name that is not UTF-8; rename it", "has a name that is not UTF-8", "파일 이름", "name cannot be used"),
    ("its name must be the file name of a PDF, such as 작업 표준.pdf", ": its name ", "파일 이름",
     "name cannot be used"),
    ("is not a PDF; export it again as PDF", "is not a PDF", "PDF 파일이 아닙니다", "no PDF"),
    ("is empty; export it again as PDF", "is empty", "빈 파일", "is empty"),
    ("is cut short; copy or export it again", "is cut short", "잘려", "end of the file is missing"),
    ("is larger than 1024 MiB; split it", "is larger than", "1024 MiB보다", "larger than 1024 MiB"),
    ("more than 20 pages cannot be read, page 31 as the last; print it to a new PDF, or split it",
     "pages cannot be read, page", "20쪽을 넘습니다", "More than 20"),
    ("has more than 20000 pages; split it", "has more than", "20000쪽이 넘습니다", "more than 20000 pages"),
    ("has no pages; export it again as PDF", "has no pages", "쪽이 하나도 없습니다", "no pages"),
    ("is encrypted; store it without a password", "is encrypted", "암호", "encrypted"),
    ("is damaged; export it again as PDF", "is damaged; export", "손상", "damaged"),
    ("cannot be opened: it took longer than 60 s; export it again as PDF", "cannot be opened: it", "열지 못",
     "could not open"),
    ("cannot be read: it crashed the reader; export it again as PDF", "cannot be read: it", "열지 못",
     "could not open"),
    ("cannot be read without pymupdf4llm: pip install pymupdf4llm", "cannot be read without", "설치", "lacks"),
    ("cannot be read (Permission denied); check its path and rights", "cannot be read ({", "읽지 못", "could not read"),
]
NOTES = [
    ("page 7 took longer than 20 s; it is left empty", "took longer than {", "7쪽은 읽지 못해", "Page 7 could not"),
    ("page 7 crashed the reader; its plain text was used", "crashed the reader", "7쪽은 배치를", "layout of page 7"),
    ("page 7 cannot be laid out (IndexError); its plain text was used", "cannot be laid out (", "7쪽은 배치를",
     "layout of page 7"),
    ("page 7 cannot be laid out (IndexError); it is left empty", "it is left empty", "7쪽은 읽지 못해",
     "Page 7 could not"),
    ("is damaged and was mended; check that no page is missing, or export it again", "is damaged and was mended",
     "고쳐 읽었습니다", "was mended"),
    ("looking through its pages took longer than 61 s; headings and annotations are not told apart",
     "looking through its pages", "제목과 주석", "Headings"),
]


@pytest.mark.parametrize(("message", "fixed", "korean", "english"), FAILURES)
def test_a_failure_is_said_in_the_words_of_the_page(message: str, fixed: str, korean: str, english: str) -> None:
    """Every reason that stands in the reader's code today is known, in both languages."""
    assert fixed in READER
    assert korean in (reasons.failure(f"가.pdf: {message}", "가.pdf", Words("ko")) or "")
    assert english in (reasons.failure(f"가.pdf: {message}", "가.pdf", Words("en")) or "")


@pytest.mark.parametrize(("message", "fixed", "korean", "english"), NOTES)
def test_a_note_is_said_in_the_words_of_the_page(message: str, fixed: str, korean: str, english: str) -> None:
    """Every note that stands in the reader's code today is known, in both languages."""
    assert fixed in READER
    assert korean in (reasons.note(f"가.pdf: {message}", "가.pdf", Words("ko")) or "")
    assert english in (reasons.note(f"가.pdf: {message}", "가.pdf", Words("en")) or "")


def test_an_unknown_message_has_no_words() -> None:
    """It is left to the page to show it as it is, without the name before it."""
    assert reasons.failure("가.pdf: is a novel", "가.pdf", Words("ko")) is None
    assert reasons.note("page 7 is upside down", "가.pdf", Words("ko")) is None
    assert reasons.own("가.pdf: is a novel", "가.pdf") == "is a novel"


@pytest.mark.parametrize(("content", "said"), [(b"", "빈 파일"), (b"Hello", "PDF 파일이 아닙니다"),
                                              (b"%PDF-1.7", "잘려")])
def test_what_the_reader_really_says_is_known(content: bytes, said: str, tmp_path: Path) -> None:
    """The reader's own error about a bad file is turned into words."""
    path = tmp_path / "가.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        parse(path)
    assert said in (reasons.failure(str(caught.value), path.name, Words("ko")) or "")
