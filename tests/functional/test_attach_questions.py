"""`shotwise attach-questions` attaches all questions to a PDF, or changes nothing."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
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
    """Run the command with a questions file of this content; return its status."""
    questions_path = manual.with_name("questions.jsonl")
    questions_path.write_bytes(content)
    return main(["attach-questions", str(manual), str(questions_path)])


def test_the_document_brings_its_questions(manual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its pages stay as they are; the same questions again change nothing, and others replace them."""
    before = parse(manual)
    content = json.dumps(ROW, ensure_ascii=False).encode()
    assert attach(manual, content) == 0 and "manual.pdf: 2 questions attached" in capsys.readouterr().out
    pdf_bytes = manual.read_bytes()
    document = parse(manual)
    assert document.pages == before.pages and document.notes == ()
    assert document.expected_questions[0].questions == tuple(ROW["questions"])
    assert attach(manual, content) == 0 and manual.read_bytes() == pdf_bytes
    assert attach(manual, json.dumps({**ROW, "questions": ["a"]}).encode()) == 0
    assert [expected.questions for expected in parse(manual).expected_questions] == [("a",)]
    assert sorted(path.name for path in manual.parent.iterdir()) == ["manual.pdf", "questions.jsonl"]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "holds no questions"), (b"{", "line 1"), ("가".encode("euc-kr"), "is not UTF-8"),
    (json.dumps({**ROW, "page": 2}).encode(), 'page 2 does not contain "Nozzles'),
    (json.dumps({**ROW, "text": "Nozzles are blue."}).encode(), 'page 1 does not contain "Nozzles are blue."'),
    (b" " * ((8 << 20) + 1), "is larger than 8 MiB")])
def test_what_cannot_be_used_changes_nothing(manual: Path, capsys: pytest.CaptureFixture[str], content: bytes,
                                             message: str) -> None:
    """The command ends with status 2 and says what is wrong with which file."""
    before = manual.read_bytes()
    assert attach(manual, content) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "questions.jsonl" in printed.err and message in printed.err
    assert manual.read_bytes() == before


def test_a_file_that_is_no_pdf_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not a PDF, or is not there, ends with status 2 and its name, not with a stack trace."""
    (tmp_path / "text.pdf").write_text("no PDF")
    for name in ("text.pdf", "absent.pdf"):
        assert attach(tmp_path / name, json.dumps(ROW).encode()) == 2
        assert name in capsys.readouterr().err


def test_permissions_of_the_document_stay(tmp_path: Path) -> None:
    """A PDF that forbids changes to all but its owner still does so with questions attached."""
    pdf_document = pymupdf.open()
    pdf_document.new_page().insert_text((72, 72), LINE)
    protected = pdf_document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="o",
                                     permissions=pymupdf.PDF_PERM_PRINT)
    with pymupdf.open("pdf", with_questions(protected, b"{}")) as with_attachment:
        assert with_attachment.metadata["encryption"] and not with_attachment.permissions & pymupdf.PDF_PERM_MODIFY


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_file_stays_what_it_was(manual: Path, mode: int) -> None:
    """Its mode stays, narrow or wide; and where it is a link, the link stays and the PDF that it leads to changes."""
    manual.chmod(mode)
    link = manual.with_name("link.pdf")
    link.symlink_to(manual)
    before = manual.read_bytes()
    assert attach(link, json.dumps(ROW).encode()) == 0
    assert link.is_symlink() and manual.read_bytes() != before and len(parse(manual).expected_questions) == 1
    assert stat.S_IMODE(manual.stat().st_mode) == mode


def test_no_foreign_file_is_overwritten(manual: Path) -> None:
    """A file under the temporary name of earlier versions belongs to somebody else."""
    foreign = manual.with_name(".manual.pdf.new")
    foreign.write_text("mine")
    assert attach(manual, json.dumps(ROW).encode()) == 0 and foreign.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(manual: Path) -> None:
    """For a user who is no administrator the PDF there stays as it is, and the error names it."""
    before = manual.read_bytes()
    for folder in manual.parents[:-2]:  # which pytest makes for their owner alone
        folder.chmod(folder.stat().st_mode | 0o011)
    manual.parent.chmod(0o555)
    script = ("import os, pathlib, sys\n"
              "from shotwise_cli.attach_questions import attach_questions\n"
              "if os.geteuid() == 0:\n    os.setgid(12345); os.setuid(12345)\n"
              "try:\n    attach_questions(*map(pathlib.Path, sys.argv[1:]))\n"
              "except PermissionError as error:\n    print(error.filename)")
    done = subprocess.run([sys.executable, "-c", script, str(manual), "questions.jsonl"], capture_output=True,
                          text=True, check=True)
    manual.parent.chmod(0o755)
    assert done.stdout == f"{manual}\n" and manual.read_bytes() == before
    assert list(manual.parent.iterdir()) == [manual]


def test_a_disk_that_gets_full_leaves_the_document(manual: Path) -> None:
    """When the new PDF cannot be written to its end, the status is not 0, and the PDF is unchanged and alone."""
    (manual.parent / "questions.jsonl").write_text(json.dumps(ROW))
    before = manual.read_bytes()
    script = ("import resource, sys\n"
              "from shotwise_cli.main import main\n"
              "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
              "sys.exit(main(['attach-questions', *sys.argv[1:]]))")
    done = subprocess.run([sys.executable, "-c", script, str(manual), str(manual.parent / "questions.jsonl")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr == f"shotwise: {manual}: File too large\n"
    assert manual.read_bytes() == before
    assert sorted(path.name for path in manual.parent.iterdir()) == ["manual.pdf", "questions.jsonl"]
