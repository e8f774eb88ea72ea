"""Proposals on flagged real shots against an exhaustive grid over every pair of settings (`make bench`).

Writes results.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from shotwise.adapters.onnx import ENGINE
from shotwise.attribution.setpoints import setpoints
from shotwise.bundle import Bundle, load_bundle
from shotwise.novelty import usual_mask
from shotwise.prediction import predict
from shotwise.shot import Shot, read_shot
from shotwise_training.data.table import read_table

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BEGIN, END = "<!-- results -->", "<!-- end -->"
GRID = 20  # values of each setting, besides the present one
SEED = 2026


def main() -> None:
    """Run at the served threshold, and at harder ones that take more changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the CSV of KAMP shots")
    parser.add_argument("--shots", type=int, default=100)
    options = parser.parse_args()
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    shots = flagged(bundle, options.data, options.shots)
    decision = bundle.thresholds.decision
    found = [measure(shots, replace(bundle, thresholds=replace(bundle.thresholds, decision=threshold)))
             for threshold in (decision, decision / 4, decision / 8)]
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = (HERE / "README.md").read_text("utf-8")
    (HERE / "README.md").write_text(f"{text.split(BEGIN)[0]}{BEGIN}\n{table(found)}{END}{text.split(END)[1]}", "utf-8")
    print(table(found))


def flagged(bundle: Bundle, data: Path, count: int) -> list[Shot]:
    """`count` shots at random of the unique ones that the model calls defective."""
    rows = read_table(data, ROOT / "src/shotwise_training/kamp.toml").without_duplicates().features
    over = rows[bundle.graph.probability(rows) >= bundle.thresholds.decision]
    chosen = over[np.random.default_rng(SEED).choice(len(over), count, replace=False)]
    return [_shot(row, bundle) for row in chosen]


def measure(shots: list[Shot], bundle: Bundle) -> dict[str, Any]:
    """What was proposed for the shots, and what the grid finds."""
    times, changes, states, grid, both, novel, not_under = [], [], [], 0, 0, 0, 0
    for shot in shots:
        started = time.perf_counter()
        proposal = setpoints(shot, bundle)
        times.append((time.perf_counter() - started) * 1e3)
        states.append(proposal.state)
        there = grid_finds(shot, bundle)
        grid += there
        both += there and proposal.state == "found"
        if proposal.state == "found":
            changes.append(len(proposal.changes))
            moved = {change.feature: change.after for change in proposal.changes}
            after = predict([read_shot({**shot.measured, **moved}, bundle)], bundle)[0]
            novel += after.unusual
            not_under += after.defect
    return {"threshold": bundle.thresholds.decision, "shots": len(shots), "grid": grid, "both": both,
            "found": states.count("found"), "unusual": states.count("unusual_shot") + states.count("unusual_change"),
            "out_of_reach": states.count("out_of_reach"), "novel": novel, "not_under": not_under,
            "changes": float(np.mean(changes)), "ms_50": float(np.median(times)),
            "ms_95": float(np.quantile(times, 0.95)), "ms_worst": max(times)}


def grid_finds(shot: Shot, bundle: Bundle) -> bool:
    """Whether one or two settings, on a grid of GRID values of their limits each, give a usual shot under the
    threshold."""
    limits = bundle.limits[bundle.product_type(shot.values)]
    values = {}
    for column, feature in enumerate(bundle.features):
        if feature.controllable and feature.name in limits and shot.measured[feature.name] is not None:
            step, (low, high) = feature.resolution or 0.001, limits[feature.name]
            grid = np.unique(np.round(np.linspace(low, high, GRID) / step) * step)
            values[column] = np.append(grid[(grid >= low - step / 100) & (grid <= high + step / 100)],
                                       shot.values[column])
    for place, first in enumerate(values):
        for second in list(values)[place + 1:]:
            one, other = np.meshgrid(values[first], values[second])
            rows = np.repeat(shot.values[None, :], one.size, axis=0)
            rows[:, first], rows[:, second] = one.ravel(), other.ravel()
            output = bundle.graph.run(rows)
            if ((output.probability < bundle.thresholds.decision) & usual_mask(rows, output, bundle)).any():
                return True
    return False


def table(results: list[dict[str, Any]]) -> str:
    """Markdown, a row a threshold."""
    head = ("| threshold | shots | grid finds | of these we find | we find in all | only unusual | out of reach "
            "| mean changes | novel | not under | ms, median | 95 % | worst |\n|" + "---|" * 13 + "\n")
    return head + "".join(
        f"| {found['threshold']:.3f} | {found['shots']} | {found['grid']} | {found['both']} | {found['found']} | "
        f"{found['unusual']} | {found['out_of_reach']} | {found['changes']:.2f} | {found['novel']} | "
        f"{found['not_under']} | "
        f"{found['ms_50']:.0f} | {found['ms_95']:.0f} | {found['ms_worst']:.0f} |\n" for found in results)


def _shot(row: Any, bundle: Bundle) -> Shot:
    given = {feature.name: None if np.isnan(value) else feature.categories[int(value)] if feature.categories
             else float(str(np.float32(value))) for feature, value in zip(bundle.features, row, strict=True)}
    return read_shot(given, bundle)


if __name__ == "__main__":
    main()
