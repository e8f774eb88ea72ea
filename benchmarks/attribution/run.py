"""Error against time of Shapley estimators on real shots, the served graph and its background (`make bench`).

For each bundle, one run: the reference (kept in `reference/`, as it takes minutes), then every estimator at several
budgets on one core. Then, on other shots, how often the stated error held. Writes results.json, error-by-time.png and
the table of README.md.
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

# One thread everywhere: the figures are for one core.
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
# Shots that are timed, and others on which the stated error is checked; fewer where a row takes ten times as long.
SIZES = {"shotwise": (16, 200), "poc_baseline": (8, 50)}
MOST = max(shots for shots, _ in SIZES.values())
REPEATS = 3  # the quickest of them counts


def main() -> None:
    """Run for the bundles named and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the CSV of KAMP shots")
    parser.add_argument("--permutations", type=int, default=5000, help="of the reference, per background shot")
    parser.add_argument("--only", choices=SIZES, help="this bundle anew, and the other one's results as they are")
    options = parser.parse_args()
    rows = read_table(options.data, ROOT / "src/shotwise_training/kamp.toml").without_duplicates().features
    rows = rows[np.random.default_rng(SEED).permutation(len(rows))]
    before = json.loads((HERE / "results.json").read_text("utf-8"))["bundles"] if options.only else {}
    found = {name: before[name] if options.only and name != options.only
             else _measure(name, rows[:shots], rows[MOST : MOST + checked], options.permutations)
             for name, (shots, checked) in SIZES.items()}
    report.write(HERE, {"machine": f"{platform.machine()}, Python {platform.python_version()}", "bundles": found})


def _measure(name: str, chosen: NDArray[np.float32], others: NDArray[np.float32], permutations: int) -> dict[str, Any]:
    folder = ROOT / "models" / name
    bundle = load(folder)
    truth = _kept(name, folder, chosen, permutations)
    checked = _kept(f"{name}-coverage", folder, others, max(permutations // 25, 50))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    estimates = _curves(bundle, chosen, truth)
    row_us = _row_time(bundle)
    os.sched_setaffinity(0, cores)
    return {"version": bundle.version, "shots": len(chosen), "background": len(bundle.background),
            "permutations": permutations, "reference_error": float(np.median(truth.errors)),
            "row_us": row_us, "estimators": estimates, "coverage": _coverage(bundle, others, checked)}


def _kept(name: str, folder: Path, shots: NDArray[np.float32], permutations: int) -> Reference:
    """The reference from `reference/`, where it is of this graph and background, these shots, as many permutations."""
    files = json.loads((folder / "bundle.json").read_text("utf-8"))["files"]
    asked = [files["model.onnx"], files["background.npz"], str(permutations)]
    key = hashlib.sha256("".join(asked).encode() + shots.tobytes()).hexdigest()
    path = HERE / "reference" / f"{name}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return Reference(kept["values"], kept["errors"])
    print(f"{name}: reference of {len(shots)} shots, {permutations} antithetic permutations per background shot …")
    made = reference(folder, shots, permutations)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, key=key, values=made.values, errors=made.errors)
    return made


def _curves(bundle: Bundle, shots: NDArray[np.float32], truth: Reference) -> dict[str, list[dict[str, float]]]:
    """Every estimator at each of its budgets; the budgets take turns, so that a slow moment hits all alike."""
    from benchmarks.attribution.estimators import BUDGETS, estimators

    found: dict[str, list[dict[str, float]]] = {}
    for name, estimate in estimators(bundle).items():
        estimate(shots[0], BUDGETS[name][0])  # what is made once is not timed
        found[name] = []
        for budget in BUDGETS[name]:
            errors, times = [], []
            for shot, true in zip(shots, truth.values, strict=True):
                timed = []
                for _ in range(REPEATS):
                    started = time.perf_counter()
                    values = estimate(shot, budget)
                    timed.append(time.perf_counter() - started)
                times.append(min(timed) * 1e3)
                errors.append(_relative_l1(values, true))
            found[name].append({"budget": budget, "ms": float(np.median(times)), "error": float(np.median(errors)),
                                "worst": float(np.max(errors))})
            print(f"  {name} {budget}: {found[name][-1]['ms']:.0f} ms, {found[name][-1]['error']:.1%}")
    return found


def _relative_l1(values: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.abs(values - true).sum() / np.abs(true).sum())


def _row_time(bundle: Bundle) -> float:
    """Microseconds a row in the graph, for rows as coalitions make them."""
    random = np.random.default_rng(SEED)
    first, second = (bundle.background[random.integers(len(bundle.background), size=8000)] for _ in range(2))
    rows = np.where(random.random(first.shape) < 0.5, first, second)
    timed = []
    for _ in range(9):
        started = time.perf_counter()
        bundle.graph.probability(rows)
        timed.append(time.perf_counter() - started)
    return float(np.median(timed) / len(rows) * 1e6)


def _coverage(bundle: Bundle, shots: NDArray[np.float32], truth: Reference) -> dict[str, float]:
    """How often the error that an answer states was above its true one, by a reference far more exact than it."""
    found = [attribute(Shot(shot, {}, ()), bundle) for shot in shots]
    stated = np.array([one.estimated_error for one in found])
    true = np.array([_relative_l1(one.contributions, values)
                     for one, values in zip(found, truth.values, strict=True)])
    return {"shots": len(shots), "held": float(np.mean(true <= stated)), "stated": float(np.median(stated)),
            "true": float(np.median(true)), "reference_error": float(np.median(truth.errors)),
            "ratio_90": float(np.quantile(true / stated, 0.9))}


if __name__ == "__main__":
    main()
