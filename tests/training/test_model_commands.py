"""The commands `audit`, `schema` and `train` print what they should, where they should, with the right exit status."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
import tomllib
from pathlib import Path

import pytest
from tables import Kamp, foundry, write_csv

from shotwise_cli.console import progress_bar
from shotwise_cli.main import main
from shotwise_training.data.table import read_table

ROOT = Path(__file__).parents[2]
SCHEMA = str(ROOT / "src/shotwise_training/kamp.toml")


@pytest.fixture
def shots_csv(tmp_path: Path) -> Path:
    """The Korean foundry's table."""
    return write_csv(tmp_path / "shots.csv", foundry(), encoding="cp949")


def test_audit_tells_people_and_programs(kamp: Kamp, capsys: pytest.CaptureFixture[str]) -> None:
    """Text without --json; with it one JSON document and nothing else; exit status 0 both times."""
    assert main(["audit", "--data", str(kamp.path), "--label", "Defects"]) == 0
    assert f"{kamp.duplicates} rows repeat" in capsys.readouterr().out
    assert main(["audit", "--data", str(kamp.path), "--schema", SCHEMA, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["twins"]["rows"] == kamp.duplicates and printed.err == ""


def test_audit_of_a_table_with_problems_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ragged rows and a repeated header are reported, and the status is 0."""
    path = tmp_path / "shots.csv"
    path.write_text("a,a,b\n1,2,3\n4,5\n", "utf-8")
    assert main(["audit", "--data", str(path)]) == 0
    assert capsys.readouterr().out.count("PROBLEM") == 2


def test_schema_prints_a_schema_and_nothing_else(shots_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes out is a file that reads the same table."""
    assert main(["schema", "--data", str(shots_csv), "--label", "판정", "--defect", "불량", "--run", "샷번호"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and tomllib.loads(printed.out)["label"]["defect"] == ["불량"]
    (shots_csv.parent / "plant.toml").write_text(printed.out, "utf-8")
    assert len(read_table(shots_csv, shots_csv.parent / "plant.toml")) == 600


@pytest.mark.parametrize(("arguments", "message"), [
    (["audit", "--data", "absent.csv"], "absent.csv: No such file"),
    (["audit", "--data", "empty.csv"], "empty.csv is empty"),
    (["audit", "--data", "shots.csv", "--label", "x"], "no column x"),
    (["audit", "--data", "shots.csv", "--schema", "absent.toml"], "absent.toml: No such file"),
    (["schema", "--data", "shots.csv", "--label", "제품"], "which values of 제품 mean defective"),
    (["schema", "--data", "empty.csv", "--label", "y"], "empty.csv is empty"),
    (["train", "--data", "absent.csv", "--out", "bundle"], "absent.csv: No such file"),
    (["train", "--data", "shots.csv", "--out", "bundle"], "shots.csv has "),
    (["train", "--data", "shots.csv", "--out", "/"], "--out: / cannot be a bundle folder"),
    (["train", "--data", "shots.csv", "--schema", "empty.csv", "--out", "bundle"], "either group or column")])
def test_bad_input_is_one_line_and_status_2(shots_csv: Path, arguments: list[str], message: str,
                                            monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, without a stack trace, and nothing on standard output."""
    monkeypatch.chdir(shots_csv.parent)
    Path("empty.csv").touch()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and message in printed.err and printed.err.count("\n") == 1
    assert not Path("bundle").exists()


def test_a_report_overwrites_nothing_but_a_report(shots_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table itself, a folder, a device and a folder that does not exist: status 2 before the table is read."""
    before = shots_csv.read_bytes()
    places = {shots_csv: "exists and is no report", shots_csv.parent: "Is a directory",
              shots_csv.parent / "absent/report.html": "No such file", Path("/dev/null"): "no regular file"}
    for path, reason in places.items():
        assert main(["evaluate", "--data", "absent.csv", "--report", str(path)]) == 2
        printed = capsys.readouterr().err
        assert f"--report: {path}" in printed and reason in printed and printed.count("\n") == 1
    assert shots_csv.read_bytes() == before and list(shots_csv.parent.iterdir()) == [shots_csv]


def test_what_a_killed_run_left_is_named_and_stays(shots_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A temporary folder of ours beside `--out` is told, and left; a folder of somebody else is not mentioned."""
    ours, foreign = (shots_csv.parent / f".bundle.{digit * 16}.writing" for digit in "0f")
    for folder, name in ((ours, "model.onnx"), (foreign, "thesis.tex")):
        folder.mkdir()
        (folder / name).touch()
    assert main(["train", "--data", "absent.csv", "--out", str(shots_csv.parent / "bundle")]) == 2
    printed = capsys.readouterr().err
    assert f"{ours} was left by a run that was killed" in printed and str(foreign) not in printed
    assert ours.is_dir() and foreign.is_dir()


@pytest.mark.parametrize("content", ["[]", "{}", "null", '"text"', "{", "", '{"format": 4}'])
def test_a_bundle_that_is_none_is_a_sentence(shots_csv: Path, content: str,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    """`evaluate --bundle` of a folder whose bundle.json is anything else ends without a stack trace."""
    folder = shots_csv.parent / "bundle"
    folder.mkdir()
    (folder / "bundle.json").write_text(content)
    schema = shots_csv.parent / "plant.toml"
    schema.write_text('[label]\ncolumn = "판정"\ndefect = ["불량"]\n[features]\n"속도" = {}\n')
    assert main(["evaluate", "--data", str(shots_csv), "--schema", str(schema), "--bundle", str(folder)]) in (1, 2)
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "bundle.json" in printed.err


def test_a_table_can_be_looked_at_before_anything_is_installed(shots_csv: Path) -> None:
    """Neither torch nor scikit-learn is loaded by audit and schema; train says what to run where they are absent."""
    code = ("import sys; sys.modules.update(torch=None, sklearn=None, pandas=None)\n"
            "from shotwise_cli.main import main\n"
            f"data = ['--data', {str(shots_csv)!r}, '--label', '판정']\n"
            "print(main(['audit', *data]), main(['schema', *data]), main(['train', *data[:2]]), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True, encoding="utf-8", timeout=120)
    assert "run `make install`" in done.stderr and done.stderr.splitlines()[-1] == "0 0 1"


def test_progress_is_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, one for each step; a terminal gets one bar with the step's name instead."""
    with progress_bar() as progress:
        progress(0, 3, "first")
        progress(1, 3, "second")
    assert capsys.readouterr() == ("", "0/3 first\n1/3 second\n")


def test_progress_is_a_bar_on_a_terminal() -> None:
    """Run under a pseudo-terminal, as a user would."""
    code = ("from shotwise_cli.console import progress_bar\n"
            "with progress_bar() as progress:\n progress(0, 3, 'first')\n progress(2, 3, 'third')")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, cwd=ROOT) as process:
        assert process.wait(60) == 0
    shown = os.read(ours, 10_000).decode()
    os.close(theirs)
    assert "2/3" in shown and "third" in shown and "█" in shown
