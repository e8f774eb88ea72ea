"""Measure the error of Shapley estimators against time, on real shots and the served graph (`make bench`).

Stages for each bundle: the reference (cached in `reference/`, because it takes minutes) → every estimator at several
budgets on one core → on other shots, how often the true error was below the stated one. Writes results.json,
error-by-time.png and the tables of README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

# One thread, because the figures are for one core.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution import report
from benchmarks.attribution.reference import Reference, load, reference
from shotwise.attribution.shapley import attribute
from shotwise.bundle import Bundle
from shotwise.shot import Shot
from shotwise_training.data.table import read_table

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SEED = 2026
# Bundle → (shots to time, other shots to check the stated error on); fewer where a row takes ten times as long.
SIZES = {"shotwise": (16, 200), "poc_baseline": (8, 50)}
MAX_TIMED = max(timed for timed, _ in SIZES.values())
REPEATS = 3  # of which the fastest counts


def main() -> None:
    """Measure the bundles and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the CSV of KAMP shots")
    parser.add_argument("--permutations", type=int, default=5000, help="orders of the reference per background shot")
    parser.add_argument("--only", choices=SIZES, help="measure this bundle, and keep the results of the other")
    options = parser.parse_args()
    rows = read_table(options.data, ROOT / "src/shotwise_training/kamp.toml").without_duplicates().features
    rows = rows[np.random.default_rng(SEED).permutation(len(rows))]
    before = json.loads((HERE / "results.json").read_text("utf-8"))["bundles"] if options.only else {}
    bundles = {name: before[name] if options.only and name != options.only
               else _measure(name, rows[:timed], rows[MAX_TIMED : MAX_TIMED + checked], options.permutations)
               for name, (timed, checked) in SIZES.items()}
    report.write(HERE, {"machine": f"{platform.machine()}, Python {platform.python_version()}", "bundles": bundles})


def _measure(name: str, timed: NDArray[np.float32], checked: NDArray[np.float32], permutations: int) -> dict[str, Any]:
    """Time the estimators on some shots of one bundle, and check the stated error on others."""
    folder = ROOT / "models" / name
    bundle = load(folder)
    truth = _cached_reference(name, folder, timed, permutations)
    checked_truth = _cached_reference(f"{name}-coverage", folder, checked, max(permutations // 25, 50))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    estimates = _curves(bundle, timed, truth)
    row_us = _row_time(bundle)
    os.sched_setaffinity(0, cores)
    return {"version": bundle.version, "shots": len(timed), "background": len(bundle.background),
            "permutations": permutations, "reference_error": float(np.median(truth.errors)),
            "row_us": row_us, "estimators": estimates, "coverage": _coverage(bundle, checked, checked_truth)}


def _cached_reference(name: str, folder: Path, shots: NDArray[np.float32], permutations: int) -> Reference:
    """The reference in `reference/` if it is of the same graph, background, shots and permutations, else a new one."""
    files = json.loads((folder / "bundle.json").read_text("utf-8"))["files"]
    origin = "".join([files["model.onnx"], files["background.npz"], str(permutations)])
    key = hashlib.sha256(origin.encode() + shots.tobytes()).hexdigest()
    path = HERE / "reference" / f"{name}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as cached:
            if str(cached["key"]) == key:
                return Reference(cached["values"], cached["errors"])
    print(f"{name}: reference of {len(shots)} shots, {permutations} antithetic permutations per background shot …")
    computed = reference(folder, shots, permutations)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, key=key, values=computed.values, errors=computed.errors)
    return computed


def _curves(bundle: Bundle, shots: NDArray[np.float32], truth: Reference) -> dict[str, list[dict[str, float]]]:
    """Estimator → its time and error at each budget."""
    from benchmarks.attribution.estimators import BUDGETS, estimators

    curves: dict[str, list[dict[str, float]]] = {}
    for name, estimate in estimators(bundle).items():
        estimate(shots[0], BUDGETS[name][0])  # one-time set-up is not timed
        curves[name] = []
        for budget in BUDGETS[name]:
            errors, times = [], []
            for shot, true_values in zip(shots, truth.values, strict=True):
                durations = []
                for _ in range(REPEATS):
                    started = time.perf_counter()
                    values = estimate(shot, budget)
                    durations.append(time.perf_counter() - started)
                times.append(min(durations) * 1e3)
                errors.append(_relative_l1(values, true_values))
            point = {"budget": budget, "ms": float(np.median(times)), "error": float(np.median(errors)),
                     "worst": float(np.max(errors))}
            curves[name].append(point)
            print(f"  {name} {budget}: {point['ms']:.0f} ms, {point['error']:.1%}")
    return curves


def _relative_l1(values: NDArray[np.float64], true_values: NDArray[np.float64]) -> float:
    return float(np.abs(values - true_values).sum() / np.abs(true_values).sum())


def _row_time(bundle: Bundle) -> float:
    """Microseconds per row in the graph, for rows that mix two background shots, as coalitions do."""
    random = np.random.default_rng(SEED)
    first, second = (bundle.background[random.integers(len(bundle.background), size=8000)] for _ in range(2))
    rows = np.where(random.random(first.shape) < 0.5, first, second)
    durations = []
    for _ in range(9):
        started = time.perf_counter()
        bundle.graph.probability(rows)
        durations.append(time.perf_counter() - started)
    return float(np.median(durations) / len(rows) * 1e6)


def _coverage(bundle: Bundle, shots: NDArray[np.float32], truth: Reference) -> dict[str, float]:
    """How often the true error, by a far more exact reference, was below the error that an attribution states."""
    attributions = [attribute(Shot(shot, {}, ()), bundle) for shot in shots]
    stated = np.array([attribution.estimated_error for attribution in attributions])
    true = np.array([_relative_l1(attribution.contributions, values)
                     for attribution, values in zip(attributions, truth.values, strict=True)])
    return {"shots": len(shots), "held": float(np.mean(true <= stated)), "stated": float(np.median(stated)),
            "true": float(np.median(true)), "reference_error": float(np.median(truth.errors)),
            "ratio_90": float(np.quantile(true / stated, 0.9))}


if __name__ == "__main__":
    main()
