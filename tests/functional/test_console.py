"""What a command prints cannot steer a terminal, is never cut short by an encoding, and stays JSON where it is JSON."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shotwise_cli.console import fail, note, print_json, progress_bar, show
from shotwise_cli.main import main

Output = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
ESCAPES = "\x1b]0;owned\x07\x9b2J\u202e\u2066\u200b\udcb1"


HIDDEN = frozenset("\x1b\x07\x9b\x7f\u202e\u2066\u200b\u2028\U000e0041\udcb1")


def harmless(text: str) -> bool:
    """Whether none of the hidden characters that these tests print is in a text."""
    return not HIDDEN & set(text)


def test_all_that_people_read_is_made_visible(capsys: Output) -> None:
    """An outcome, a note and an error show what was in a name; the lines of an outcome stay lines."""
    show(f"first {ESCAPES}\nsecond")
    note(f"note {ESCAPES}\nforged")
    assert fail(f"error {ESCAPES}\nshotwise: forged", 2, [f"  detail {ESCAPES}"]) == 2
    printed = capsys.readouterr()
    assert harmless(printed.out) and harmless(printed.err) and r"\u001b]0;owned\u0007" in printed.out
    assert printed.out.count("\n") == 2 and printed.err.count("\n") == 3


def test_a_step_of_the_progress_is_made_visible(capsys: Output) -> None:
    """It may be the name of a column or file."""
    with progress_bar() as progress:
        progress(1, 2, ESCAPES)
    assert harmless(capsys.readouterr().err)


@pytest.mark.parametrize("content", [ESCAPES, {ESCAPES: [ESCAPES, 1.5, None]}, "\U000e0041", "가\U0001f3ed\x7f\u2028"])
def test_json_keeps_its_content(capsys: Output, content: Any) -> None:
    """What a terminal would obey is written as an escape of JSON, which reads back as the same text."""
    print_json(content)
    printed = capsys.readouterr().out
    assert harmless(printed) and json.loads(printed) == content


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "latin-1", "utf-8"])
def test_any_encoding_takes_any_text(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the terminal lacks a character, people see an escape, and JSON stays JSON."""
    content = {"결함": "\U0001f3ed é \udcb1"}
    outputs = []
    for output in (lambda: print_json(content), lambda: show("결함 \U0001f3ed é \udcb1")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        output()
        stream.flush()
        outputs.append(stream.buffer.getvalue().decode(encoding))  # type: ignore[attr-defined]
    assert json.loads(outputs[0]) == content and outputs[1].strip()


def test_an_option_that_is_not_known_is_made_visible(capsys: Output) -> None:
    """The parser of arguments repeats it in its error."""
    with pytest.raises(SystemExit):
        main(["documents", f"--{ESCAPES}"])
    assert harmless(capsys.readouterr().err)


def test_commands_print_by_the_console_alone() -> None:
    """No module of the command line calls `print` itself, so none can forget to make a text visible."""
    calls = [f"{path.name}:{node.lineno}" for path in sorted((ROOT / "src/shotwise_cli").glob("*.py"))
             if path.name != "console.py" for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"]
    assert calls == []


def test_a_terminal_without_korean_gets_escapes(tmp_path: Path) -> None:
    """With an ASCII output, a name that is not UTF-8 and a Korean one are named, with status 2 and no traceback."""
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for name in ("기공.jsonl".encode(), "기공.jsonl".encode("cp949")):
        command = [sys.executable, "-m", "shotwise_cli.main", "evaluate-knowledge", "--queries", "x", "--corpus"]
        process = subprocess.run([*command, os.fsencode(tmp_path) + b"/" + name], env=environ, cwd=ROOT,
                                 capture_output=True, check=False)
        assert process.returncode == 2 and b"Traceback" not in process.stderr
        assert process.stderr.isascii() and b"\\u" in process.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_an_output_that_is_full_is_an_error(tmp_path: Path) -> None:
    """What was not written is not done: status 1 and a sentence, for text and for JSON."""
    lines = {"c.jsonl": '{"id": "a", "text": "기공"}', "q.jsonl": '{"query": "기공", "relevant": ["a"]}'}
    for name, line in lines.items():
        (tmp_path / name).write_text(line, "utf-8")
    command = [sys.executable, "-m", "shotwise_cli.main", "evaluate-knowledge", "--corpus", str(tmp_path / "c.jsonl"),
               "--queries", str(tmp_path / "q.jsonl")]
    for options in ([], ["--json"]):
        with Path("/dev/full").open("wb") as full:
            process = subprocess.run([*command, *options], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
        assert process.returncode == 1 and process.stderr.count(b"\n") == 1, process.stderr
        assert process.stderr.startswith(b"shotwise: ")
