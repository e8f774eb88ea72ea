"""The cold start of predict on the built artefact, compared with the proof of concept's layout in the same run."""

from __future__ import annotations

from pathlib import Path

import pytest
from shots import kamp_csv

from benchmarks.cold_start import run

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_the_first_answer_of_predict_is_quick(built: None, tmp_path: Path) -> None:
    """From the start of the process to the answer, predict takes an eighth of what the PoC's layout takes in this run.

    That is 0.30 s where the PoC takes 2.40 s, as it did when both figures were set; a slower machine is slower for
    both. The quickest start of each counts: whatever else the machine does only adds to a start.
    """
    poc, _ = run.poc(tmp_path / "poc", kamp_csv())
    starts = {run.POC: poc, run.OURS: run.ours(tmp_path / "ours", compiled=True)}
    summary = run.summary(run.measure(starts, tmp_path / "runs", 2))
    for name, figures in summary.items():
        print(f"\n{name}: cold {figures['cold_ms']} ms ({figures['best_ms']} to {figures['worst_ms']}), warm P50 "
              f"{figures['warm_ms']} ms, {figures['times']} ×")
    assert summary[run.POC]["best_ms"] >= 8 * summary[run.OURS]["best_ms"]
