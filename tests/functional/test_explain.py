"""`shotwise explain`: a line a shot, the pictures of all, and a run that was cut off goes on."""

from __future__ import annotations

import csv
import json
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
    names = {path.name for path in out.iterdir()}
    assert {"bar.png", "beeswarm.png"} <= names and any(name.endswith("-Factory_Humidity.png") for name in names)
    assert summary["degraded"] == []
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
    assert all("importance" in found[row] for row in (0, 2)) and "1 with bad input" in capsys.readouterr().out


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


def test_changed_limits_are_another_model(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """The setpoints of two sets of limits are never mixed in one file."""
    explain_file(table, tmp_path / "out", bundle, "ko", quiet)
    other = replace(bundle, manifest={**bundle.manifest, "limits": {}})
    with pytest.raises(FileError, match="another model"):
        explain_file(table, tmp_path / "out", other, "ko", quiet)


@pytest.mark.parametrize("content", [b"garbage\n", b'{"row": 1}\n', b"[]\n", b"\x00\x00\n", b"\xff\xfe\n"])
def test_a_file_of_something_else_is_left_alone(table: Path, tmp_path: Path, bundle: Bundle, content: bytes) -> None:
    """It is named, and not a byte of it is lost."""
    path = tmp_path / "out" / EXPLANATIONS
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(FileError, match="something else"):
        explain_file(table, path.parent, bundle, "ko", quiet)
    assert path.read_bytes() == content


def test_two_runs_never_write_into_one_file(table: Path, tmp_path: Path, bundle: Bundle) -> None:
    """The second is told so while the first is under way; afterwards it may go on."""
    def again(done: int, steps: int, what: str) -> None:
        if done == 2:
            with pytest.raises(FileError, match="another run"):
                explain_file(table, tmp_path / "out", bundle, "ko", quiet)

    explain_file(table, tmp_path / "out", bundle, "ko", again)
    assert len(lines(tmp_path / "out")) == SHOTS
    assert explain_file(table, tmp_path / "out", bundle, "ko", quiet).resumed == SHOTS


def test_a_line_separator_in_a_value_breaks_no_line(tmp_path: Path, given: list[dict[str, Any]],
                                                    bundle: Bundle) -> None:
    """U+2028 ends a line for some readers; a line here ends with a newline alone."""
    path = tmp_path / "shots.json"
    path.write_text(json.dumps([{**given[0], "a\u2028b": 1}, given[1]]), "utf-8")
    for resumed in (0, 2):
        summary = explain_file(path, tmp_path / "out", bundle, "ko", quiet)
        assert (summary.rejected, summary.resumed) == (1, resumed)


def test_a_feature_may_be_called_anything(tmp_path: Path, given: list[dict[str, Any]], bundle: Bundle) -> None:
    """A slash, dots, Hangul: the pictures stay inside the folder and apart."""
    odd = {"Factory_Humidity": "../습도 %/h", "High_Velocity": "a/b", "Velocity_1": "a b"}
    features = tuple(replace(one, name=odd.get(one.name, one.name)) for one in bundle.features)
    nothing: dict[str, dict[str, Any]] = {product: {} for product in bundle.limits}
    named = replace(bundle, features=features, limits=nothing, typical=nothing)
    path = tmp_path / "shots.json"
    renamed = [{odd.get(name, name): value for name, value in shot.items()} for shot in given]
    path.write_text(json.dumps(renamed), "utf-8")
    summary = explain_file(path, tmp_path / "out", named, "ko", quiet)
    assert summary.degraded == () and len(set(summary.files)) == len(summary.files) > 5
    assert {Path(name).parent for name in summary.files} == {tmp_path / "out"}


def test_a_picture_that_fails_loses_no_explanation(table: Path, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    """It is named on standard error, the status is 1, and every line is there."""
    (tmp_path / "out/beeswarm.png").mkdir(parents=True)
    assert main(["explain", str(table), "--out", str(tmp_path / "out")]) == 1
    assert "beeswarm" in capsys.readouterr().err and len(lines(tmp_path / "out")) == SHOTS


def test_an_out_that_is_a_file_is_bad_input(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, no stack trace, and the file is what it was."""
    before = table.read_bytes()
    assert main(["explain", str(table), "--out", str(table)]) == 2
    assert capsys.readouterr().err.startswith("shotwise: ") and table.read_bytes() == before


@pytest.mark.parametrize(("name", "content"), [
    ("shots.csv", ""), ("shots.json", "{}"), ("shots.json", "[]"), ("shots.json", "[1]"), ("shots.json", "nothing")])
def test_a_file_without_shots_is_bad_input(tmp_path: Path, bundle: Bundle, name: str, content: str) -> None:
    """It is named, and nothing is written."""
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(FileError):
        explain_file(path, tmp_path / "out", bundle, "ko", quiet)
    assert not (tmp_path / "out").exists()
