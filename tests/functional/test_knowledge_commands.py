"""`shotwise ingest|documents|remove|ask|evaluate-knowledge`: what they print, where, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sets import CORPUS, QUERIES, lines, pdf

from shotwise.adapters.sqlite.document_store import SqliteDocumentStore
from shotwise_cli.knowledge_commands import FLOORS
from shotwise_cli.knowledge_evaluation import read_floors
from shotwise_cli.main import main

Output = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "layers/knowledge/knowledge/index.sqlite"

@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an empty library and no manuals; what `prepare` sets is taken back afterwards."""
    (tmp_path / "manuals").mkdir()
    (tmp_path / "home").mkdir()
    for name, value in (("SHOTWISE_HOME", tmp_path / "home"), ("SHOTWISE_MANUALS", tmp_path / "manuals"),
                        ("SHOTWISE_INDEX", tmp_path / "home/library.sqlite"), ("MPLCONFIGDIR", tmp_path / "matplotlib"),
                        ("SHOTWISE_MODEL_DIR", ROOT / "models/shotwise"), ("NO_PROXY", ""), ("no_proxy", ""),
                        ("SHOTWISE_PUBLIC_URL", "http://127.0.0.1:8000")):
        monkeypatch.setenv(name, str(value))
    return tmp_path


def run(capsys: Output, *arguments: str | Path) -> tuple[int, Any, str]:
    """Exit status, the one JSON document of standard output, standard error."""
    status = main([*map(str, arguments), "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else None, printed.err


def test_ingest_documents_and_remove_tell_one_story(home: Path, capsys: Output) -> None:
    """What went in is listed, what failed with its reason; what is removed is gone, its kept copy too."""
    folder = home / "new"
    folder.mkdir()
    pdf(folder / "guide.pdf", "The biscuit is thin when the ladle pours too little.", "Page two.")
    (folder / "broken.PDF").write_bytes(b"%PDF-1.7 not really")
    status, told, said = run(capsys, "ingest", folder)
    assert status == 1 and {one["name"]: one["state"] for one in told} == {"guide.pdf": "added", "broken.PDF": "failed"}
    assert "guide.pdf" in said
    status, found, _ = run(capsys, "documents")
    broken, guide = found["documents"]
    assert status == 0 and broken["failure"].startswith("broken.PDF: ")
    assert (guide["pages"], guide["failure"]) == (2, None)
    assert (home / "home/documents/guide.pdf").exists() and not (home / "home/documents/broken.PDF").exists()
    assert run(capsys, "ingest", folder / "guide.pdf")[1][0]["state"] == "unchanged"
    status, removed, _ = run(capsys, "remove", "guide.pdf")
    assert status == 0 and (removed["name"], removed["state"]) == ("guide.pdf", "removed")
    assert [one["name"] for one in run(capsys, "documents")[1]["documents"]] == ["broken.PDF"]
    assert not (home / "home/documents/guide.pdf").exists()


def test_people_are_told_the_same(home: Path, capsys: Output) -> None:
    """A line a document, on standard output; the reason of a failure is there too."""
    path = pdf(home / "guide.pdf", "The biscuit is thin when the ladle pours too little.")
    (home / "broken.pdf").write_bytes(b"")
    assert main(["ingest", str(path), str(home / "broken.pdf")]) == 1
    assert main(["documents"]) == 0
    out = capsys.readouterr().out
    assert "guide.pdf: added, 1 pages" in out and "broken.pdf: is empty" in out and "broken.pdf: not searched" in out
    assert main(["remove", "guide.pdf"]) == 0 and capsys.readouterr().out == "guide.pdf: removed\n"


def test_a_removal_survives_a_kill(home: Path, capsys: Output) -> None:
    """The file went, then the process before its event was handled: the next start makes the library follow."""
    assert main(["ingest", str(pdf(home / "guide.pdf", "The biscuit is thin."))]) == 0
    (home / "home/documents/guide.pdf").unlink()
    capsys.readouterr()
    assert run(capsys, "documents")[1]["documents"] == []


@pytest.mark.parametrize("name", ["unknown.pdf", "../library.sqlite", "manual.pdf"])
def test_what_is_not_ones_own_is_not_removed(home: Path, capsys: Output, name: str) -> None:
    """Status 1 and one line that says so."""
    pdf(home / "manuals/manual.pdf", "A manual that comes with Shotwise.")
    assert main(["remove", name]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "shotwise: " in printed.err and (home / "manuals/manual.pdf").exists()


@pytest.mark.parametrize("arguments", [["ingest", "absent.pdf"], ["ask", " "], ["ask", "x" * 2001],
                                       ["evaluate-knowledge", "--corpus", "x.jsonl"],
                                       ["evaluate-knowledge", "--queries", "x.jsonl"],
                                       ["evaluate-knowledge", "--corpus", "absent", "--queries", "absent"],
                                       ["evaluate-knowledge", "--corpus", ".", "--queries", "."]])
def test_bad_input_is_status_2(home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch,
                               arguments: list[str]) -> None:
    """With a line that says what is wrong, and nothing on standard output."""
    monkeypatch.chdir(home)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("shotwise: ") and printed.err.count("\n") == 1


def test_the_command_prints_the_ranking_figures_and_nothing_else(tmp_path: Path, capsys: Output) -> None:
    """One JSON document with --json, a line a figure without; nothing on standard error; no floor applies."""
    given = ["--corpus", str(lines(tmp_path / "c.jsonl", CORPUS)),
             "--queries", str(lines(tmp_path / "q.jsonl", QUERIES))]
    status, found, said = run(capsys, "evaluate-knowledge", *given)
    assert (status, said) == (0, "")
    assert set(found) == {"recall@5", "mrr@10", "ndcg@10", "queries", "passages", "p50_ms", "p95_ms"}
    assert main(["evaluate-knowledge", *given]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == set(found)


@pytest.mark.parametrize(("corpus", "queries", "named"), [
    (["", CORPUS[0], "{"], QUERIES, "c.jsonl:3"), ([CORPUS[0], "[]"], QUERIES, "c.jsonl:2"),
    ([{"id": 5, "text": "x"}], QUERIES, "c.jsonl:1"), ([{"id": "a"}], QUERIES, "c.jsonl:1"),
    ([*CORPUS, CORPUS[0]], QUERIES, "c.jsonl:5"), ([], QUERIES, "c.jsonl"), (["\ufeff{}"], QUERIES, "c.jsonl:1"),
    (CORPUS, ["x"], "q.jsonl:1"), (CORPUS, [{"query": "x"}], "q.jsonl:1"), (CORPUS, [], "q.jsonl"),
    (CORPUS, [QUERIES[0], {"query": "x", "relevant": ["z"]}], "q.jsonl:2"),
    (CORPUS, [{"query": "x", "relevant": []}], "q.jsonl:1"), (CORPUS, [{"query": "x", "relevant": "a"}], "q.jsonl:1"),
    (CORPUS, [{"query": "x", "relevant": [5]}], "q.jsonl:1"),
    (CORPUS, [{"query": "x", "relevant": [["a"]]}], "q.jsonl:1")])
def test_a_bad_line_is_named(tmp_path: Path, capsys: Output, corpus: list[Any], queries: list[Any], named: str) -> None:
    """Status 2, with the file, the number of the line, empty ones counted, and what is wrong."""
    status, found, said = run(capsys, "evaluate-knowledge", "--corpus", lines(tmp_path / "c.jsonl", corpus),
                              "--queries", lines(tmp_path / "q.jsonl", queries))
    assert (status, found) == (2, None) and said.startswith(f"shotwise: {named}: ") and said.count("\n") == 1


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path, capsys: Output) -> None:
    """Spreadsheets write EUC-KR."""
    (tmp_path / "c.jsonl").write_bytes('{"id": "a", "text": "기공"}\n'.encode("euc-kr"))
    status, _, said = run(capsys, "evaluate-knowledge", "--corpus", tmp_path / "c.jsonl", "--queries",
                          lines(tmp_path / "q.jsonl", QUERIES))
    assert status == 2 and "c.jsonl" in said


def test_the_command_fails_under_a_floor_and_passes_over_all(home: Path, capsys: Output,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the shipped documents: status 0 and one document. Of a library that lacks a manual: status 1, the figures
    all the same, and each that is under its floor named on standard error."""
    monkeypatch.setenv("SHOTWISE_MANUALS", str(home / "manuals"))
    for name in ("defect-casebook", "inspection-standard", "maintenance-guide", "process-manual"):
        (home / f"manuals/{name}.pdf").symlink_to(ROOT / f"manuals/{name}.pdf")
    (home / "home/library.sqlite").write_bytes(SHIPPED.read_bytes())
    status, found, said = run(capsys, "evaluate-knowledge")
    assert status == 0, said
    assert set(read_floors(FLOORS)) <= set(found) and said == ""
    (home / "manuals/defect-casebook.pdf").unlink()
    library = SqliteDocumentStore(home / "home/library.sqlite")
    library.remove("defect-casebook.pdf")
    library.close()
    status, found, said = run(capsys, "evaluate-knowledge")
    assert status == 1 and found["recall@5"] < 1 and "recall@5 is 0." in said and "under its floor" in said
