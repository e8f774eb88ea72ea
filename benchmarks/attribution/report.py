"""Write the results of a run: results.json, a picture, and the tables between the markers in README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from shotwise.attribution.coalitions import PAIRS_PER_PLAYER

OURS = "shotwise"
BEGIN, END = "<!-- results -->", "<!-- end -->"
COLOURS = ("#c8443c", "#3a6ea5", "#5d8a5a", "#b0853a", "#7a5a9a")


def write(folder: Path, results: dict[str, Any]) -> None:
    """Write the results of a run into a folder."""
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    _plot(folder / "error-by-time.png", results)
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{tables(results)}{END}{after}", "utf-8")


def tables(results: dict[str, Any]) -> str:
    """Write the results as Markdown, one table per bundle."""
    parts = [f"{results['machine']}, one core; each table is one run.\n"]
    for name, bundle in results["bundles"].items():
        ours = served(bundle)
        coverage = bundle["coverage"]
        parts += [
            f"\n**`{name}`** ({bundle['version']}): {bundle['shots']} shots, {bundle['background']} background shots, "
            f"{bundle['row_us']:.1f} µs a row in the graph; reference of {bundle['permutations']:,} antithetic "
            f"permutations per background shot, itself {bundle['reference_error']:.2%} off.\n",
            "\n| estimator | budget | ms, median | relative L1 error, median | worst shot | its error at our time, "
            "in multiples of ours |\n|---|---|---|---|---|---|\n",
            *(_row(estimator, point, curve, ours) for estimator, curve in bundle["estimators"].items()
              for point in curve),
            f"\nAs served: **{ours['error']:.1%} in {ours['ms']:.0f} ms**. The stated error was above the true one for "
            f"{coverage['held']:.0%} of {coverage['shots']} other shots (stated {coverage['stated']:.1%}, true "
            f"{coverage['true']:.1%} in the median; reference {coverage['reference_error']:.1%} off).\n"]
    return "".join(parts)


def served(bundle: dict[str, Any]) -> dict[str, float]:
    """Return our results for a bundle at the budget that is served."""
    return next(point for point in bundle["estimators"][OURS] if point["budget"] == PAIRS_PER_PLAYER)


def at_time(curve: list[dict[str, float]], ms: float) -> float | None:
    """Interpolate the error of a curve at a time, on logarithmic scales; None outside the measured times."""
    times, errors = ([point[key] for point in curve] for key in ("ms", "error"))
    if not times[0] <= ms <= times[-1]:
        return None
    return float(np.exp(np.interp(np.log(ms), np.log(times), np.log(errors))))


def _row(estimator: str, point: dict[str, float], curve: list[dict[str, float]], ours: dict[str, float]) -> str:
    error_at_our_time = at_time(curve, ours["ms"])
    ratio = ""
    if point is curve[0] and estimator != OURS:
        ratio = "not measured there" if error_at_our_time is None else f"{error_at_our_time / ours['error']:.1f} ×"
    return (f"| {estimator} | {point['budget']} | {point['ms']:.0f} | {point['error']:.1%} | {point['worst']:.1%} | "
            f"{ratio} |\n")


def _plot(path: Path, results: dict[str, Any]) -> None:
    matplotlib.rcParams["font.family"] = "DejaVu Sans"
    bundles = results["bundles"]
    figure = Figure(figsize=(5.6 * len(bundles), 4.4), layout="constrained")
    for axes, (name, bundle) in zip(np.atleast_1d(figure.subplots(1, len(bundles))), bundles.items(), strict=True):
        for colour, (estimator, curve) in zip(COLOURS, bundle["estimators"].items(), strict=True):
            axes.plot([point["ms"] for point in curve], [100 * point["error"] for point in curve], marker="o",
                      markersize=4, color=colour, label=estimator)
        ours = served(bundle)
        axes.plot(ours["ms"], 100 * ours["error"], marker="o", markersize=11, markerfacecolor="none", color=COLOURS[0])
        axes.set(xscale="log", yscale="log", xlabel="ms a shot, one core", ylabel="relative L1 error, %", title=name)
        axes.grid(alpha=0.25, which="both", linewidth=0.5)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)
