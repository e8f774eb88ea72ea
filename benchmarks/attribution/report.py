"""What a run found, as results.json, a picture, and the tables between the marks of README.md."""

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
    """Keep the results of a run in `folder`."""
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    _plot(folder / "error-by-time.png", results)
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{tables(results)}{END}{after}", "utf-8")


def tables(results: dict[str, Any]) -> str:
    """Markdown: one table a bundle."""
    parts = [f"{results['machine']}, one core; each table is one run.\n"]
    for name, found in results["bundles"].items():
        ours = served(found)
        coverage = found["coverage"]
        parts += [
            f"\n**`{name}`** ({found['version']}): {found['shots']} shots, {found['background']} background shots, "
            f"{found['row_us']:.1f} µs a row in the graph; reference of {found['permutations']:,} antithetic "
            f"permutations per background shot, itself {found['reference_error']:.2%} off.\n",
            "\n| estimator | budget | ms, median | relative L1 error, median | worst shot | its error at our time, "
            "in multiples of ours |\n|---|---|---|---|---|---|\n",
            *(_row(estimator, point, curve, ours) for estimator, curve in found["estimators"].items()
              for point in curve),
            f"\nAs served: **{ours['error']:.1%} in {ours['ms']:.0f} ms**. The stated error was above the true one for "
            f"{coverage['held']:.0%} of {coverage['shots']} other shots (stated {coverage['stated']:.1%}, true "
            f"{coverage['true']:.1%} in the median; reference {coverage['reference_error']:.1%} off).\n"]
    return "".join(parts)


def served(found: dict[str, Any]) -> dict[str, float]:
    """Our point with the effort that T2 makes."""
    return next(point for point in found["estimators"][OURS] if point["budget"] == PAIRS_PER_PLAYER)


def at_time(curve: list[dict[str, float]], ms: float) -> float | None:
    """A curve's error at a time, between its points on logarithmic scales; None outside of them."""
    times, errors = ([point[key] for point in curve] for key in ("ms", "error"))
    if not times[0] <= ms <= times[-1]:
        return None
    return float(np.exp(np.interp(np.log(ms), np.log(times), np.log(errors))))


def _row(estimator: str, point: dict[str, float], curve: list[dict[str, float]], ours: dict[str, float]) -> str:
    there = at_time(curve, ours["ms"])
    first = point is curve[0] and estimator != OURS
    ratio = "" if not first else "not measured there" if there is None else f"{there / ours['error']:.1f} ×"
    return (f"| {estimator} | {point['budget']} | {point['ms']:.0f} | {point['error']:.1%} | {point['worst']:.1%} | "
            f"{ratio} |\n")


def _plot(path: Path, results: dict[str, Any]) -> None:
    matplotlib.rcParams["font.family"] = "DejaVu Sans"
    bundles = results["bundles"]
    figure = Figure(figsize=(5.6 * len(bundles), 4.4), layout="constrained")
    for axes, (name, found) in zip(np.atleast_1d(figure.subplots(1, len(bundles))), bundles.items(), strict=True):
        for colour, (estimator, curve) in zip(COLOURS, found["estimators"].items(), strict=True):
            axes.plot([point["ms"] for point in curve], [100 * point["error"] for point in curve], marker="o",
                      markersize=4, color=colour, label=estimator)
        ours = served(found)
        axes.plot(ours["ms"], 100 * ours["error"], marker="o", markersize=11, markerfacecolor="none", color=COLOURS[0])
        axes.set(xscale="log", yscale="log", xlabel="ms a shot, one core", ylabel="relative L1 error, %", title=name)
        axes.grid(alpha=0.25, which="both", linewidth=0.5)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)
