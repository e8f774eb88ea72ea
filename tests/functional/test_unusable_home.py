"""Without a place to write, commands do what can be done without, and else end with a sentence that says what to set.

Folders without permission, which need a process of their own, are in tests/slow/test_unusable_home.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shotwise_cli.main import main

Output = pytest.CaptureFixture[str]
CHANGED = ("SHOTWISE_INDEX", "SHOTWISE_INDEX_READ_ONLY", "SHOTWISE_MODEL_DIR", "SHOTWISE_MANUALS",
           "SHOTWISE_PUBLIC_URL", "MPLCONFIGDIR", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file where a folder is expected; the home is beside it, and what a command sets is undone afterwards."""
    for name in CHANGED:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SHOTWISE_HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_text("no database, and no folder")
    return tmp_path / "file"


@pytest.mark.parametrize("home", ["file", "file/deeper"])
def test_the_shipped_documents_are_listed_without_a_home(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output,
                                                         home: str) -> None:
    """Where the home is a file, the shipped document store is read, and one line says so."""
    monkeypatch.setenv("SHOTWISE_HOME", str(file.parent / home))
    assert main(["documents", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("cannot be written") == 1 and str(file) in printed.err
    assert "process-manual.pdf" in {entry["name"] for entry in json.loads(printed.out)["documents"]}


@pytest.mark.parametrize("index", ["file", "file/deeper", "."])
def test_an_unusable_document_store_is_named_by_its_setting(file: Path, monkeypatch: pytest.MonkeyPatch,
                                                            capsys: Output, index: str) -> None:
    """A file that is no database, a path that cannot be made, and a folder."""
    monkeypatch.setenv("SHOTWISE_INDEX", str(file.parent / index))
    assert main(["documents"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("shotwise: SHOTWISE_INDEX: ") and str(file.parent / index) in printed
    assert printed.count("\n") == 1 and file.read_text() == "no database, and no folder"


@pytest.mark.parametrize(("name", "value"), [
    ("POWERTOOLS_LOG_LEVEL", "loud"), ("POWERTOOLS_LOG_LEVEL", "\x1b[31m"), ("POWERTOOLS_DEV", "maybe"),
    ("SHOTWISE_API_PORT", "99999"), ("SHOTWISE_API_PORT", "٨٠٠٠"), ("SHOTWISE_API_PORT", "8_000"),
    ("SHOTWISE_API_PORT", "9" * 5000), ("SHOTWISE_API_PORT", " 8000"), ("SHOTWISE_SIMILAR", "nan")])
def test_an_unusable_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Output, name: str, value: str) -> None:
    """One line with the setting, whatever its value holds."""
    monkeypatch.setenv(name, value)
    assert main(["documents"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"shotwise: {name} is ") and printed.err.count("\n") == 1
    assert printed.out == "" and "\x1b" not in printed.err
