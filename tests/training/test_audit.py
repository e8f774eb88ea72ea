"""The audit finds what is wrong with a table, and nothing where nothing is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import Kamp, foundry, write_csv

from shotwise.bundle import Bundle
from shotwise_training.audit.audit import audit_file, audit_table
from shotwise_training.audit.findings import Audit
from shotwise_training.audit.text import audit_text
from shotwise_training.data.column_profile import profile_columns
from shotwise_training.data.csv_file import TableError, parse_csv, read_csv

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "src/shotwise_training/kamp.toml"


def audited(folder: Path, columns: dict[str, Any], label: str | None = "판정") -> Audit:
    """Audit these columns."""
    return audit_file(write_csv(folder / "shots.csv", columns), label)


def leak_rules(audit: Audit) -> dict[str, str]:
    """Return column → rule for every column that leaks the label."""
    return {leak.column: leak.rule for leak in audit.leaks}


@pytest.mark.parametrize("by_schema", [True, False])
def test_the_published_table_is_described_correctly(kamp: Kamp, bundle: Bundle, by_schema: bool) -> None:
    """Duplicates, unique rows, runs, constants and missing values of the published table are counted exactly.

    None of its features leaks the label, whether the label is named by the schema or as a group. Without the real table
    a synthetic one in its layout stands in.
    """
    audit = audit_file(kamp.path, None, SCHEMA) if by_schema else audit_file(kamp.path, "Defects")
    assert (audit.rows, audit.duplicates.rows, audit.duplicates.unique) == (kamp.rows, kamp.duplicates, kamp.unique)
    assert audit.duplicates.following == kamp.duplicates and 0 < audit.duplicates.shared < 1
    assert [(runs.column, runs.kind, len(runs.sizes)) for runs in audit.runs] == [("Shot", "counter", kamp.runs)]
    assert sum(audit.runs[0].sizes) == kamp.rows and len(audit.runs[0].defect_rates) == kamp.runs
    assert audit.row_keys == ("id",) and audit.missing == kamp.missing
    assert set(audit.constants) >= {feature.name for feature in bundle.features if feature.constant}
    assert (audit.leaks, audit.mixed, audit.timestamps, audit.problems) == ((), (), (), ())


def test_a_foundry_table_is_read_for_what_it_is(tmp_path: Path) -> None:
    """Timestamps, the restarting counter and its runs are named, and no real process value is called a leak."""
    audit = audited(tmp_path, foundry())
    assert [timestamp.column for timestamp in audit.timestamps] == ["일시"] and audit.row_keys == ("일시",)
    assert audit.timestamps[0].first == "2024-01-31 08:00:00"
    assert [(runs.column, runs.sizes) for runs in audit.runs] == [("샷번호", (120,) * 5)]
    assert audit.counters == ("샷번호",) and leak_rules(audit) == {} and audit.duplicates.rows == 0
    assert (audit.unlabelled, audit.problems, audit.mixed) == (0, (), ())


@pytest.mark.parametrize(("planted", "rule"), [
    (lambda bad, noise: bad + 0.01 * noise, "separates"), (lambda bad, noise: 5 - bad, "separates"),
    (lambda bad, noise: np.where(bad, "재작업", "출하"), "separates"),
    (lambda bad, noise: np.where(bad, noise.round(3).astype(str), ""), "separates"),
    (lambda bad, noise: np.where(bad, np.where(noise > 0, 1, 3), 2), "separates"),
    (lambda bad, noise: np.where(bad & (noise > 0), "7", np.where(noise > 1, "8", "9")), "always_defective"),
    (lambda bad, noise: np.where(bad & (noise > 0), 20, noise), "always_defective"),
    (lambda bad, noise: np.where(bad & (noise > 0), -20, noise), "always_defective"),
    (lambda bad, noise: np.where(bad & (noise > 0.5), 1 + (noise > 1), 0), "deviates"),
    (lambda bad, noise: np.where(bad & (noise > 0.5), "기포 수리", ""), "deviates")])
def test_a_planted_leak_is_caught(tmp_path: Path, planted: Any, rule: str) -> None:
    """A column made from the label is reported with the rule that catches it.

    Planted are the label with noise, reversed, as words, as a remark that only defective shots have, as a code, as a
    value or a tail that is always defective, and as a count.
    """
    columns = foundry()
    bad = np.array(columns["판정"]) == "불량"
    columns["심은 열"] = list(planted(bad, np.random.default_rng(1).normal(size=len(bad))))
    assert leak_rules(audited(tmp_path, columns)) == {"심은 열": rule}
    del columns["심은 열"]
    assert leak_rules(audited(tmp_path, columns)) == {}


def test_a_column_of_many_values_does_not_look_sure_by_memory(tmp_path: Path) -> None:
    """A die number with 200 values is not a leak, though each value's own defect rate fits the label.

    Nor does a duplicate in the other half of the rows make it one.
    """
    columns = foundry()
    random = np.random.default_rng(4)
    columns["금형"] = [f"D{number}" for number in random.integers(200, size=600)]
    doubled = {name: [cell for cell in cells for _ in range(2)] for name, cells in columns.items()}
    doubled["시리얼"] = [f"S{row // 2}" for row in range(1200)]
    assert leak_rules(audited(tmp_path, columns)) == leak_rules(audited(tmp_path, doubled)) == {}


def test_problems_are_reported_and_do_not_stop_it(tmp_path: Path) -> None:
    """Mixed columns, ragged rows, repeated headers, empty labels and an empty column are findings, not failures."""
    rows = "".join(f"{row},{'n/a' if row == 4 else row * 0.5},,{row % 2 if row != 7 else ''},1\n" for row in range(40))
    raw = parse_csv(f"id,x,empty,y,x\n{rows}1,2\n".encode(), "shots.csv", tolerant=True)
    audit = audit_table(raw, "y")
    assert len(audit.problems) == 2 and (audit.rows, audit.unlabelled, audit.defective) == (40, 1, 19)
    assert [(mixed.column, mixed.texts, mixed.first, mixed.row) for mixed in audit.mixed] == [("x", 1, "n/a", 5)]
    assert audit.missing == {"empty": 40, "y": 1}
    assert "the first in row 5: 'n/a'" in audit_text(audit) and "PROBLEM" in audit_text(audit)


def test_a_table_without_rows_is_a_finding() -> None:
    """A header alone is audited too."""
    audit = audit_table(parse_csv(b"a,b\n", "shots.csv", tolerant=True), "b")
    assert audit.rows == 0 and "no rows" in audit.problems[0] and audit_text(audit)


def test_a_label_that_nobody_can_read_is_a_problem_and_an_absent_one_an_error(tmp_path: Path) -> None:
    """Three words of a label leave open which are bad; a label that is not in the file is the caller's mistake."""
    columns = {**foundry(), "판정": ["A", "B", "C"] * 200}
    audit = audited(tmp_path, columns)
    assert "which values of 판정 mean defective? It holds A, B, C" in audit.problems[0]
    assert audit.defective is None and audit.leaks == () and "could not be read" in audit_text(audit)
    assert audit_file(tmp_path / "shots.csv", "판정", defect=("C",)).defective == 200
    with pytest.raises(TableError, match=r"no column 판청; name the column"):
        audit_file(tmp_path / "shots.csv", "판청")


def test_lots_are_runs_by_value(tmp_path: Path) -> None:
    """A text whose values come in unbroken blocks tells runs apart; the same values in any order do not."""
    columns = foundry()
    del columns["샷번호"]
    columns["로트"] = [f"L{row // 100}" for row in range(600)]
    assert [(runs.column, runs.kind, runs.sizes) for runs in audited(tmp_path, columns).runs] == [
        ("로트", "value", (100,) * 6)]
    columns["로트"] = [f"L{row % 6}" for row in range(600)]
    assert audited(tmp_path, columns).runs == ()


def test_a_measured_value_is_neither_key_nor_counter(tmp_path: Path) -> None:
    """Measured values are not mistaken for row keys or counters.

    Unique decimals are not a row key, and a random walk and a column that falls anywhere are not counters; a running
    number is a row key, and one that repeats is a counter.
    """
    random = np.random.default_rng(6)
    columns = {"unique": np.arange(500) + 0.25, "walk": np.cumsum(random.integers(-2, 4, 500)),
               "random": random.permutation(500) % 37, "number": np.arange(500), "twice": np.arange(500) // 2}
    raw = read_csv(write_csv(tmp_path / "shots.csv", columns))
    profiles = {profile.name: profile for profile in profile_columns(raw)}
    assert [name for name, profile in profiles.items() if profile.row_key] == ["number"]
    assert [name for name, profile in profiles.items() if profile.counter] == ["number", "twice"]


def test_findings_are_written_as_json_and_as_text(kamp: Kamp) -> None:
    """The plain form survives JSON; the text names the duplicates and the runs with their defect rates."""
    audit = audit_file(kamp.path, None, SCHEMA)
    plain = json.loads(json.dumps(audit.to_dict()))
    assert plain["twins"]["rows"] == kamp.duplicates and plain["runs"][0]["column"] == "Shot"
    text = audit_text(audit)
    assert f"{kamp.duplicates} rows repeat" in text and "7 runs by Shot (restarts)" in text and "% defective" in text


def test_leaks_that_the_schema_excludes_are_still_reported(tmp_path: Path) -> None:
    """An excluded leak is reported as excluded, and so is a column that the schema names and the file lacks."""
    columns = foundry()
    columns["수리"] = ["Y" if value == "불량" else "N" for value in columns["판정"]]
    (tmp_path / "plant.toml").write_text('[label]\ncolumn = "판정"\ndefect = ["불량"]\n[features]\n"속도" = {}\n'
                                         '"수리" = { excluded = "after inspection" }\n"없음" = {}\n', "utf-8")
    audit = audit_file(write_csv(tmp_path / "shots.csv", columns), None, tmp_path / "plant.toml")
    assert leak_rules(audit) == {"수리": "separates"} and audit.excluded == ("수리",)
    assert "no column 없음" in audit.problems[0] and "(the schema excludes it)" in audit_text(audit)


def test_a_hundred_thousand_rows_are_audited_in_seconds(tmp_path: Path) -> None:
    """100,000 rows × 31 columns within a generous bound."""
    random = np.random.default_rng(9)
    with (tmp_path / "shots.csv").open("w") as file:
        file.write(",".join([*(f"x{index}" for index in range(30)), "y"]) + "\n")
        np.savetxt(file, np.column_stack([random.normal(0, 9, (100_000, 30)).round(1),
                                          random.integers(2, size=100_000)]), fmt="%.7g", delimiter=",")
    start = time.process_time()
    audit = audit_file(tmp_path / "shots.csv", "y")
    assert time.process_time() - start < 45 and audit.leaks == ()
