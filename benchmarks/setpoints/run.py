"""Compare proposed settings for real shots with an exhaustive grid over every pair of settings (`make bench`).

Writes results.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import itertools
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
GRID = 20  # values of each setting, besides its present one
SEED = 2026


def main() -> None:
    """Measure at the served threshold, and at harder ones that require more changes, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the CSV of KAMP shots")
    parser.add_argument("--shots", type=int, default=100)
    options = parser.parse_args()
    bundle = load_bundle(ROOT / "models/shotwise", ENGINE)
    shots = predicted_defective(bundle, options.data, options.shots)
    decision = bundle.thresholds.decision
    results = [measure(shots, replace(bundle, thresholds=replace(bundle.thresholds, decision=threshold)))
               for threshold in (decision, decision / 4, decision / 8)]
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    readme = HERE / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(f"{text.split(BEGIN)[0]}{BEGIN}\n{table(results)}{END}{text.split(END)[1]}", "utf-8")
    print(table(results))


def predicted_defective(bundle: Bundle, table_path: Path, count: int) -> list[Shot]:
    """Draw `count` of the unique shots that the model predicts as defective."""
    rows = read_table(table_path, ROOT / "src/shotwise_training/kamp.toml").without_duplicates().features
    defective = rows[bundle.graph.probability(rows) >= bundle.thresholds.decision]
    chosen = defective[np.random.default_rng(SEED).choice(len(defective), count, replace=False)]
    return [_shot(row, bundle) for row in chosen]


def measure(shots: list[Shot], bundle: Bundle) -> dict[str, Any]:
    """Count the proposals for the shots, and the shots for which the grid finds one."""
    times, changes, states, grid, both, novel, not_under = [], [], [], 0, 0, 0, 0
    for shot in shots:
        started = time.perf_counter()
        proposal = setpoints(shot, bundle)
        times.append((time.perf_counter() - started) * 1e3)
        states.append(proposal.state)
        in_grid = grid_finds(shot, bundle)
        grid += in_grid
        both += in_grid and proposal.state == "found"
        if proposal.state == "found":
            changes.append(len(proposal.changes))
            changed = {change.feature: change.after for change in proposal.changes}
            prediction = predict([read_shot({**shot.measured, **changed}, bundle)], bundle)[0]
            novel += prediction.unusual
            not_under += prediction.defect
    return {"threshold": bundle.thresholds.decision, "shots": len(shots), "grid": grid, "both": both,
            "found": states.count("found"), "unusual": states.count("unusual_shot") + states.count("unusual_change"),
            "out_of_reach": states.count("out_of_reach"), "novel": novel, "not_under": not_under,
            "changes": float(np.mean(changes)), "ms_50": float(np.median(times)),
            "ms_95": float(np.quantile(times, 0.95)), "ms_worst": max(times)}


def grid_finds(shot: Shot, bundle: Bundle) -> bool:
    """Whether changing one or two settings gives a usual shot under the threshold.

    Each setting takes GRID values within its limits of good shots, and its present value.
    """
    limits = bundle.limits[bundle.product_type(shot.values)]
    settings = {}
    for column, feature in enumerate(bundle.features):
        if feature.controllable and feature.name in limits and shot.measured[feature.name] is not None:
            step, (low, high) = feature.resolution or 0.001, limits[feature.name]
            grid = np.unique(np.round(np.linspace(low, high, GRID) / step) * step)
            settings[column] = np.append(grid[(grid >= low - step / 100) & (grid <= high + step / 100)],
                                         shot.values[column])
    for first, second in itertools.combinations(settings, 2):
        first_values, second_values = np.meshgrid(settings[first], settings[second])
        rows = np.repeat(shot.values[None, :], first_values.size, axis=0)
        rows[:, first], rows[:, second] = first_values.ravel(), second_values.ravel()
        output = bundle.graph.run(rows)
        if ((output.probability < bundle.thresholds.decision) & usual_mask(rows, output, bundle)).any():
            return True
    return False


def table(results: list[dict[str, Any]]) -> str:
    """Write the results as Markdown, one row per threshold."""
    head = ("| threshold | shots | grid finds | of these we find | we find in all | only unusual | out of reach "
            "| mean changes | novel | not under | ms, median | 95 % | worst |\n|" + "---|" * 13 + "\n")
    return head + "".join(
        f"| {row['threshold']:.3f} | {row['shots']} | {row['grid']} | {row['both']} | {row['found']} | "
        f"{row['unusual']} | {row['out_of_reach']} | {row['changes']:.2f} | {row['novel']} | {row['not_under']} | "
        f"{row['ms_50']:.0f} | {row['ms_95']:.0f} | {row['ms_worst']:.0f} |\n" for row in results)


def _shot(row: Any, bundle: Bundle) -> Shot:
    features = {feature.name: None if np.isnan(value) else feature.categories[int(value)] if feature.categories
                else float(str(np.float32(value))) for feature, value in zip(bundle.features, row, strict=True)}
    return read_shot(features, bundle)


if __name__ == "__main__":
    main()
