"""`shotwise ingest|documents|remove|ask|evaluate-knowledge`: what they print, and their exit statuses."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from sets import CORPUS, QUERIES, lines, pdf

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise_cli.knowledge_commands import FLOORS
from shotwise_cli.knowledge_evaluation import read_floors
from shotwise_cli.main import main
from shotwise_local.home_setup import SHIPPED_INDEX

Output = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an empty document store and no manuals; what `prepare` sets is undone afterwards."""
    (tmp_path / "manuals").mkdir()
    (tmp_path / "home").mkdir()
    for name, setting in (("SHOTWISE_HOME", tmp_path / "home"), ("SHOTWISE_MANUALS", tmp_path / "manuals"),
                        ("SHOTWISE_INDEX", tmp_path / "home/library.sqlite"), ("MPLCONFIGDIR", tmp_path / "matplotlib"),
                        ("SHOTWISE_MODEL_DIR", ROOT / "models/shotwise"), ("NO_PROXY", ""), ("no_proxy", ""),
                        ("SHOTWISE_PUBLIC_URL", "http://127.0.0.1:8000")):
        monkeypatch.setenv(name, str(setting))
    return tmp_path


def run(capsys: Output, *arguments: str | Path) -> tuple[int, Any, str]:
    """Run a command with --json: exit status, the JSON document of standard output, standard error."""
    status = main([*map(str, arguments), "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else None, printed.err


def test_documents_are_ingested_listed_and_removed(home: Path, capsys: Output) -> None:
    """An ingested document is listed, a failed one with its reason; a removed one is gone with its copy."""
    folder = home / "new"
    folder.mkdir()
    pdf(folder / "guide.pdf", "The biscuit is thin when the ladle pours too little.", "Page two.")
    (folder / "broken.PDF").write_bytes(b"%PDF-1.7 not really")
    status, outcomes, progress = run(capsys, "ingest", folder)
    states = {outcome["name"]: outcome["state"] for outcome in outcomes}
    assert status == 1 and states == {"guide.pdf": "added", "broken.PDF": "failed"}
    assert "guide.pdf" in progress
    status, listing, _ = run(capsys, "documents")
    broken, guide = listing["documents"]
    assert status == 0 and broken["failure"].startswith("broken.PDF: ")
    assert (guide["pages"], guide["failure"]) == (2, None)
    assert {path.name for path in (home / "home/documents").iterdir()} == {"guide.pdf", "broken.PDF"}
    assert run(capsys, "ingest", folder / "guide.pdf")[1][0]["state"] == "unchanged"
    status, removed, _ = run(capsys, "remove", "guide.pdf")
    assert status == 0 and (removed["name"], removed["state"]) == ("guide.pdf", "removed")
    assert [outcome["name"] for outcome in run(capsys, "documents")[1]["documents"]] == ["broken.PDF"]
    assert not (home / "home/documents/guide.pdf").exists()


def test_without_json_each_document_is_a_line(home: Path, capsys: Output) -> None:
    """Without --json there is a line for each document on standard output, with the reason of a failure."""
    path = pdf(home / "guide.pdf", "The biscuit is thin when the ladle pours too little.")
    (home / "broken.pdf").write_bytes(b"")
    assert main(["ingest", str(path), str(home / "broken.pdf")]) == 1
    assert main(["documents"]) == 0
    out = capsys.readouterr().out
    assert "guide.pdf: added, 1 pages" in out and "broken.pdf: is empty" in out and "broken.pdf: not searched" in out
    assert main(["remove", "guide.pdf"]) == 0 and capsys.readouterr().out == "guide.pdf: removed\n"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such names")
@pytest.mark.parametrize("name", ["기공.pdf".encode("cp949"), b"\x1b[31mred.pdf", "a\u202efdp.pdf".encode(),
                                  b"a\nshotwise: forged.pdf"])
def test_a_name_that_cannot_be_shown_is_escaped(home: Path, capsys: Output, name: bytes) -> None:
    """It is refused, listed and removed, and its characters never reach the terminal as they are."""
    content = pdf(home / "guide.pdf", "The biscuit is thin when the ladle pours too little.").read_bytes()
    for folder in ("new", "home/documents"):
        (home / folder).mkdir()
        Path(os.fsdecode(os.fsencode(home / folder) + b"/" + name)).write_bytes(content)
    assert main(["ingest", str(home / "new")]) == 1
    assert main(["documents"]) == 0
    assert main(["remove", os.fsdecode(name)]) == 0
    printed = capsys.readouterr()
    assert list((home / "home/documents").iterdir()) == []
    assert not {"\x1b", "\u202e", "\udcb1"} & set(printed.out + printed.err) and "\nshotwise: forged" not in printed.out


@pytest.mark.parametrize("name", ["unknown.pdf", "../library.sqlite", "manual.pdf"])
def test_only_documents_of_the_plant_are_removed(home: Path, capsys: Output, name: str) -> None:
    """An unknown document, a path and a shipped manual end with status 1 and one line."""
    pdf(home / "manuals/manual.pdf", "A manual that comes with Shotwise.")
    assert main(["remove", name]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "shotwise: " in printed.err and (home / "manuals/manual.pdf").exists()


@pytest.mark.parametrize("arguments", [["ingest", "absent.pdf"], ["ask", " "], ["ask", "\udcff"], ["ask", "x" * 2001],
                                       ["evaluate-knowledge", "--corpus", "x.jsonl"],
                                       ["evaluate-knowledge", "--queries", "x.jsonl"],
                                       ["evaluate-knowledge", "--corpus", "absent", "--queries", "absent"],
                                       ["evaluate-knowledge", "--corpus", ".", "--queries", "."]])
def test_bad_input_is_status_2(home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch,
                               arguments: list[str]) -> None:
    """One line says what is wrong, and nothing is on standard output."""
    monkeypatch.chdir(home)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("shotwise: ") and printed.err.count("\n") == 1


def test_the_command_prints_the_ranking_figures_and_nothing_else(tmp_path: Path, capsys: Output) -> None:
    """One JSON document with --json, a line for each figure without; no floor applies."""
    options = ["--corpus", str(lines(tmp_path / "c.jsonl", CORPUS)),
             "--queries", str(lines(tmp_path / "q.jsonl", QUERIES))]
    status, figures, errors = run(capsys, "evaluate-knowledge", *options)
    assert (status, errors) == (0, "")
    assert set(figures) == {"recall@5", "mrr@10", "ndcg@10", "queries", "passages", "p50_ms", "p95_ms"}
    assert main(["evaluate-knowledge", *options]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == set(figures)


@pytest.mark.parametrize(("corpus", "queries", "location"), [
    (["", CORPUS[0], "{"], QUERIES, "c.jsonl:3"), ([CORPUS[0], "[]"], QUERIES, "c.jsonl:2"),
    ([{"id": 5, "text": "x"}], QUERIES, "c.jsonl:1"), ([{"id": "a"}], QUERIES, "c.jsonl:1"),
    ([*CORPUS, CORPUS[0]], QUERIES, "c.jsonl:5"), ([], QUERIES, "c.jsonl"), (["\ufeff{}"], QUERIES, "c.jsonl:1"),
    (CORPUS, ["x"], "q.jsonl:1"), (CORPUS, [{"query": "x"}], "q.jsonl:1"), (CORPUS, [], "q.jsonl"),
    (CORPUS, [QUERIES[0], {"query": "x", "relevant": ["z"]}], "q.jsonl:2"),
    (CORPUS, [{"query": "x", "relevant": []}], "q.jsonl:1"), (CORPUS, [{"query": "x", "relevant": "a"}], "q.jsonl:1"),
    (CORPUS, [{"query": "x", "relevant": [5]}], "q.jsonl:1"),
    (CORPUS, [{"query": "x", "relevant": [["a"]]}], "q.jsonl:1")])
def test_a_bad_line_is_named(tmp_path: Path, capsys: Output, corpus: list[Any], queries: list[Any],
                             location: str) -> None:
    """Status 2, with file, number of the line (empty lines count), and what is wrong."""
    status, figures, error = run(capsys, "evaluate-knowledge", "--corpus", lines(tmp_path / "c.jsonl", corpus),
                              "--queries", lines(tmp_path / "q.jsonl", queries))
    assert (status, figures) == (2, None) and error.startswith(f"shotwise: {location}: ") and error.count("\n") == 1


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path, capsys: Output) -> None:
    """For example a file in EUC-KR, as spreadsheets write it."""
    (tmp_path / "c.jsonl").write_bytes('{"id": "a", "text": "기공"}\n'.encode("euc-kr"))
    status, _, error = run(capsys, "evaluate-knowledge", "--corpus", tmp_path / "c.jsonl", "--queries",
                          lines(tmp_path / "q.jsonl", QUERIES))
    assert status == 2 and "c.jsonl" in error


def test_the_command_fails_under_a_floor_and_passes_over_all(home: Path, capsys: Output,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shipped documents the status is 0, with a manual missing it is 1.

    The figures are printed in both cases, and each figure under its floor is named on standard error.
    """
    monkeypatch.setenv("SHOTWISE_MANUALS", str(home / "manuals"))
    for name in ("defect-casebook", "inspection-standard", "maintenance-guide", "process-manual"):
        (home / f"manuals/{name}.pdf").symlink_to(ROOT / f"manuals/{name}.pdf")
    (home / "home/library.sqlite").write_bytes(SHIPPED_INDEX.read_bytes())
    status, figures, errors = run(capsys, "evaluate-knowledge")
    assert status == 0, errors
    assert set(read_floors(FLOORS)) <= set(figures) and errors == ""
    (home / "manuals/defect-casebook.pdf").unlink()
    document_store = SqliteDocumentStore(home / "home/library.sqlite")
    document_store.remove("defect-casebook.pdf")
    document_store.close()
    status, figures, errors = run(capsys, "evaluate-knowledge")
    assert status == 1 and figures["recall@5"] < 1 and "recall@5 is 0." in errors and "under its floor" in errors
