"""`shotwise explain`: a line a shot, the pictures of all, and a run that was cut off goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import as_features, generate

from local.cli import main
from local.explain import EXPLANATIONS, explain_file, read_shots
from shotwise.bundle import Bundle
from shotwise.errors import InvalidInput

SHOTS = 6


@pytest.fixture
def given(bundle: Bundle) -> list[dict[str, Any]]:
    """A few shots as a caller would send them."""
    return [as_features(row, bundle) for row in generate(bundle, SHOTS, seed=9)]


@pytest.fixture
def table(tmp_path: Path, given: list[dict[str, Any]]) -> Path:
    """The shots as a CSV with a column that is no feature."""
    return write_table(tmp_path / "shots.csv", given)


def write_table(path: Path, shots: list[dict[str, Any]]) -> Path:
    """A CSV; null is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*shots[0], "Inspector"])
        writer.writerows([*("" if value is None else value for value in shot.values()), "A"] for shot in shots)
    return path


def lines(out: Path) -> list[dict[str, Any]]:
    """The explanations in a folder."""
    return [json.loads(line) for line in (out / EXPLANATIONS).read_text("utf-8").splitlines()]


def quiet(done: int, steps: int, what: str) -> None:
    """No progress shown."""


def test_every_shot_has_a_line_that_adds_up(table: Path, tmp_path: Path, given: list[dict[str, Any]],
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the file, with contributions, signals and setpoints; the summary is one JSON document."""
    out = tmp_path / "out"
    assert main(["explain", str(table), "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["shots"], summary["explained"], summary["rejected"]) == (SHOTS, SHOTS, 0)
    found = lines(out)
    assert [line["row"] for line in found] == list(range(1, SHOTS + 1))
    for line in found:
        assert line["base_value"] + sum(line["importance"].values()) == pytest.approx(line["probability"], abs=1e-6)
        assert line["setpoints"]["state"] and line["signals"] is not None
    assert {"bar.png", "beeswarm.png", "dependence-Factory_Humidity.png"} <= {path.name for path in out.iterdir()}
    assert all(Path(name).is_file() for name in summary["files"])


def test_a_run_that_was_cut_off_goes_on(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """Half a line is taken away, whole ones are kept, and the end is the same as without the interruption."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    explain_file(table, whole, bundle, "ko", quiet)
    cut.mkdir()
    content = (whole / EXPLANATIONS).read_bytes()
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    (cut / EXPLANATIONS).write_bytes(content[: ends[2] + 50])
    summary = explain_file(table, cut, bundle, "ko", quiet)
    assert (summary.resumed, summary.explained) == (3, SHOTS - 3)
    assert (cut / EXPLANATIONS).read_bytes() == content
    assert (cut / "beeswarm.png").read_bytes() == (whole / "beeswarm.png").read_bytes()


def test_an_interrupted_run_keeps_what_it_has(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """What was explained before the interruption is on the disk."""
    def interrupted(done: int, steps: int, what: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain_file(table, tmp_path / "out", bundle, "ko", interrupted)
    assert len(lines(tmp_path / "out")) == 4


@pytest.mark.parametrize("change", [
    lambda shots: [{**shots[0], "Shot": 1}, *shots[1:]], lambda shots: list(reversed(shots)),
    lambda shots: shots[:2]])
def test_explanations_of_other_shots_are_not_touched(table: Path, tmp_path: Path, bundle: Bundle,
                                                     given: list[dict[str, Any]],
                                                     change: Callable[[list[Any]], list[Any]]) -> None:
    """Another table, another order, fewer shots: the folder is named, and what is in it stays."""
    out = tmp_path / "out"
    explain_file(table, out, bundle, "ko", quiet)
    before = (out / EXPLANATIONS).read_bytes()
    other = write_table(tmp_path / "other.csv", change(given))
    assert main(["explain", str(other), "--out", str(out)]) == 2
    assert main(["explain", str(table), "--out", str(out), "--language", "en"]) == 2
    assert (out / EXPLANATIONS).read_bytes() == before


def test_a_shot_at_fault_has_its_errors_and_stops_no_other(tmp_path: Path, given: list[dict[str, Any]],
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    """The field is named in its line; the exit status says that something was at fault."""
    wrong = [given[0], {**given[1], "Spray_Time": "fast", "Coolant_Temp": 1e9}, given[2]]
    out = tmp_path / "out"
    assert main(["explain", str(write_table(tmp_path / "shots.csv", wrong)), "--out", str(out)]) == 2
    found = lines(out)
    assert {error["field"] for error in found[1]["errors"]} == {"features.Spray_Time", "features.Coolant_Temp"}
    assert all("importance" in found[row] for row in (0, 2)) and "1 at fault" in capsys.readouterr().out


def test_json_says_the_same_as_csv(table: Path, tmp_path: Path, given: list[dict[str, Any]], bundle: Bundle) -> None:
    """A list of shots, or the body that /predict takes."""
    listed, body = tmp_path / "list.json", tmp_path / "body.json"
    listed.write_text(json.dumps(given), "utf-8")
    body.write_text(json.dumps({"shots": [{"features": shot} for shot in given]}), "utf-8")
    expected = read_shots(table, bundle)
    for source in (listed, body):
        for shot, other in zip(read_shots(source, bundle), expected, strict=True):
            assert {name: _number(value) for name, value in shot.items()} == \
                {name: _number(value) for name, value in other.items()}


def _number(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else np.float32(value)


@pytest.mark.parametrize(("name", "content"), [
    ("shots.csv", ""), ("shots.json", "{}"), ("shots.json", "[]"), ("shots.json", "[1]"), ("shots.json", "nothing")])
def test_a_file_without_shots_is_bad_input(tmp_path: Path, bundle: Bundle, name: str, content: str) -> None:
    """It is named, and nothing is written."""
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(InvalidInput):
        explain_file(path, tmp_path / "out", bundle, "ko", quiet)
    assert not (tmp_path / "out").exists()
