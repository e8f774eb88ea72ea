"""`shotwise explain`: a line for each shot, charts of all shots, and an interrupted run resumes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import as_features, generate

from shotwise.bundle import Bundle
from shotwise_cli.errors import FileError
from shotwise_cli.explain import EXPLANATIONS, explain_file, read_shots
from shotwise_cli.main import main

SHOTS = 6


@pytest.fixture
def shots(bundle: Bundle) -> list[dict[str, Any]]:
    """A few shots as a caller would send them."""
    return [as_features(row, bundle) for row in generate(bundle, SHOTS, seed=9)]


@pytest.fixture
def table(tmp_path: Path, shots: list[dict[str, Any]]) -> Path:
    """The shots as a CSV, with a column that is not a feature."""
    return write_table(tmp_path / "shots.csv", shots)


def write_table(path: Path, shots: list[dict[str, Any]]) -> Path:
    """Write a CSV; null is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*shots[0], "Inspector"])
        writer.writerows([*("" if cell is None else cell for cell in shot.values()), "A"] for shot in shots)
    return path


def lines(out: Path) -> list[dict[str, Any]]:
    """The explanations in a folder."""
    return [json.loads(line) for line in (out / EXPLANATIONS).read_text("utf-8").splitlines()]


def no_progress(done: int, steps: int, step: str) -> None:
    """Show no progress."""


def test_every_shot_has_a_line_that_adds_up(table: Path, tmp_path: Path, shots: list[dict[str, Any]],
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the file, with contributions, signals and setpoints; the summary is one JSON document."""
    out = tmp_path / "out"
    assert main(["explain", str(table), "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["shots"], summary["explained"], summary["rejected"]) == (SHOTS, SHOTS, 0)
    explanations = lines(out)
    assert [line["row"] for line in explanations] == list(range(1, SHOTS + 1))
    for line in explanations:
        assert line["base_value"] + sum(line["importance"].values()) == pytest.approx(line["probability"], abs=1e-6)
        assert line["setpoints"]["state"] and line["signals"] is not None
    names = {path.name for path in out.iterdir()}
    assert {"bar.png", "beeswarm.png"} <= names and any(name.endswith("-Factory_Humidity.png") for name in names)
    assert summary["degraded"] == []
    assert all(Path(name).is_file() for name in summary["files"])


def test_an_interrupted_run_resumes(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """A line that was cut off is removed, complete lines stay, and the outcome is that of an uninterrupted run."""
    complete, cut = tmp_path / "whole", tmp_path / "cut"
    explain_file(table, complete, bundle, "ko", no_progress)
    cut.mkdir()
    content = (complete / EXPLANATIONS).read_bytes()
    ends = [position for position, byte in enumerate(content) if byte == ord("\n")]
    (cut / EXPLANATIONS).write_bytes(content[: ends[2] + 50])
    summary = explain_file(table, cut, bundle, "ko", no_progress)
    assert (summary.resumed, summary.explained) == (3, SHOTS - 3)
    assert (cut / EXPLANATIONS).read_bytes() == content
    assert (cut / "beeswarm.png").read_bytes() == (complete / "beeswarm.png").read_bytes()


def test_an_interrupted_run_keeps_what_it_has(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """The shots explained before the interruption are in the file."""
    def interrupted(done: int, steps: int, step: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain_file(table, tmp_path / "out", bundle, "ko", interrupted)
    assert len(lines(tmp_path / "out")) == 4


@pytest.mark.parametrize("change", [
    lambda shots: [{**shots[0], "Shot": 1}, *shots[1:]], lambda shots: list(reversed(shots)),
    lambda shots: shots[:2]])
def test_explanations_of_other_shots_are_not_touched(table: Path, tmp_path: Path, bundle: Bundle,
                                                     shots: list[dict[str, Any]],
                                                     change: Callable[[list[Any]], list[Any]]) -> None:
    """Another table, another order or fewer shots: the run is refused, and the file stays."""
    out = tmp_path / "out"
    explain_file(table, out, bundle, "ko", no_progress)
    before = (out / EXPLANATIONS).read_bytes()
    other = write_table(tmp_path / "other.csv", change(shots))
    assert main(["explain", str(other), "--out", str(out)]) == 2
    assert main(["explain", str(table), "--out", str(out), "--language", "en"]) == 2
    assert (out / EXPLANATIONS).read_bytes() == before


def test_a_shot_with_bad_input_stops_no_other(tmp_path: Path, shots: list[dict[str, Any]],
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    """Its line names the fields, the others are explained, and the exit status is 2."""
    wrong = [shots[0], {**shots[1], "Spray_Time": "fast", "Coolant_Temp": 1e9}, shots[2]]
    out = tmp_path / "out"
    assert main(["explain", str(write_table(tmp_path / "shots.csv", wrong)), "--out", str(out)]) == 2
    explanations = lines(out)
    assert {error["field"] for error in explanations[1]["errors"]} == {"features.Spray_Time", "features.Coolant_Temp"}
    assert all("importance" in explanations[row] for row in (0, 2)) and "1 with bad input" in capsys.readouterr().out


def test_json_and_csv_give_the_same_shots(table: Path, tmp_path: Path, shots: list[dict[str, Any]],
                                          bundle: Bundle) -> None:
    """A list of shots, or the body that /predict takes."""
    listed, body = tmp_path / "list.json", tmp_path / "body.json"
    listed.write_text(json.dumps(shots), "utf-8")
    body.write_text(json.dumps({"shots": [{"features": shot} for shot in shots]}), "utf-8")
    expected = read_shots(table, bundle)
    for source in (listed, body):
        for shot, other in zip(read_shots(source, bundle), expected, strict=True):
            assert {name: _number(number) for name, number in shot.items()} == \
                {name: _number(number) for name, number in other.items()}


def _number(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, str) else np.float32(cell)


def test_changed_limits_are_another_model(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """The setpoints of two sets of limits are never mixed in one file."""
    explain_file(table, tmp_path / "out", bundle, "ko", no_progress)
    other = replace(bundle, manifest={**bundle.manifest, "limits": {}})
    with pytest.raises(FileError, match="another model"):
        explain_file(table, tmp_path / "out", other, "ko", no_progress)


@pytest.mark.parametrize("content", [b"garbage\n", b'{"row": 1}\n', b"[]\n", b"\x00\x00\n", b"\xff\xfe\n"])
def test_a_file_of_something_else_is_left_alone(table: Path, tmp_path: Path, bundle: Bundle, content: bytes) -> None:
    """The run is refused, and no byte of the file changes."""
    path = tmp_path / "out" / EXPLANATIONS
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(FileError, match="something else"):
        explain_file(table, path.parent, bundle, "ko", no_progress)
    assert path.read_bytes() == content


def test_two_runs_never_write_into_one_file(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """The second is refused while the first runs; afterwards it may resume."""
    def again(done: int, steps: int, step: str) -> None:
        if done == 2:
            with pytest.raises(FileError, match="another run"):
                explain_file(table, tmp_path / "out", bundle, "ko", no_progress)

    explain_file(table, tmp_path / "out", bundle, "ko", again)
    assert len(lines(tmp_path / "out")) == SHOTS
    assert explain_file(table, tmp_path / "out", bundle, "ko", no_progress).resumed == SHOTS


def test_a_line_separator_in_a_value_breaks_no_line(tmp_path: Path, shots: list[dict[str, Any]],
                                                    bundle: Bundle) -> None:
    """U+2028 ends a line for some parsers; here only a newline does."""
    path = tmp_path / "shots.json"
    path.write_text(json.dumps([{**shots[0], "a\u2028b": 1}, shots[1]]), "utf-8")
    for resumed in (0, 2):
        summary = explain_file(path, tmp_path / "out", bundle, "ko", no_progress)
        assert (summary.rejected, summary.resumed) == (1, resumed)


def test_a_feature_may_have_any_name(tmp_path: Path, shots: list[dict[str, Any]], bundle: Bundle) -> None:
    """With a slash, dots or Hangul in its name, each chart has a file of its own inside the folder."""
    odd = {"Factory_Humidity": "../습도 %/h", "High_Velocity": "a/b", "Velocity_1": "a b"}
    features = tuple(replace(feature, name=odd.get(feature.name, feature.name)) for feature in bundle.features)
    nothing: dict[str, dict[str, Any]] = {product: {} for product in bundle.limits}
    named = replace(bundle, features=features, limits=nothing, typical=nothing)
    path = tmp_path / "shots.json"
    renamed = [{odd.get(name, name): number for name, number in shot.items()} for shot in shots]
    path.write_text(json.dumps(renamed), "utf-8")
    summary = explain_file(path, tmp_path / "out", named, "ko", no_progress)
    assert summary.degraded == () and len(set(summary.files)) == len(summary.files) > 5
    assert {Path(name).parent for name in summary.files} == {tmp_path / "out"}


def test_a_chart_that_fails_loses_no_explanation(table: Path, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    """It is named on standard error, the status is 1, and every line is there."""
    (tmp_path / "out/beeswarm.png").mkdir(parents=True)
    assert main(["explain", str(table), "--out", str(tmp_path / "out")]) == 1
    assert "beeswarm" in capsys.readouterr().err and len(lines(tmp_path / "out")) == SHOTS


def test_an_out_that_is_a_file_is_bad_input(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, no stack trace, and the file is unchanged."""
    before = table.read_bytes()
    assert main(["explain", str(table), "--out", str(table)]) == 2
    assert capsys.readouterr().err.startswith("shotwise: ") and table.read_bytes() == before


@pytest.mark.parametrize(("name", "content"), [
    ("shots.csv", ""), ("shots.json", "{}"), ("shots.json", "[]"), ("shots.json", "[1]"), ("shots.json", "nothing")])
def test_a_file_without_shots_is_bad_input(tmp_path: Path, bundle: Bundle, name: str, content: str) -> None:
    """It is refused, and nothing is written."""
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(FileError):
        explain_file(path, tmp_path / "out", bundle, "ko", no_progress)
    assert not (tmp_path / "out").exists()


def test_nothing_that_is_somebody_elses_is_overwritten(table: Path, tmp_path: Path,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    """A picture under a chart's name, or a link to one, stays; the chart is named, and the status is 1."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "holiday.png").write_bytes(b"mine")
    (out / "bar.png").write_bytes(b"mine")
    (out / "beeswarm.png").symlink_to(tmp_path / "holiday.png")
    assert main(["explain", str(table), "--out", str(out)]) == 1
    printed = capsys.readouterr().err
    assert all(f"{name}.png is there already" in printed for name in ("bar", "beeswarm"))
    assert (out / "bar.png").read_bytes() == (tmp_path / "holiday.png").read_bytes() == b"mine"
    assert (out / "beeswarm.png").is_symlink() and len(lines(out)) == SHOTS
    (out / "bar.png").unlink()
    (out / "beeswarm.png").unlink()
    for _ in range(2):
        assert main(["explain", str(table), "--out", str(out)]) == 0
    assert {path.suffix for path in out.iterdir()} == {".png", ".jsonl"}


@pytest.mark.parametrize("content", [b'{"precious": 1}', b"a line without an end", b'{"row": 2, "key": "', b"\x89PNG"])
def test_a_rest_that_no_run_wrote_is_left_alone(table: Path, tmp_path: Path, content: bytes) -> None:
    """A file without a line end is truncated only where it begins as the next explanation does."""
    path = tmp_path / "out" / EXPLANATIONS
    path.parent.mkdir()
    path.write_bytes(content)
    assert main(["explain", str(table), "--out", str(path.parent)]) == 2
    assert path.read_bytes() == content


def test_a_rest_after_the_last_shot_is_left_alone(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """Nothing can have been cut off there."""
    explain_file(table, tmp_path / "out", bundle, "ko", no_progress)
    path = tmp_path / "out" / EXPLANATIONS
    path.write_bytes(content := path.read_bytes() + b'{"row": 7')
    with pytest.raises(FileError, match="something else"):
        explain_file(table, tmp_path / "out", bundle, "ko", no_progress)
    assert path.read_bytes() == content


def test_explanations_are_written_through_a_link(table: Path, tmp_path: Path) -> None:
    """A link to another folder's explanations stays; one to a file of something else is refused."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere.jsonl"
    out.mkdir()
    (out / EXPLANATIONS).symlink_to(elsewhere)
    assert main(["explain", str(table), "--out", str(out)]) == 0
    assert (out / EXPLANATIONS).is_symlink() and len(elsewhere.read_bytes().splitlines()) == SHOTS
    elsewhere.write_bytes(b"mine\n")
    assert main(["explain", str(table), "--out", str(out)]) == 2 and elsewhere.read_bytes() == b"mine\n"


def test_a_place_that_cannot_be_written_is_a_sentence(table: Path, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the folder's place, and a FIFO or a device in the explanations': status 2."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / EXPLANATIONS)
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / EXPLANATIONS).symlink_to("/dev/full")
    for name in ("file", "fifo", "device"):
        assert main(["explain", str(table), "--out", str(tmp_path / name)]) == 2
        assert str(tmp_path / name) in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
