"""The curves of a report: ROC, precision–recall, calibration and risk–coverage, as one SVG picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import precision_recall_curve, roc_curve

from shotwise_training.metrics import BINS, Predictions
from shotwise_training.models.configuration import POC_BASELINE, SHOTWISE

MIN_KEPT = 0.05  # share of the shots below which an error rate is of too few shots to draw
MAX_POINTS = 400  # of a risk–coverage curve
STYLES: Mapping[str, Mapping[str, Any]] = {
    SHOTWISE.name: {"color": "#1f4e9c", "linewidth": 2.0}, POC_BASELINE.name: {"color": "#c2571a", "linestyle": "-."},
    "run-rate": {"color": "#666666", "linestyle": "--"}, "late-rate": {"color": "#2e7d4f", "linestyle": ":"}}

Floats = NDArray[np.float64]


def draw_curves(predictions: Mapping[str, Predictions], abstention: Mapping[str, Any]) -> str:
    """Draw the curves of one protocol.

    Parameters
    ----------
    predictions : model → predictions for test shots of both classes.
    abstention : configuration → what it leaves to a person, as in the results; its risk–coverage curve is drawn.

    Returns
    -------
    The picture as a data URI; equal figures give equal bytes.
    """
    figure = Figure(figsize=(12, 3.6) if abstention else (9, 3.6), layout="constrained")
    panels = figure.subplots(1, 4 if abstention else 3)
    _frame(panels[0], "ROC", "good shots called defective", "defects called")
    _frame(panels[1], "Precision–recall", "recall", "precision")
    _frame(panels[2], f"Calibration, {BINS} equal-count bins", "mean probability", "defect rate")
    for name, shots in predictions.items():
        _draw(panels, name, shots)
    for panel in (panels[0], panels[2]):
        panel.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=0.8, zorder=0)
    if abstention:
        _draw_risk(panels[3], {name: predictions[name] for name in abstention}, abstention)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(predictions),
                  frameon=False)
    return _data_uri(figure)


def _frame(panel: Axes, title: str, x: str, y: str) -> None:
    panel.set(title=title, xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.01))
    panel.title.set_fontsize(10)
    panel.spines[["top", "right"]].set_visible(False)


def _draw(panels: NDArray[Any], name: str, shots: Predictions) -> None:
    style = STYLES.get(name, {})
    false_positives, true_positives, _ = roc_curve(shots.defect, shots.probability)
    panels[0].plot(false_positives, true_positives, label=name, **style)
    precision, recall, _ = precision_recall_curve(shots.defect, shots.probability, drop_intermediate=True)
    panels[1].plot(recall, precision, drawstyle="steps-post", **style)
    panels[2].plot(*calibration_curve(shots), marker=".", **style)


def calibration_curve(shots: Predictions) -> tuple[Floats, Floats]:
    """Compute mean probability and defect rate of the bins that the calibration error is computed from."""
    order = np.argsort(shots.probability, kind="stable")
    bins = [rows for rows in np.split(order, np.linspace(0, len(order), BINS + 1).astype(int)[1:-1]) if len(rows)]
    return (np.array([shots.probability[rows].mean() for rows in bins]),
            np.array([shots.defect[rows].mean() for rows in bins]))


def risk_coverage_curve(shots: Predictions) -> tuple[Floats, Floats]:
    """Compute how the error falls if the shots nearest to the decision are left to a person.

    Returns
    -------
    kept : share of the shots that is kept, ascending to 1.
    error : error rate of the predictions on the kept shots.

    Notes
    -----
    Every training part chose a threshold of its own, so nearness is a shot's rank from the boundary on its side of it;
    shots of the same rank enter together.
    """
    rank = np.empty(len(shots.predicted))
    rank[shots.predicted] = rankdata(shots.probability[shots.predicted])
    rank[~shots.predicted] = rankdata(-shots.probability[~shots.predicted])
    order = np.argsort(-rank, kind="stable")
    last_of_rank = np.flatnonzero(np.diff(rank[order], append=0.0))
    wrong = np.cumsum((shots.predicted != shots.defect)[order])[last_of_rank]
    return (last_of_rank + 1) / len(order), wrong / (last_of_rank + 1)


def _draw_risk(panel: Axes, predictions: Mapping[str, Predictions], abstention: Mapping[str, Any]) -> None:
    """The curves, and on each a dot at the share that the bundle's own thresholds keep."""
    _frame(panel, "Risk–coverage (dot: as used)", "part of the shots kept", "error of the calls kept")
    highest = 0.0
    for name, shots in predictions.items():
        coverage, error = risk_coverage_curve(shots)
        points = np.flatnonzero(coverage >= MIN_KEPT)
        points = points[np.unique(np.linspace(0, len(points) - 1, MAX_POINTS).astype(int))]
        style = STYLES.get(name, {})
        panel.plot(coverage[points], error[points], **style)
        error_as_used = abstention[name]["error_of_rest"] or 0.0
        if abstention[name]["inspected"] < 1:
            panel.plot(1 - abstention[name]["inspected"], error_as_used, marker="o", color=style.get("color"))
        highest = max(highest, error_as_used, error[points].max())
    panel.set_ylim(0, highest * 1.15 or 1)


def _data_uri(figure: Figure) -> str:
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": SHOTWISE.name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()
