"""Draw the curves of a report: ROC, precision–recall, calibration and risk–coverage, as one SVG picture."""

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

MIN_COVERAGE = 0.05  # share of the shots kept, below which the error rate is too uncertain to draw
MAX_POINTS = 400  # of a risk–coverage curve
STYLES: Mapping[str, Mapping[str, Any]] = {
    SHOTWISE.name: {"color": "#1f4e9c", "linewidth": 2.0}, POC_BASELINE.name: {"color": "#c2571a", "linestyle": "-."},
    "run-rate": {"color": "#666666", "linestyle": "--"}, "late-rate": {"color": "#2e7d4f", "linestyle": ":"}}

Floats = NDArray[np.float64]


def draw_curves(predictions: Mapping[str, Predictions], abstention: Mapping[str, Any]) -> str:
    """Draw the curves of one protocol.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        Model → predictions for test shots of both classes.
    abstention : mapping
        Configuration → its abstention figures in the results; the risk–coverage curves of these are drawn.

    Returns
    -------
    str
        The picture as a data URI; the same predictions give the same bytes.
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
    """Compute mean probability and defect rate of each bin, the same bins as for the calibration error."""
    order = np.argsort(shots.probability, kind="stable")
    bins = [rows for rows in np.split(order, np.linspace(0, len(order), BINS + 1).astype(int)[1:-1]) if len(rows)]
    return (np.array([shots.probability[rows].mean() for rows in bins]),
            np.array([shots.defect[rows].mean() for rows in bins]))


def risk_coverage_curve(shots: Predictions) -> tuple[Floats, Floats]:
    """Compute how the error rate falls if the shots nearest to the threshold are left to a person.

    Returns
    -------
    coverage : ndarray of float64, shape (n_ranks,)
        Share of the shots that is left to the model, ascending to 1.
    error : ndarray of float64, shape (n_ranks,)
        Error rate on these shots.

    Notes
    -----
    Each fold has a threshold of its own, so probabilities of different folds cannot be compared with one threshold.
    Shots are therefore ranked by probability among those of the same predicted class; shots of one rank enter together.
    """
    rank = np.empty(len(shots.predicted))
    rank[shots.predicted] = rankdata(shots.probability[shots.predicted])
    rank[~shots.predicted] = rankdata(-shots.probability[~shots.predicted])
    order = np.argsort(-rank, kind="stable")
    last_of_rank = np.flatnonzero(np.diff(rank[order], append=0.0))
    wrong = np.cumsum((shots.predicted != shots.defect)[order])[last_of_rank]
    return (last_of_rank + 1) / len(order), wrong / (last_of_rank + 1)


def _draw_risk(panel: Axes, predictions: Mapping[str, Predictions], abstention: Mapping[str, Any]) -> None:
    """Draw the curves, each with a dot at the share of shots that the configuration's thresholds leave to it."""
    _frame(panel, "Risk–coverage (dot: as used)", "share of the shots kept", "error rate on them")
    highest = 0.0
    for name, shots in predictions.items():
        coverage, error = risk_coverage_curve(shots)
        points = np.flatnonzero(coverage >= MIN_COVERAGE)
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
