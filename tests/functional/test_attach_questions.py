"""`shotwise attach-questions`: a PDF is found by the questions that were attached, or nothing of it is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pymupdf
import pytest
from sets import pdf

from shotwise.knowledge.ingestion.parse import parse
from shotwise_cli.attach_questions import with_questions
from shotwise_cli.main import main

LINE = "Nozzles are cleaned in every shift."
ROW = {"page": 1, "text": LINE, "questions": ["노즐은 언제 뚫나요?", "When do I unblock it?"]}


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """A PDF of one page."""
    return pdf(tmp_path / "manual.pdf", LINE)


def attach(manual: Path, content: bytes) -> int:
    """What the command answers to a file of this content."""
    questions = manual.with_name("questions.jsonl")
    questions.write_bytes(content)
    return main(["attach-questions", str(manual), str(questions)])


def test_the_document_brings_them(manual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its pages stay as they are; attached again they change nothing, others take their place."""
    before = parse(manual)
    content = json.dumps(ROW, ensure_ascii=False).encode()
    assert attach(manual, content) == 0 and "manual.pdf: 2 questions attached" in capsys.readouterr().out
    once = manual.read_bytes()
    found = parse(manual)
    assert found.pages == before.pages and found.notes == () and found.expected_questions[0].questions == tuple(ROW["questions"])
    assert attach(manual, content) == 0 and manual.read_bytes() == once
    assert attach(manual, json.dumps({**ROW, "questions": ["a"]}).encode()) == 0
    assert [each.questions for each in parse(manual).expected_questions] == [("a",)]
    assert sorted(path.name for path in manual.parent.iterdir()) == ["manual.pdf", "questions.jsonl"]


@pytest.mark.parametrize(("content", "told"), [
    (b"", "holds no questions"), (b"{", "line 1"), ("가".encode("euc-kr"), "is not UTF-8"),
    (json.dumps({**ROW, "page": 2}).encode(), "page 2 does not hold 'Nozzles"),
    (json.dumps({**ROW, "text": "Nozzles are blue."}).encode(), "page 1 does not hold 'Nozzles are blue.'"),
    (b" " * ((8 << 20) + 1), "is larger than 8 MiB")])
def test_what_cannot_be_used_changes_nothing(manual: Path, capsys: pytest.CaptureFixture[str], content: bytes,
                                             told: str) -> None:
    """Status 2, with the file and what is wrong."""
    before = manual.read_bytes()
    assert attach(manual, content) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "questions.jsonl" in printed.err and told in printed.err
    assert manual.read_bytes() == before


def test_a_document_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a file that is no PDF nor one that is not there ends in a stack trace."""
    (tmp_path / "text.pdf").write_text("no PDF")
    for name in ("text.pdf", "absent.pdf"):
        assert attach(tmp_path / name, json.dumps(ROW).encode()) == 2
        assert name in capsys.readouterr().err


def test_rights_of_the_document_stay(tmp_path: Path) -> None:
    """An owner's password that forbids changes by others is kept."""
    made = pymupdf.open()
    made.new_page().insert_text((72, 72), LINE)
    sealed = made.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="o", permissions=pymupdf.PDF_PERM_PRINT)
    with pymupdf.open("pdf", with_questions(sealed, b"{}")) as found:
        assert found.metadata["encryption"] and not found.permissions & pymupdf.PDF_PERM_MODIFY
